r"""``install.sh``: a script that creates or uses a virtual environment and installs the locked packages with plain pip.

For any POSIX shell (dash, bash, ksh, busybox, the ``sh`` of macOS). The requirements are in a here-document with a quoted
delimiter: the shell expands nothing in it, and no line can equal the delimiter (each starts with a project name, ``-``, ``#``
or a space, and contains no line end). Exit codes: see ``_TEMPLATE``.

Limit: pip resolves the build requirements of source archives; they are not pinned.
"""

from __future__ import annotations

from typing import TYPE_CHECKING

from pipx_parallel.emitters import merge, requirements_txt
from pipx_parallel.locks.target_labels import environment_rows, labels
from pipx_parallel.model import Artifact

if TYPE_CHECKING:
    from collections.abc import Sequence

    from pipx_parallel.emitters.interface import LockContext
    from pipx_parallel.model import Resolution, Target

_TEMPLATE = r"""#!/bin/sh
@HEADER@
#
# Exit codes: 0 done, 1 pip failed, 2 bad usage, 3 no Python that this set was locked for,
# 4 no virtual environment, 5 no temporary file.
set -eu

say() { printf '%s\n' "${0##*/}: $*" >&2; }

usage() {
    cat <<'PIPX_PARALLEL_USAGE'
Usage: install.sh [--venv DIR] [--python EXE] [--upgrade-pip] [--no-compile] [--dry-run]

Installs the locked set of packages with pip into a virtual environment.

  --venv DIR    the environment; made if it is not there (default: the active one, else .venv)
  --python EXE  the interpreter to make the environment with (default: @PYTHONS@)
  --upgrade-pip upgrade pip in the environment first: an old pip is slow to download
  --no-compile  do not compile to bytecode: installs faster, the first start is slower
  --dry-run     print what would be run and installed, change nothing
  --help        print this text
PIPX_PARALLEL_USAGE
}

requirements() {
    cat <<'PIPX_PARALLEL_REQUIREMENTS'
@CHECKED@
PIPX_PARALLEL_REQUIREMENTS
}

# Repositories and folders: pip cannot check a hash of these, and would refuse the others in the same run.
direct_requirements() {
    cat <<'PIPX_PARALLEL_REQUIREMENTS'
@UNCHECKED@
PIPX_PARALLEL_REQUIREMENTS
}

# Print the arguments as one line that a shell would read back as they are.
quoted() {
    for word in "$@"; do
        printf "'"
        while :; do
            case $word in
                *\'*) printf "%s'\\\\''" "${word%%\'*}"; word=${word#*\'} ;;
                *) printf "%s' " "$word"; break ;;
            esac
        done
    done
    printf '\n'
}

run() {
    if [ "$dry_run" = yes ]; then quoted "$@"; else "$@"; fi
}

needs_value() {
    if [ "$2" -lt 2 ]; then say "$1 needs a value"; exit 2; fi
}

# Whether an interpreter is one that this set was locked for; prints what it is if not, nothing if it does not work.
fits() { "$1" -I -c '@CHECK@' @ROWS@; }

# Run, not only look for: a version manager leaves names behind that end in an error.
find_python() {
    tried=
    for candidate in @PYTHON_WORDS@; do
        if ! command -v "$candidate" >/dev/null 2>&1; then
            found='not found'
        elif found=$(fits "$candidate" 2>/dev/null); then
            python=$candidate
            return 0
        fi
        tried="$tried${tried:+, }$candidate (${found:-does not run})"
    done
    say "this set was locked for @TARGETS@"
    say "no such Python found; tried $tried; give one with --python"
    if [ "$dry_run" = no ]; then exit 3; fi
    python=$candidate
}

check_python() {
    if ! command -v "$python" >/dev/null 2>&1; then
        say "cannot run $python"
        exit 3
    fi
    [ "$dry_run" = no ] || return 0
    found=$(fits "$python") && return 0
    if [ -z "$found" ]; then
        say "cannot run $python"
        exit 3
    fi
    refuse "$python" "$found"
}

refuse() {
    say "this set was locked for @TARGETS@"
    say "$1 is $2, where it may need other packages: lock for it, or use another Python"
    exit 3
}

find_interpreter() {
    for candidate in "$venv/bin/python" "$venv/Scripts/python.exe"; do
        if [ -x "$candidate" ]; then interpreter=$candidate; return 0; fi
    done
    return 1
}

make_environment() {
    if [ -z "$python" ]; then find_python; else check_python; fi
    run "$python" -I -m venv "$venv" || { say "cannot make a virtual environment in $venv"; exit 4; }
    if ! find_interpreter; then
        if [ "$dry_run" = no ]; then say "no interpreter in $venv"; exit 4; fi
        interpreter=$venv/bin/python
    fi
}

check_environment() {
    [ "$dry_run" = no ] || return 0
    found=$(fits "$interpreter") || refuse "$venv" "${found:-another environment}"
}

make_scratch() {
    if [ "$dry_run" = yes ]; then scratch='(temporary folder)'; return 0; fi
    umask 077
    trap 'rm -rf -- "$scratch"' EXIT
    trap 'exit 129' HUP
    trap 'exit 130' INT
    trap 'exit 143' TERM
    scratch=$(mktemp -d "${TMPDIR:-/tmp}/pipx-parallel.XXXXXX") || { say 'cannot make a temporary folder'; exit 5; }
    requirements >"$scratch/requirements.txt" || { say 'cannot write a temporary file'; exit 5; }
    direct_requirements >"$scratch/direct.txt" || { say 'cannot write a temporary file'; exit 5; }
}

install() {
    if [ "$upgrade_pip" = yes ]; then
        run "$interpreter" -I -m pip install --disable-pip-version-check --quiet --upgrade pip || { say 'pip failed'; exit 1; }
    fi
@INSTALL@
}

venv=${VIRTUAL_ENV:-.venv}
python=
interpreter=
dry_run=no
upgrade_pip=no
no_compile=
scratch=
while [ $# -gt 0 ]; do
    case $1 in
        --venv) needs_value "$1" $#; venv=$2; shift ;;
        --venv=*) venv=${1#--venv=} ;;
        --python) needs_value "$1" $#; python=$2; shift ;;
        --python=*) python=${1#--python=} ;;
        --dry-run) dry_run=yes ;;
        --upgrade-pip) upgrade_pip=yes ;;
        --no-compile) no_compile=--no-compile ;;
        -h | --help) usage; exit 0 ;;
        *) say "unknown argument: $1"; usage >&2; exit 2 ;;
    esac
    shift
done
case $venv in
    '') say '--venv needs a folder'; exit 2 ;;
    -*) venv=./$venv ;;
esac
@WARNINGS@
find_interpreter || make_environment
check_environment
make_scratch
install
if [ "$dry_run" = yes ]; then
    requirements
    direct_requirements
fi
"""

