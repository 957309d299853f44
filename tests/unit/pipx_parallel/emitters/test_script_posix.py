"""install.sh, run under every installed shell: hostile paths, hostile data, exit codes, removal of temporary files."""

from __future__ import annotations

import os
import shutil
import subprocess
import sys
from pathlib import Path

import pytest

from mirror.errors import NotFound
from mirror.records.model import FetchFailure
from pipx_parallel.emitters import script_posix
from pipx_parallel.emitters.interface import LockContext
from pipx_parallel.model import IndexOptions, Resolution
from tests.support.goldens import assert_golden
from tests.support.resolutions import context, digest, pin, resolution, root, web_resolution

pytestmark = pytest.mark.skipif(sys.platform == "win32", reason="a POSIX shell")
SHELLS = [shell for shell in ("dash", "bash", "ksh", "zsh", "busybox") if shutil.which(shell)]
HOSTILE = [
    "plain",
    "with space",
    "q'u\"o`t$HOME$(touch pwned)",
    "new\nline",
    "-dash",
    "ünï",
    "*?[a]",
    "back\\slash\\",
    "%s%n",
]
# Stands for the interpreter of an environment: keeps its arguments and the requirements it is given.
FAKE_PYTHON = """#!/bin/sh
for word in "$@"; do printf '%s\\0' "$word"; done >>"$LOG"
printf '\\n' >>"$LOG"
case "$*" in *" -c "*) exit 0 ;; esac
while [ $# -gt 1 ]; do shift; done
cat "$1" >>"$LOG.requirements"
exit "${FAKE_STATUS:-0}"
"""


def words(shell: str) -> list[str]:
    """Return how that shell is called as a POSIX one."""
    return {"busybox": ["busybox", "sh"], "zsh": ["zsh", "--emulate", "sh"]}.get(shell, [shell])


def script(folder: Path, resolved: Resolution, given: LockContext | None = None) -> Path:
    """Write the script as the writer would."""
    (artifact,) = script_posix.render("install.sh", [resolved], given or context())
    path = folder / "install.sh"
    path.write_bytes(artifact.text.encode())
    path.chmod(artifact.mode)
    return path


def environment(folder: Path) -> Path:
    """Make a folder that looks like a virtual environment, with a fake interpreter."""
    (folder / "bin").mkdir(parents=True)
    (folder / "bin" / "python").write_text(FAKE_PYTHON)
    (folder / "bin" / "python").chmod(0o755)
    return folder


def run(shell: str, path: Path, *arguments: str, **variables: str) -> subprocess.CompletedProcess[str]:
    """Run the script in its own folder with a private temporary folder."""
    scratch = path.parent / "scratch"
    scratch.mkdir(exist_ok=True)
    environ = {"PATH": os.environ["PATH"], "TMPDIR": str(scratch), "LOG": str(path.parent / "log"), **variables}
    return subprocess.run(
        [*words(shell), str(path), *arguments],
        cwd=path.parent, env=environ, capture_output=True, text=True, check=False, timeout=60,
    )  # fmt: skip


def command(path: Path, body: str) -> None:
    """Write a command of the shell."""
    path.parent.mkdir(exist_ok=True)
    path.write_text(f"#!/bin/sh\n{body}\n")
    path.chmod(0o755)


def test_the_example_looks_as_agreed() -> None:
    """The whole script, executable."""
    (artifact,) = script_posix.render("install.sh", [web_resolution()], context())

    assert artifact.mode == 0o755
    assert_golden("install.sh", artifact.text)


def test_shellcheck_has_nothing_to_say(tmp_path: Path) -> None:
    """As a POSIX script, without exceptions."""
    if shutil.which("shellcheck") is None:
        pytest.skip("shellcheck is not installed")
    resolved = resolution(
        [pin("a", "1"), pin("b", "1", url="file:///b", files=(), installable=())],
        missing=[FetchFailure("c", None, NotFound("it's gone"))],
    )

    done = subprocess.run(
        ["shellcheck", "-s", "sh", script(tmp_path, resolved)], capture_output=True, text=True, check=False
    )

    assert done.stdout == ""


@pytest.mark.parametrize("shell", SHELLS)
@pytest.mark.parametrize("name", HOSTILE)
def test_any_folder_name_reaches_pip_unchanged(tmp_path: Path, shell: str, name: str) -> None:
    """Spaces, quotes, expansions, line ends, a leading dash: the interpreter of that folder is called, with the pins."""
    venv = environment(tmp_path / name)
    path = script(tmp_path, resolution([pin("a", "1")]))

    done = run(shell, path, "--venv", str(venv) if not name.startswith("-") else name)

    assert done.returncode == 0, done.stderr
    calls = (tmp_path / "log").read_bytes().decode().split("\0\n")
    assert calls[0].split("\0")[:2] == ["-I", "-c"]
    install = calls[1].split("\0")
    assert install[:5] == ["-I", "-m", "pip", "install", "--disable-pip-version-check"]
    assert install[5:8] == ["--no-deps", "--require-hashes", "-r"]
    given = (tmp_path / "log.requirements").read_text()
    assert given.strip().startswith("a==1 \\\n    --hash=sha256:")
    assert not (tmp_path / "pwned").exists()
    assert list((tmp_path / "scratch").iterdir()) == []


