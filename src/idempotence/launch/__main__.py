"""`python -m idempotence.launch`: run a script, warm where that can be."""

import sys

from idempotence.launch.client import main

sys.exit(main())
