"""What a command loads: nothing that it does not use."""

from __future__ import annotations

import json
import os
import subprocess
import sys
from collections.abc import Mapping
from pathlib import Path

import pytest
from click.testing import CliRunner

import pipx_parallel
from pipx_parallel.cli import app
from pipx_parallel.cli import machine_facts as machine
from pipx_parallel.cli.command_table import COMMANDS, MIRROR, CommandEntry
from tests.cli.conftest import Run
from tests.support.dists import wheel
from tests.support.index_server import LoopbackIndex

# Runs a command line, then prints what is loaded.
LOADED = "import json, sys\nfrom pipx_parallel.__main__ import main\ncode = main()\nprint(json.dumps([code, sorted(sys.modules)]))"
HEAVY = (
    *(
        "click",
        "packaging",
        "msgspec",
        "pycurl",
        "requests",
        "requests_cache",
        "urllib3",
        "aiohttp",
        "rich",
        "uvicorn",
        "pip",
    ),
    *(
        "pip_requirements_parser",
        "tomllib",
        "logging",
        "asyncio",
        "ssl",
        "http.client",
        "email",
        "subprocess",
        "inspect",
    ),
    *(
        "dataclasses",
        "diskcache",
        "tempfile",
        "shutil",
        "pickle",
        "concurrent.futures",
        "importlib.metadata",
        "mirror.http.transports",
        "mirror.http.curl_transport",
    ),
    *(
        "mirror.server.app",
        "mirror.server.responses",
        "mirror.server.worker",
        "mirror.records.simple_parse",
        "mirror.records.simple_html",
    ),
    "pipx_parallel.locks.lock_diff",
    "pipx_parallel.resolution.lock_service",
    "pipx_parallel.resolution.lock_solver",
)


def loaded(ran_out: str) -> tuple[int, list[str]]:
    """Return the exit code and the heavy modules a command loaded."""
    code, modules = json.loads(ran_out.splitlines()[-1])
    return code, [name for name in HEAVY if name in modules]


def test_a_warm_offline_lock_loads_nothing_heavy(home: Path, run: Run, spawn: Run) -> None:
    """No click, no packaging, no HTTP, no parser: all it needs was worked out before."""
    (home / "r.txt").write_text("app\nlib>=1\n", encoding="utf-8")
    run("lock", "r.txt", "-o", "locked.txt")
    spawn("lock", "r.txt", "-o", "locked.txt", "--offline")

    assert loaded(spawn("lock", "r.txt", "-o", "locked.txt", "--offline", script=LOADED).out) == (0, [])


def test_a_warm_lock_loads_as_little_where_patch_releases_of_python_differ(
    home: Path, run: Run, spawn: Run, index: LoopbackIndex
) -> None:
    """A dependency for some patch releases only limits the lock to these; where they end was worked out before."""
    marker = "python_full_version >= '{}.{}.1'".format(*sys.version_info)
    index.publish("app", wheel("app", "3.0", [f"lib; {marker}"]))
    (home / "r.txt").write_text("app\n", encoding="utf-8")
    run("lock", "r.txt", "-o", "locked.txt")
    first = spawn("lock", "r.txt", "-o", "locked.txt", "--offline")
    (home / "r.txt").write_text("app  # changed\n", encoding="utf-8")

    ran = spawn("lock", "r.txt", "-o", "locked.txt", "--offline", script=LOADED)

    assert ".1+ " in first.err
    assert loaded(ran.out) == (0, [])
    assert '"pipx_parallel.resolution.universal"' not in ran.out


# Runs a command line, then prints the modules that took, beside those that the interpreter starts with.
COUNTED = (
    "import sys\nbefore = set(sys.modules)\nfrom pipx_parallel.__main__ import main\ncode = main()\n"
    "print(code, *sorted(set(sys.modules) - before))"
)
# As many as at c4fc33f, before its modules were put into folders.
MOST_MODULES = 201


@pytest.mark.parametrize("output", ["locked.txt", "pylock.toml"])
def test_a_warm_offline_lock_loads_few_modules(home: Path, run: Run, output: str) -> None:
    """With a changed list, so that it is locked anew: a new module on this path takes the place of another, or comes late.

    Where the pins still fit the solver is not loaded; where they do not count, it is.
    """
    (home / "r.txt").write_text("app\nlib>=1\n", encoding="utf-8")
    run("lock", "r.txt", "-o", output)
    _modules_of_offline_lock(output)
    (home / "r.txt").write_text("app\nlib>=1  # changed\n", encoding="utf-8")

    modules = _modules_of_offline_lock(output)

    assert "pipx_parallel.resolver.solver" not in modules
    assert len(modules) <= MOST_MODULES, modules

    (home / "r.txt").write_text("app\nlib>=1  # changed once more\n", encoding="utf-8")
    modules = _modules_of_offline_lock(output, "--upgrade")

    assert "pipx_parallel.resolver.solver" in modules
    assert len(modules) <= MOST_MODULES, modules


def _modules_of_offline_lock(output: str, *options: str) -> list[str]:
    """Return what a lock loads. Without `site`: the hook of an editable install loads modules before the count begins."""
    paths = [str(Path(pipx_parallel.__file__ or "").parents[1]), *sys.path]
    ran = subprocess.run(
        [sys.executable, "-S", "-c", COUNTED, "lock", "r.txt", "-o", output, "--offline", *options],
        env={**os.environ, "PYTHONPATH": os.pathsep.join(paths)},
        capture_output=True, text=True, check=True,
    )  # fmt: skip
    code, *modules = ran.stdout.split()
    assert code == "0"
    return modules


