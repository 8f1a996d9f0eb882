"""`python -m idempotence.launch`: run a script, warm where that can be (see `command_line`)."""

import sys

from idempotence.launch.command_line import main

sys.exit(main())
