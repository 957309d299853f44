"""Several processes on one mirror, processes that are killed, and Ctrl-C: the mirror stays right.

REPETITIONS in the environment asks for more rounds than the quick few of the suite (acceptance: 20).
"""

from __future__ import annotations

import json
import os
import random
import shutil
import signal
import stat
import subprocess
import time
from collections.abc import Iterator

import pytest

from tests.support.index_pages import MODERN
from tests.support.index_server import LoopbackIndex
from tests.support.layered_projects import ROOTS, layered_projects
from tests.support.workspace import Workspace

ROUNDS = int(os.environ.get("REPETITIONS", "2"))
PROCESSES = 8
posix = pytest.mark.skipif(os.name != "posix", reason="POSIX signals and modes")


@pytest.fixture
def index() -> Iterator[LoopbackIndex]:
    """Serve the layered projects, not too fast."""
    with LoopbackIndex(layered_projects(), MODERN._replace(latency=0.01)) as served:
        yield served


def written(workspace: Workspace, name: str, *flags: str) -> bytes:
    """Lock into a file of that name and return its bytes, as ``nameless`` does."""
    ran = workspace.run("lock", "r.txt", "-o", name, *flags)
    assert ran.code == 0, ran.err
    return nameless(workspace, name)


def nameless(workspace: Workspace, name: str) -> bytes:
    """Return the bytes of a lock without the lines of its own command and digest, which depend on its name."""
    rows = workspace.read(name).splitlines()
    return b"\n".join(row for row in rows if not row.startswith((b"command = ", b"inputs = ")))


def status(workspace: Workspace) -> dict[str, object]:
    """Return what `mirror status` says."""
    ran = workspace.run("mirror", "status", "--format", "json")
    assert ran.code == 0, ran.err
    figures = json.loads(ran.out)
    assert isinstance(figures, dict)
    return figures


def test_eight_processes_fill_one_mirror_and_write_the_same(workspace: Workspace) -> None:
    """All start from nothing, at once."""
    workspace.write("r.txt", "\n".join(ROOTS) + "\n")
    for number in range(max(1, ROUNDS // 4)):
        shutil.rmtree(workspace.mirror, ignore_errors=True)
        for path in workspace.folder.glob("pylock.*"):  # a lock that is there already asks for less
            path.unlink()
        started = [workspace.start("lock", "r.txt", "-o", f"pylock.n{count}.toml") for count in range(PROCESSES)]
        ended = [process.communicate(timeout=60)[1] for process in started]

        assert [process.returncode for process in started] == [0] * PROCESSES, ended
        texts = {nameless(workspace, f"pylock.n{count}.toml") for count in range(PROCESSES)}
        assert len(texts) == 1
        assert status(workspace)["damaged"] == []
        assert written(workspace, f"pylock.off{number}.toml", "--offline") in texts


@posix
def test_a_killed_fill_leaves_a_mirror_that_is_right(workspace: Workspace) -> None:
    """SIGKILL at random moments of a cold `mirror warm`; then every record is whole and the lock is the right one."""
    workspace.write("r.txt", "\n".join(ROOTS) + "\n")
    right = written(workspace, "pylock.right.toml")
    dice = random.Random(20)  # noqa: S311 - when to kill, the same in every run
    for number in range(ROUNDS):
        if number % 2 == 0:
            shutil.rmtree(workspace.mirror)
        process = workspace.start("mirror", "warm", "r.txt")
        time.sleep(dice.uniform(0.05, 1.0))
        process.send_signal(signal.SIGKILL)
        process.communicate(timeout=60)

        assert status(workspace)["damaged"] == []
        assert written(workspace, "pylock.again.toml") == right
        (workspace.folder / "pylock.again.toml").unlink()


@posix
@pytest.mark.parametrize(
    ("number", "command"),
    [
        (signal.SIGINT, "lock r.txt -o pylock.toml"), (signal.SIGTERM, "lock r.txt -o pylock.toml"),
        (signal.SIGTERM, "lock r.txt --check"), (signal.SIGTERM, "resolve r.txt"), (signal.SIGTERM, "mirror warm r.txt"),
    ],
)  # fmt: skip
def test_a_signal_ends_a_slow_fill_at_once(
    workspace: Workspace, index: LoopbackIndex, number: signal.Signals, command: str
) -> None:
    """Ctrl-C and SIGTERM: exit code 130, one line, no output; what was learned is kept and the mirror is usable."""
    workspace.write("r.txt", "\n".join(ROOTS) + "\n")
    index.fail("/simple/p3-*", "hang", times=99, seconds=100)
    process = workspace.start(*command.split())
    until = time.monotonic() + 30
    while not index.paths("/files/p2-*") and time.monotonic() < until:
        time.sleep(0.02)
    time.sleep(0.2)  # the requests that hang are under way

    process.send_signal(number)
    out, err = process.communicate(timeout=60)

    assert (process.returncode, out, err) == (130, "", "error: interrupted; no output was written\n")
    assert workspace.names() == ["r.txt"]
    index._faults.clear()
    index.requests_seen.clear()
    written(workspace, "pylock.toml")
    assert index.paths("/simple/web/") == []


@posix
def test_sigterm_ends_a_command_that_asks_no_index(workspace: Workspace) -> None:
    """With the exit code and the message of Ctrl-C, and without an output."""
    assert workspace.run("mirror", "warm", "--packages", "web").code == 0
    os.mkfifo(workspace.folder / "r.txt")
    process = workspace.start("lock", "--offline", "r.txt", "-o", "pylock.toml")
    with (workspace.folder / "r.txt").open("w"):  # it is open once the command reads its input
        process.terminate()
        out, err = process.communicate(timeout=60)

    assert (process.returncode, out, err) == (130, "", "error: interrupted; no output was written\n")
    assert workspace.names() == ["r.txt"]


@posix
def test_the_mirror_is_private(workspace: Workspace) -> None:
    """Mode 0700, whatever the umask."""
    subprocess.run(
        ["/bin/sh", "-c", 'umask 000; exec "$@"', "sh", *workspace.command("mirror", "warm", "--packages", "p4-0")],
        cwd=workspace.folder, env=workspace.environment, check=True, capture_output=True, timeout=60,
    )  # fmt: skip

    assert stat.S_IMODE(workspace.mirror.stat().st_mode) == 0o700


@posix
def test_a_lock_leaves_no_socket_open(workspace: Workspace) -> None:
    """Python's development mode warns of each that is."""
    ran = workspace.lock("web", environment={"PYTHONDEVMODE": "1"})

    assert "ResourceWarning" not in ran.err