_PIP = 'run "$interpreter" -I -m pip install --disable-pip-version-check --no-deps $no_compile'
_FAILED = "{ say 'pip failed'; exit 1; }"


def render(name: str, resolutions: Sequence[Resolution], context: LockContext) -> tuple[Artifact, ...]:
    """Return the executable script for all the resolutions (see ``Emitter``)."""
    lines = requirements_txt.requirement_lines(resolutions, context)
    options = list(requirements_txt.option_lines(context.options))
    targets = [resolution.target for resolution in resolutions]
    versions = python_versions(targets)
    pythons = [*(f"python{version}" for version in versions), "python3", "python"]
    parts = {
        "@HEADER@": "\n".join(requirements_txt.header(resolutions, context)),
        "@PYTHONS@": ", ".join(pythons),
        "@PYTHON_WORDS@": " ".join(pythons),
        "@CHECK@": ENVIRONMENT_CHECK,
        "@ROWS@": " ".join(map(shell_quoted, environment_rows(targets))),
        "@TARGETS@": ", ".join(_double_quotable(label) for label in labels(targets)),
        "@INSTALL@": "\n".join(_install(lines, context)) or "    :",
        "@WARNINGS@": "\n".join(_warnings(resolutions)),
        # Last: text from indexes is never searched for placeholders.
        "@CHECKED@": "\n".join((*options, *lines.checked)),
        "@UNCHECKED@": "\n".join((*options, *lines.unchecked)),
    }
    return (Artifact(name, fill(_TEMPLATE, parts), 0o755),)


# Prints what the interpreter is, and exits with 1, unless it fits a row; without quotation marks, which PowerShell would lose.
ENVIRONMENT_CHECK = """\
import platform, sys
own = [sys.implementation.name, sys.platform, platform.machine()]
number = lambda text: tuple(map(int, text.split(chr(46))))
rows = [row.split(chr(44)) for row in sys.argv[1:]]
same = [row for row in rows if all(a in (b, chr(42)) for a, b in zip(row, own))]
fits = [number(row[3]) <= sys.version_info[:3] < number(row[4]) for row in same]
any(fits) or print(own[0], platform.python_version(), own[1], own[2])
sys.exit(not any(fits))"""


def fill(template: str, parts: dict[str, str]) -> str:
    """Replace each placeholder by its text; placeholders inside the texts are not replaced."""
    pieces = [template]
    for mark, text in parts.items():
        split: list[str] = []
        for number, piece in enumerate(pieces):
            if number % 2:  # a text that was inserted before
                split.append(piece)
                continue
            head, *tails = piece.split(mark)
            split.append(head)
            for tail in tails:
                split += [text, tail]
        pieces = split
    return "".join(pieces)


def python_versions(targets: Sequence[Target]) -> list[str]:
    """Return the Python versions (``3.12``) of the targets, in their order, without duplicates, digits and dots only."""
    versions = (target.markers.get("python_version", "") for target in targets)
    return list(dict.fromkeys(version for version in versions if version.replace(".", "").isdecimal()))


def shell_quoted(text: str) -> str:
    """Return ``text`` as one word for a POSIX shell."""
    return "'" + text.replace("'", "'\\''") + "'"


def _double_quotable(text: str) -> str:
    """Return ``text`` without what means something between double quotes."""
    return "".join(letter for letter in text if letter not in '"$`\\!' and letter.isprintable())


def _install(lines: requirements_txt.Lines, context: LockContext) -> list[str]:
    commands = []
    if lines.checked:
        hashes = " --require-hashes" if context.hashes else ""
        commands.append(f'    {_PIP}{hashes} -r "$scratch/requirements.txt" || {_FAILED}')
    if lines.unchecked:
        commands.append(f'    {_PIP} -r "$scratch/direct.txt" || {_FAILED}')
    return commands


def _warnings(resolutions: Sequence[Resolution]) -> list[str]:
    marks = (line.removeprefix("# ") for line in merge.missing_lines(resolutions))
    return [f"say {shell_quoted(mark)}" for mark in marks]