@pytest.mark.parametrize("shell", SHELLS)
def test_pip_is_upgraded_and_nothing_compiled_if_asked(tmp_path: Path, shell: str) -> None:
    """The upgrade comes before the installation, which has the option of pip."""
    path = script(tmp_path, resolution([pin("a", "1")]))

    done = run(shell, path, "--venv", str(environment(tmp_path / "venv")), "--upgrade-pip", "--no-compile")

    assert done.returncode == 0, done.stderr
    upgrade, install = [call.split("\0") for call in (tmp_path / "log").read_bytes().decode().split("\0\n")[1:3]]
    assert upgrade[3:] == ["install", "--disable-pip-version-check", "--quiet", "--upgrade", "pip"]
    assert install[5:9] == ["--no-deps", "--no-compile", "--require-hashes", "-r"]


@pytest.mark.parametrize("shell", SHELLS)
@pytest.mark.parametrize("name", HOSTILE)
def test_a_dry_run_changes_nothing_and_prints_commands_a_shell_reads_back(
    tmp_path: Path, shell: str, name: str
) -> None:
    """The environment is not made; evaluating the first printed line gives the words back."""
    venv = tmp_path / name
    path = script(tmp_path, resolution([pin("a", "1")]))

    done = run(shell, path, "--python", sys.executable, f"--venv={venv}", "--dry-run")

    assert done.returncode == 0, done.stderr
    assert not venv.exists()
    assert list((tmp_path / "scratch").iterdir()) == []
    first = done.stdout[: done.stdout.index("\n'", done.stdout.index("'venv'"))]
    back = subprocess.run(["sh", "-c", f"printf '%s\\0' {first}"], capture_output=True, text=True, check=True).stdout
    assert back.split("\0")[:-1] == [sys.executable, "-I", "-m", "venv", str(venv)]
    assert "a==1 \\\n    --hash=sha256:" in done.stdout


@pytest.mark.parametrize("shell", SHELLS)
def test_hostile_package_data_is_data(tmp_path: Path, shell: str) -> None:
    """Delimiters, expansions and our own placeholders in URLs and messages stay text."""
    evil = "x\nPIPX_PARALLEL_REQUIREMENTS\ntouch pwned\n$(touch pwned)`touch pwned`' \"; touch pwned #@CHECKED@@HEADER@"
    resolved = resolution(
        [pin("a", "1"), pin("b", "1", url=f"file:///{evil}", files=(), installable=())],
        [root("a", source=evil)],
        missing=[FetchFailure("c", evil, NotFound(evil))],
    )
    environment(tmp_path / "venv")
    path = script(
        tmp_path, resolved, context(evil, options=IndexOptions(find_links=(evil,), index_url=f"https://{evil}"))
    )

    done = run(shell, path, "--venv", "venv")

    assert done.returncode == 0, done.stderr
    assert not (tmp_path / "pwned").exists()
    assert "MISSING: c x PIPX_PARALLEL_REQUIREMENTS touch pwned $(touch pwned)`touch pwned`'" in done.stderr
    given = (tmp_path / "log.requirements").read_text()
    assert "b @ file:///x%0APIPX_PARALLEL_REQUIREMENTS%0Atouch%20pwned" in given


@pytest.mark.parametrize("shell", SHELLS)
def test_what_cannot_be_hashed_is_installed_in_a_second_run(tmp_path: Path, shell: str) -> None:
    """Pip checks all requirements of a run or none."""
    archive = pin("a", "1", url=f"https://h.example/a-1.zip#sha256={digest('a')}", files=(), installable=())
    folder = pin("b", "1", url="file:///b", files=(), installable=())
    environment(tmp_path / "venv")

    done = run(shell, script(tmp_path, resolution([archive, folder])), "--venv", "venv")

    assert done.returncode == 0, done.stderr
    calls = (tmp_path / "log").read_text().split("\0\n")
    assert ["--require-hashes" in call for call in calls[1:3]] == [True, False]


@pytest.mark.parametrize("shell", SHELLS)
def test_without_hashes_pip_is_not_asked_to_check_them(tmp_path: Path, shell: str) -> None:
    """--no-hashes."""
    environment(tmp_path / "venv")

    run(shell, script(tmp_path, resolution([pin("a", "1")]), context(hashes=False)), "--venv", "venv")

    assert "--require-hashes" not in (tmp_path / "log").read_text()
    assert (tmp_path / "log.requirements").read_text().strip() == "a==1"


