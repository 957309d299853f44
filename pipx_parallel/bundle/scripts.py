"""The three install scripts of a bundle. ``install.py`` does the work; the others find a Python to run it with. Pure text.

``install.py`` runs on machines that have only Python: it uses only the standard library, and the syntax of 3.8.
"""

from __future__ import annotations

PYTHON = r'''#!/usr/bin/env python3
"""Install the packages of this bundle into a virtual environment. Nothing is fetched; every file is checked by its hash.

Exit codes: 0 done, 1 pip failed, 2 bad usage, 3 the bundle does not serve this Python, 4 no virtual environment.
"""

import argparse
import json
import os
import subprocess
import sys

HERE = os.path.dirname(os.path.abspath(__file__))
ASK = (
    "import json, platform, sys; print(json.dumps([sys.implementation.name, '%d.%d' % sys.version_info[:2],"
    " sys.platform, platform.machine()]))"
)
MACHINES = {"amd64": "x86_64", "arm64": "aarch64"}


def main():
    given = arguments()
    with open(os.path.join(HERE, "bundle.json"), encoding="utf-8") as file:
        bundle = json.load(file)
    python = interpreter_of(given.venv)
    maker = given.python or sys.executable
    target = choose(bundle, given.target, facts(python or maker))
    if python is None and not given.dry_run:
        python = make_environment(maker, given.venv)
    return install(python or maker, target, given.dry_run)


def arguments():
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    default = os.environ.get("VIRTUAL_ENV") or ".venv"
    parser.add_argument("--venv", metavar="DIR", default=default, help="made if it is not there (default: %(default)s)")
    parser.add_argument("--python", metavar="EXE", help="the interpreter to make it with (default: the running one)")
    parser.add_argument("--target", metavar="NAME", help="which of the bundle's targets (default: the one that fits)")
    parser.add_argument("--dry-run", action="store_true", help="print what would be run, change nothing")
    return parser.parse_args()


def facts(python):
    try:
        said = json.loads(subprocess.check_output([python, "-I", "-c", ASK]).decode())
    except (OSError, ValueError, subprocess.CalledProcessError) as error:
        fail(4, "cannot run %s: %s" % (python, error))
    return tuple(said)


def choose(bundle, name, found):
    if name:
        chosen = [target for target in bundle["targets"] if target["name"] == name]
    else:
        chosen = [target for target in bundle["targets"] if fits(target, found)]
    if not chosen:
        names = ", ".join(target["name"] for target in bundle["targets"])
        fail(3, "this bundle has nothing for %s; it serves %s" % (name or " ".join(found), names))
    return chosen[0]


def fits(target, found):
    implementation, version, system, machine = found
    wanted = target["machine"]
    return (
        target["implementation"] in ("", implementation)
        and target["python"] == version
        and target["platform"] in ("", system)
        and (not wanted or same_machine(wanted) == same_machine(machine))
    )


def same_machine(name):
    return MACHINES.get(name.lower(), name.lower())


def interpreter_of(venv):
    for path in (os.path.join(venv, "bin", "python"), os.path.join(venv, "Scripts", "python.exe")):
        if os.path.exists(path):
            return path
    return None


def make_environment(python, venv):
    if subprocess.call([python, "-I", "-m", "venv", venv]):
        fail(4, "cannot make a virtual environment in %s" % venv)
    made = interpreter_of(venv)
    if made is None:
        fail(4, "there is no interpreter in %s" % venv)
    return made


def install(python, target, dry_run):
    # --isolated: neither variables nor configuration files of pip have a say. --no-deps: nothing is resolved again.
    pip = [python, "-I", "-m", "pip", "--isolated", "--disable-pip-version-check"]
    files = ["--find-links", os.path.join(HERE, "wheels"), "-r", os.path.join(HERE, *target["requirements"].split("/"))]
    commands = [pip + ["install", "--no-index", "--no-deps", "--require-hashes"] + files, pip + ["check"]]
    for command in commands:
        if dry_run:
            print(json.dumps(command))
        elif subprocess.call(command):
            fail(1, "pip %s failed" % command[6])
    return 0


def fail(code, message):
    sys.stderr.write("install: %s\n" % message)
    sys.exit(code)


if __name__ == "__main__":
    sys.exit(main())
'''

POSIX = r"""#!/bin/sh
# Finds a Python and lets install.py do the work; see README.txt. Takes the same options: sh install.sh --help
set -eu
here=$(CDPATH='' cd -- "$(dirname -- "$0")" && pwd)
for python in @PYTHONS@; do
    # Run, not only found: a version manager leaves names behind that end in an error.
    if "$python" -I -c '' >/dev/null 2>&1; then exec "$python" "$here/install.py" "$@"; fi
done
echo 'install.sh: no Python found; run install.py with one' >&2
exit 3
"""

POWERSHELL = r"""# Finds a Python and lets install.py do the work; see README.txt. Takes the same options: install.ps1 --help
$ErrorActionPreference = 'Stop'
$script = Join-Path $PSScriptRoot 'install.py'
if (Get-Command py -ErrorAction SilentlyContinue) {
    foreach ($version in @VERSIONS@) {
        & py "-$version" -c '' 2>$null
        if ($LASTEXITCODE -eq 0) { & py "-$version" $script @args; exit $LASTEXITCODE }
    }
}
foreach ($python in @PYTHONS@) {
    if (-not (Get-Command $python -ErrorAction SilentlyContinue)) { continue }
    & $python -I -c '' 2>$null  # run, not only found: the system and version managers leave names behind that end in an error
    if ($LASTEXITCODE -eq 0) { & $python $script @args; exit $LASTEXITCODE }
}
[Console]::Error.WriteLine('install.ps1: no Python found; run install.py with one')
exit 3
"""


def posix(versions: list[str]) -> str:
    """Return ``install.sh``, which tries the Pythons of these versions (``3.13``) first."""
    return POSIX.replace("@PYTHONS@", " ".join([*(f"python{version}" for version in versions), "python3", "python"]))


def powershell(versions: list[str]) -> str:
    """Return ``install.ps1``, which tries the Pythons of these versions first, with the launcher if there is one."""
    words = ", ".join(f"'{version}'" for version in versions)
    return POWERSHELL.replace("@VERSIONS@", f"@({words})").replace("@PYTHONS@", "@('python', 'python3')")
