"""Whatever ends a lock that builds, nothing that the build started outlives it by more than two seconds."""

from __future__ import annotations

import os
import signal
import time
from pathlib import Path

import pytest

from tests.support.dists import source_archive
from tests.support.index_server import LoopbackIndex
from tests.support.workspace import Workspace

pytestmark = pytest.mark.skipif(os.name != "posix", reason="POSIX signals and process groups")

# A backend, a child of it, and a child that left its session: each writes its number and runs on.
BACKEND = """\
import os, subprocess, sys, time
loop = "import os, sys, time; open(sys.argv[1] + '/' + str(os.getpid()), 'w').close(); time.sleep(120)"
subprocess.Popen([sys.executable, "-c", loop, {folder!r}])
subprocess.Popen([sys.executable, "-c", loop, {folder!r}], start_new_session=True)
open({folder!r} + "/" + str(os.getpid()), "w").close()
while True:
    pass
"""


def alive(number: int) -> bool:
    """Return whether a process runs; one that has ended and was not collected does not."""
    try:
        state = Path(f"/proc/{number}/stat").read_text().rpartition(")")[2].split()[0]
    except OSError:
        return False
    return state != "Z"


@pytest.mark.parametrize("number", [signal.SIGTERM, signal.SIGKILL, signal.SIGINT, signal.SIGHUP])
def test_nothing_is_left(workspace: Workspace, index: LoopbackIndex, tmp_path: Path, number: signal.Signals) -> None:
    """The backend runs at full speed, one child waits, another has a session of its own."""
    folder = tmp_path / "running"
    folder.mkdir()
    index.publish("busy", source_archive("busy", "1.0", BACKEND.format(folder=str(folder))))
    workspace.write("r.txt", "busy\n")
    process = workspace.start("lock", "r.txt", "-o", "pylock.toml")
    until = time.monotonic() + 30
    while len(list(folder.iterdir())) < 3 and time.monotonic() < until:
        time.sleep(0.05)
    started = [int(path.name) for path in folder.iterdir()]
    assert len(started) == 3
    assert all(map(alive, started))

    process.send_signal(number)
    process.communicate(timeout=20)
    until = time.monotonic() + 2
    while any(map(alive, started)) and time.monotonic() < until:
        time.sleep(0.05)

    assert [one for one in started if alive(one)] == []


def test_what_a_build_leaves_behind_is_ended(workspace: Workspace, index: LoopbackIndex, tmp_path: Path) -> None:
    """A backend that answers and leaves a program running: the lock is made, the program is not left."""
    from tests.support.dists import backend_text

    folder = tmp_path / "running"
    folder.mkdir()
    before = BACKEND.format(folder=str(folder)).partition("while")[0]
    index.publish("messy", source_archive("messy", "1.0", backend_text("messy", "1.0", before=before)))

    ran = workspace.lock("messy")

    assert ran.code == 0, ran.err
    until = time.monotonic() + 2
    while any(alive(int(path.name)) for path in folder.iterdir()) and time.monotonic() < until:
        time.sleep(0.05)
    assert [path.name for path in folder.iterdir() if alive(int(path.name))] == []