def test_a_repeated_offline_lock_is_computed(home: Path, run: Run, spawn: Run) -> None:
    """The same command twice loads the solver twice: no stored answer can outlive a change of the tool."""
    (home / "r.txt").write_text("app\n", encoding="utf-8")
    run("lock", "r.txt", "-o", "locked.txt")
    script = (
        "import os, sys\nfrom pipx_parallel.__main__ import run\n"
        "os._exit = lambda code: print(code, 'pipx_parallel.resolution.resolve' in sys.modules)\nrun()\n"
    )

    runs = [spawn("lock", "r.txt", "-o", "locked.txt", "--offline", script=script).out.split() for _ in range(3)]

    assert runs == [["0", "True"]] * 3


def test_a_fresh_check_loads_less_still(home: Path, run: Run, spawn: Run) -> None:
    """Bytes are compared with a digest, and the mirror is read for what became of the pins; without one not even that."""
    (home / "r.txt").write_text("app\n", encoding="utf-8")
    run("lock", "r.txt")

    ran = spawn("lock", "r.txt", "--check", script=LOADED)

    of_store = {"logging", "subprocess", "inspect", "dataclasses"}  # what diskcache loads
    assert (loaded(ran.out)[0], set(loaded(ran.out)[1]) - of_store) == (0, set())
    assert [name for name in ("pipx_parallel.resolution.resolve", "tomllib") if f'"{name}"' in ran.out] == []
    ran = spawn("lock", "r.txt", "--check", "--mirror", "nowhere", script=LOADED)
    assert loaded(ran.out) == (0, [])
    assert [name for name in ("mirror.session.mirror", "diskcache", "sqlite3") if f'"{name}"' in ran.out] == []


@pytest.mark.parametrize("entries", [COMMANDS, MIRROR], ids=["commands", "mirror"])
def test_help_lists_commands_without_loading_them(entries: Mapping[str, CommandEntry]) -> None:
    """A command that cannot even be imported does not break the list of the others."""
    broken = {name: entry._replace(module="no.such.module") for name, entry in entries.items()}

    result = CliRunner().invoke(app.LazyGroup("x", broken), ["--help"])

    assert result.exit_code == 0
    assert [name for name in entries if name not in result.output] == []


@pytest.mark.parametrize("path", [*([name] for name in COMMANDS), *(["mirror", name] for name in MIRROR)])
def test_every_command_explains_itself(path: list[str]) -> None:
    """--help works everywhere, -h too, and says what the table says of the command or more."""
    for flag in ("--help", "-h"):
        result = CliRunner().invoke(app.group(), [*path, flag])

        assert result.exit_code == 0
        assert result.output.startswith(f"Usage: pipx-parallel {' '.join(path)}")


def test_version(spawn: Run) -> None:
    """On stdout: it is what was asked for."""
    ran = spawn("--version")

    assert (ran.code, ran.out.split()[0], ran.err) == (0, "pipx-parallel", "")


def test_facts_of_the_machine_are_computed_once(tmp_path: Path) -> None:
    """The second time they come out of the file, equal in every part."""
    first = machine.known_target(str(tmp_path))
    stored = next(tmp_path.iterdir()).read_text(encoding="utf-8")

    assert machine.known_target(str(tmp_path)) == first
    assert json.loads(stored)["target"][0] == first.label


@pytest.mark.parametrize(
    "text", ["", "{", "[]", "{}", '{"schema": 1, "fingerprint": "another", "target": [1, 2, 3, 4]}']
)
def test_facts_of_another_machine_are_not_used(tmp_path: Path, text: str) -> None:
    """A damaged file, or one of another interpreter or kernel, is written anew."""
    truth = machine.known_target(str(tmp_path))
    file = next(tmp_path.iterdir())
    file.write_text(text, encoding="utf-8")

    assert machine.known_target(str(tmp_path)) == truth
    assert json.loads(file.read_text(encoding="utf-8"))["target"][0] == truth.label


def test_a_damaged_target_under_the_right_fingerprint_is_computed_again(tmp_path: Path) -> None:
    """Nothing read from disk is taken on trust."""
    truth = machine.known_target(str(tmp_path))
    file = next(tmp_path.iterdir())
    facts = json.loads(file.read_text(encoding="utf-8"))
    file.write_text(json.dumps({**facts, "target": ["x", 1]}), encoding="utf-8")

    assert machine.known_target(str(tmp_path)) == truth


def test_a_folder_that_cannot_be_written_costs_time_only(tmp_path: Path) -> None:
    """The facts are found out, and that is all."""
    (tmp_path / "file").write_text("", encoding="utf-8")

    assert machine.known_target(str(tmp_path / "file" / "below")).tags


@pytest.mark.parametrize("path", [["lock"], ["resolve"], ["mirror", "warm"], ["mirror", "prune"]])
def test_help_shows_the_common_options_in_groups_and_help_all_the_rest(path: list[str]) -> None:
    """Every option has a heading; those that few need are only counted by --help."""
    common = CliRunner().invoke(app.group(), [*path, "--help"]).output
    everything = CliRunner().invoke(app.group(), [*path, "--help-all"]).output

    assert len(common.splitlines()) <= (48 if path == ["lock"] else 50)  # two screens
    assert max(map(len, common.splitlines())) <= 80
    for word in ("mirror options:", "General options:", "--offline", "--verbose"):
        assert word in common
    assert "--proxy" not in common
    for word in ("Network options:", "--proxy", "[default: 15]"):
        assert word in everything
    assert "--help-all explains these and shows " in common
    assert "more options" not in everything
