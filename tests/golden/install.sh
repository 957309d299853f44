#!/bin/sh
# Made by pipx-parallel with this command:
#    pipx-parallel lock requirements.in
# pipx-parallel: inputs sha256:4aa79d199ac08886653a3f7a936e0a37e009478c0b39ea8c054343bed666e8cc
# For cpython 3.11 linux x86_64.
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
  --python EXE  the interpreter to make the environment with (default: python3.11, python3, python)
  --upgrade-pip upgrade pip in the environment first: an old pip is slow to download
  --no-compile  do not compile to bytecode: installs faster, the first start is slower
  --dry-run     print what would be run and installed, change nothing
  --help        print this text
PIPX_PARALLEL_USAGE
}

requirements() {
    cat <<'PIPX_PARALLEL_REQUIREMENTS'
anyio==4.16.0 \
    --hash=sha256:249a2ae4151d2826a24d18a9bc597fa8d112a5752c1182fb970f8e20c5108e73 \
    --hash=sha256:9571d28e1c06c1f63896c9635476940bc0c48060d03ce0b05fcc462200a61b02
certifi==2026.1.1 \
    --hash=sha256:28a52c5362645432b428788ce1fc55c576ead28ba67402758b8bebf2997c536b \
    --hash=sha256:2a7e904fbab0248529ca80b41cf42f9d5d4bead10d5d01236e20c09b0d6ceccd
h11==0.16.0 \
    --hash=sha256:87cb563c3efcd38a0ac387be3f424becfe0828a30699ce45bb51277a5164845d \
    --hash=sha256:9b6d6d48a84033c1a1bf9651757cb85fc518d4b4130613cdd1c406f3a7fddced
httpcore==1.0.9 \
    --hash=sha256:028c396122a1b5875ebe41cfece18662708f8d480bc2f2733b18dda1efb80e51 \
    --hash=sha256:f8f9971d6c0156d5386cec4a38686c9101377bf78950e6e996249a5e1931d18b
httptools==0.6.4 \
    --hash=sha256:eaf424b9dc2db8e705c07022923365636a043143b106b93e0264b4903fcce3aa \
    --hash=sha256:fe7128f81d970bd2de065d0f04378dd29e79371cc7f165b5f2f387cbe740524b
httpx[socks]==0.28.1 \
    --hash=sha256:ab9beb19abac8cb42d089149fc2b7d19ca44b85354a8db085b6ff7de5607df6f \
    --hash=sha256:d11068b0fad906c8965e535d348ab741b2a19cbeafe066105c0c619bc308aa4a
idna==3.10 \
    --hash=sha256:6900fe2c6f8c58b85a7d96f4b0937545e40289be9e0aa2392b3035f3bc176d6b \
    --hash=sha256:cb0c73b778992a64913402aa2b222077f09ad1627b85526d8b9c2aa770daa1f1
socksio==1.0.0 \
    --hash=sha256:011668e634fe112f7f2de443bd981a4cf93c705ae068ecda1ce4e8262f23823d \
    --hash=sha256:1ac6739d3ccb492ba1eab508adb7d10fa8057e17d3a15add1985331e86a01998
PIPX_PARALLEL_REQUIREMENTS
}

# Repositories and folders: pip cannot check a hash of these, and would refuse the others in the same run.
direct_requirements() {
    cat <<'PIPX_PARALLEL_REQUIREMENTS'

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
fits() { "$1" -I -c 'import platform, sys
own = [sys.implementation.name, sys.platform, platform.machine()]
number = lambda text: tuple(map(int, text.split(chr(46))))
rows = [row.split(chr(44)) for row in sys.argv[1:]]
same = [row for row in rows if all(a in (b, chr(42)) for a, b in zip(row, own))]
fits = [number(row[3]) <= sys.version_info[:3] < number(row[4]) for row in same]
any(fits) or print(own[0], platform.python_version(), own[1], own[2])
sys.exit(not any(fits))' 'cpython,linux,x86_64,3.11.0,3.12.0'; }

# Run, not only look for: a version manager leaves names behind that end in an error.
find_python() {
    tried=
    for candidate in python3.11 python3 python; do
        if ! command -v "$candidate" >/dev/null 2>&1; then
            found='not found'
        elif found=$(fits "$candidate" 2>/dev/null); then
            python=$candidate
            return 0
        fi
        tried="$tried${tried:+, }$candidate (${found:-does not run})"
    done
    say "this set was locked for cpython 3.11 linux x86_64"
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
    say "this set was locked for cpython 3.11 linux x86_64"
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
    run "$interpreter" -I -m pip install --disable-pip-version-check --no-deps $no_compile --require-hashes -r "$scratch/requirements.txt" || { say 'pip failed'; exit 1; }
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

find_interpreter || make_environment
check_environment
make_scratch
install
if [ "$dry_run" = yes ]; then
    requirements
    direct_requirements
fi