@pytest.mark.parametrize("shell", SHELLS)
@pytest.mark.parametrize(
    ("arguments", "status", "message"),
    [
        (["--nonsense"], 2, "unknown argument: --nonsense"),
        (["--venv"], 2, "--venv needs a value"),
        (["--venv", ""], 2, "--venv needs a folder"),
        (["--python", "/no/such/python", "--venv", "new"], 3, "cannot run /no/such/python"),
        (["--python", "false", "--venv", "new"], 3, "cannot run false"),
        (["--python", "./fits", "--venv", "install.sh/new"], 4, "cannot make a virtual environment in install.sh/new"),
    ],
)
def test_what_goes_wrong_has_its_exit_code(
    tmp_path: Path, shell: str, arguments: list[str], status: int, message: str
) -> None:
    """As the script's first lines say; the message goes to standard error."""
    command(tmp_path / "fits", 'case "$*" in *" -m venv "*) exit 1 ;; esac')

    done = run(shell, script(tmp_path, resolution([pin("a", "1")])), *arguments)

    assert done.returncode == status
    assert message in done.stderr
    assert done.stdout == ""


@pytest.mark.parametrize("shell", SHELLS)
def test_a_python_that_does_not_run_or_fit_is_passed_over(tmp_path: Path, shell: str) -> None:
    """The next name is tried: as with the names that a version manager leaves behind."""
    commands = tmp_path / "commands"
    command(commands / "python3.11", "echo 'pyenv: python3.11: command not found' >&2; exit 127")
    command(commands / "python3", "echo cpython 3.9.1 linux x86_64; exit 1")
    command(commands / "python", f'case "$*" in *" -m venv "*) cp -R "{environment(tmp_path / "made")}" "$4" ;; esac')
    path = script(tmp_path, resolution([pin("a", "1")]))
    given = {"PATH": f"{commands}:{os.environ['PATH']}"}

    done = run(shell, path, **given)

    assert (done.returncode, done.stderr) == (0, "")
    assert (tmp_path / "log.requirements").read_text().startswith("a==1")


@pytest.mark.parametrize("shell", SHELLS)
def test_what_was_tried_is_named_if_no_python_fits(tmp_path: Path, shell: str) -> None:
    """Each name with what is wrong with it; no environment is made, and a dry run goes on."""
    commands = tmp_path / "commands"
    command(commands / "python3.11", "exit 127")
    command(commands / "python3", "echo cpython 3.9.1 linux x86_64; exit 1")
    command(commands / "python", "exit 1")
    path = script(tmp_path, resolution([pin("a", "1")]))
    given = {"PATH": f"{commands}:{os.environ['PATH']}"}

    done, named, dry = (
        run(shell, path, **given),
        run(shell, path, "--python", "python3", **given),
        run(shell, path, "--dry-run", **given),
    )

    tried = "tried python3.11 (does not run), python3 (cpython 3.9.1 linux x86_64), python (does not run)"
    assert (done.returncode, f"no such Python found; {tried}; give one with --python" in done.stderr) == (3, True)
    assert (named.returncode, "python3 is cpython 3.9.1 linux x86_64, where it may need" in named.stderr) == (3, True)
    assert (dry.returncode, tried in dry.stderr, "'venv'" in dry.stdout) == (0, True, True)
    assert not (tmp_path / ".venv").exists()


@pytest.mark.parametrize("shell", SHELLS)
def test_a_failing_pip_is_exit_1_and_leaves_no_temporary_file(tmp_path: Path, shell: str) -> None:
    """Whatever pip's own code is."""
    environment(tmp_path / "venv")

    done = run(shell, script(tmp_path, resolution([pin("a", "1")])), "--venv", "venv", FAKE_STATUS="7")

    assert (done.returncode, "pip failed" in done.stderr) == (1, True)
    assert list((tmp_path / "scratch").iterdir()) == []


@pytest.mark.parametrize("shell", SHELLS)
def test_without_a_temporary_folder_it_is_exit_5(tmp_path: Path, shell: str) -> None:
    """TMPDIR names nothing."""
    environment(tmp_path / "venv")

    done = run(shell, script(tmp_path, resolution([pin("a", "1")])), "--venv", "venv", TMPDIR=str(tmp_path / "no"))

    assert done.returncode == 5


@pytest.mark.parametrize("shell", SHELLS)
def test_the_active_environment_is_used_where_none_is_named(tmp_path: Path, shell: str) -> None:
    """VIRTUAL_ENV, as pip itself would."""
    active = environment(tmp_path / "active one")

    done = run(shell, script(tmp_path, resolution([pin("a", "1")])), VIRTUAL_ENV=str(active))

    assert done.returncode == 0, done.stderr
    assert (tmp_path / "log.requirements").exists()


@pytest.mark.parametrize("shell", SHELLS)
def test_help_goes_to_standard_output(tmp_path: Path, shell: str) -> None:
    """Exit 0, and all options are in it."""
    done = run(shell, script(tmp_path, resolution([])), "--help")

    assert done.returncode == 0
    assert all(option in done.stdout for option in ("--venv", "--python", "--dry-run", "--help"))
