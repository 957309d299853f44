"""Commands that are killed, and many at once, on one folder and on one Redis: nothing is lost, and nothing is wrong afterwards."""

from __future__ import annotations

import os
import random
import signal
import time
from collections.abc import Iterator
from pathlib import Path

import pytest

from tests.support.forked import Running, preload, ran, started
from tests.support.index_pages import MODERN
from tests.support.index_server import LoopbackIndex
from tests.support.layered_projects import ROOTS, layered_projects
from tests.support.redis_server import AVAILABLE, RedisServer
from tests.support.scale import scaled
from tests.support.workspace import Workspace

KILLS = scaled(12, 1000)
CHECKED = 12  # kills between two checks of the mirror
ROUNDS = scaled(1, 20)
PROCESSES = 10 if ROUNDS == 1 else 50
FIRST = int(os.environ.get("PIPX_PARALLEL_FIRST", "0"))  # the number of the first kill or round: a run in pieces
COMMANDS = (
    "mirror warm r.txt", "mirror warm --refresh r.txt", "lock r.txt -o OUT", "lock --offline r.txt -o OUT",
    "mirror import all.snap", "mirror prune --max-size 40K", "mirror prune --max-age 0.00001", "mirror publish OUT-site",
    "mirror export OUT.snap", "mirror doctor", "mirror verify r.txt",
)  # fmt: skip
CODES = {0, 3, 4, 130}
TIMEOUT = {"PIPX_PARALLEL_TIMEOUT": "600"}  # fifty processes on two cores wait long for the index, too
REDIS = pytest.param("redis", marks=pytest.mark.skipif(not AVAILABLE, reason="redis-server is not installed"))
pytestmark = pytest.mark.skipif(not hasattr(os, "fork"), reason="commands run in forks")


@pytest.fixture
def index() -> Iterator[LoopbackIndex]:
    """Serve the layered projects, not too fast."""
    with LoopbackIndex(layered_projects(), MODERN._replace(latency=0.005)) as served:
        yield served


@pytest.fixture(params=["folder", REDIS])
def location(request: pytest.FixtureRequest, workspace: Workspace, tmp_path: Path) -> Iterator[str]:
    """Return where the mirror is: a folder, and a Redis."""
    if request.param == "folder":
        yield str(workspace.mirror)
        return
    with RedisServer(tmp_path) as server:
        yield server.url


@pytest.fixture
def right(workspace: Workspace, location: str) -> bytes:
    """Fill the mirror, export it, and return the right lock."""
    workspace.write("r.txt", "\n".join(ROOTS) + "\n")
    if ROUNDS > 1:
        preload()
    assert ran(workspace, location, "mirror", "warm", "r.txt").code == 0
    assert ran(workspace, location, "mirror", "export", "all.snap").code == 0
    outcome = ran(workspace, location, "lock", "--offline", "r.txt", "-o", "pylock.toml")
    assert outcome.code == 0, outcome.text
    return workspace.read("pylock.toml")


def begin(workspace: Workspace, location: str, command: str, number: int) -> Running:
    """Start one of the commands with an output of its own."""
    words = command.replace("OUT", f"pylock.n{number}.toml").split()
    return started(workspace, location, *words, environment=TIMEOUT)


def check_mirror(workspace: Workspace, location: str, right: bytes, case: str) -> None:
    """Assert that nothing is damaged: at most something is missing, and the command that verify prints completes all of it."""
    verified = ran(workspace, location, "mirror", "verify", "r.txt")
    assert verified.code in {0, 4}, case + verified.text  # 4: a prune, or a warm of the chosen releases only
    if verified.code == 4:
        remedy = verified.text.partition("ill the mirror: pipx-parallel ")[2].partition("\n")[0].split()
        warmed = ran(workspace, location, *remedy)
        assert (bool(remedy), warmed.code) == (True, 0), case + verified.text + warmed.text
        verified = ran(workspace, location, "mirror", "verify", "r.txt")
        assert verified.code == 0, case + verified.text
    (workspace.folder / "pylock.toml").unlink()
    outcome = ran(workspace, location, "lock", "--offline", "r.txt", "-o", "pylock.toml")
    assert outcome.code == 0, case + outcome.text
    assert workspace.read("pylock.toml") == right, case


def test_killed_commands_leave_a_mirror_that_is_right(workspace: Workspace, location: str, right: bytes) -> None:
    """SIGKILL and SIGTERM at random moments; SIGTERM ends with a documented code."""
    for number in range(FIRST, FIRST + KILLS):
        dice = random.Random(number)  # noqa: S311 - what to kill and when, the same in every run
        command, signal_number = dice.choice(COMMANDS), dice.choice([signal.SIGKILL, signal.SIGTERM])
        running = begin(workspace, location, command, number % CHECKED)
        time.sleep(dice.uniform(0.02, 0.6))
        running.kill(signal_number)
        outcome = running.wait()

        case = f"kill {number} ({command}, {signal_number.name}): {outcome.code} {outcome.text}"
        assert outcome.code in CODES | {-signal.SIGKILL, -signal.SIGTERM}, case
        assert "Traceback" not in outcome.text, case
        if number % CHECKED == CHECKED - 1:
            check_mirror(workspace, location, right, case)
    check_mirror(workspace, location, right, "at the end: ")
    print(f"{KILLS} kills from {FIRST}, nothing wrong")  # noqa: T201 - with -s, for whoever runs many


def test_commands_side_by_side_leave_a_mirror_that_is_right(workspace: Workspace, location: str, right: bytes) -> None:
    """Writers, readers and those that delete, all at once; each ends with a documented code."""
    for number in range(FIRST, FIRST + ROUNDS):
        dice = random.Random(number)  # noqa: S311 - as above
        chosen = [dice.choice(COMMANDS) for _ in range(PROCESSES)]
        running = [begin(workspace, location, command, offset) for offset, command in enumerate(chosen)]
        for command, process in zip(chosen, running, strict=True):
            outcome = process.wait()
            case = f"{command}: {outcome.code} {outcome.text}"
            assert outcome.code in CODES, case
            assert "Traceback" not in outcome.text, case
            assert "delete the folder" not in outcome.text, case
        check_mirror(workspace, location, right, f"after round {number}: ")
        print(f"round {number} of {PROCESSES} processes: nothing wrong", flush=True)  # noqa: T201 - likewise
