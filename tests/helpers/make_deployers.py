"""Stand-ins for conda and apptainer, which do what Snakemake asks of them on this machine.

Their environments and containers have the tests' own Python, and what they were asked is noted.
"""

import os
import sys
from pathlib import Path

# The folder from which conda lets pip run is that of the environment's file, a copy of Snakemake's.
CONDA = """#!/bin/sh
case "$*" in
    "info --json") echo '{{"conda_prefix": "{folder}", "platform": "linux-64"}}';;
    --version) echo conda 24.7.1;;
    "config --get channel_priority --json") echo '{{"get": {{"channel_priority": "strict"}}}}';;
    "env create"*)
        for word; do
            case "$before" in --prefix) prefix="$word";; --file) file="$word";; esac
            case "$word" in --*) before="${{word%%=*}}";; *) before=;; esac
        done
        cat "$file" >> "{folder}/installed"
        mkdir -p "$prefix/bin"
        printf '#!/bin/sh\\necho "$0" "$@" >> "{folder}/calls"\\nexec "{python}" "$@"\\n' \\
            > "$prefix/bin/python"
        chmod +x "$prefix/bin/python";;
    clean*) ;;
    *) echo "conda was asked for $*" >&2; exit 1;;
esac
"""
ACTIVATE = 'export PATH="$1/bin:$PATH"\n'
APPTAINER = """#!/bin/sh
[ "$*" = --version ] && echo apptainer version 1.3.4 && exit
echo "$@" >> "{folder}/calls"
for command; do :; done  # the last argument
exec bash -c "$command"
"""


def make_deployers(folder: Path) -> dict[str, str]:
    """Write both into a folder; returns the PATH that has them.

    calls: what apptainer, or an environment's Python, was asked. installed: the files of
    environments that conda made.
    """
    (folder / "bin").mkdir(parents=True)
    for name, text in (("conda", CONDA), ("apptainer", APPTAINER), ("activate", ACTIVATE)):
        if name != "activate":
            text = text.format(folder=folder, python=sys.executable)
        (folder / "bin" / name).write_text(text)
        (folder / "bin" / name).chmod(0o755)
    return {"PATH": f"{folder / 'bin'}{os.pathsep}{os.environ['PATH']}"}
