"""Whatever ends a lock that builds, nothing that the build started outlives it by more than two seconds."""

from __future__ import annotations

import os
import signal
import time
from pathlib import Path

import pytest

from tests.support.dists import backend_text, source_archive
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
    until = time.monotonic() + 60
    while len(list(folder.iterdir())) < 3 and time.monotonic() < until:
        time.sleep(0.05)
    started = [int(path.name) for path in folder.iterdir()]
    assert len(started) == 3
    assert all(map(alive, started))

    process.send_signal(number)
    process.communicate(timeout=60)
    until = time.monotonic() + 20  # they would run for 120 s
    while any(map(alive, started)) and time.monotonic() < until:
        time.sleep(0.05)

    assert [pid for pid in started if alive(pid)] == []


def test_the_folder_of_a_killed_run_is_removed_by_the_next(
    workspace: Workspace, index: LoopbackIndex, tmp_path: Path
) -> None:
    """A run that still builds keeps its own."""
    temporary, running = tmp_path / "temporary", tmp_path / "running"
    temporary.mkdir()
    running.mkdir()
    workspace.environment["TMPDIR"] = str(temporary)
    index.publish("busy", source_archive("busy", "1.0", BACKEND.format(folder=str(running))))
    index.publish("quick", source_archive("quick", "1.0", backend_text("quick", "1.0")))
    workspace.write("busy.txt", "busy\n")
    killed, alive_still = (workspace.start("lock", "busy.txt", "-o", f"pylock.{name}.toml") for name in ("a", "b"))
    until = time.monotonic() + 60
    while len(list(running.iterdir())) < 6 and time.monotonic() < until:
        time.sleep(0.05)
    assert len(list(running.iterdir())) == 6
    killed.kill()
    killed.communicate(timeout=60)
    folders = set(temporary.glob("pipx-parallel-*"))
    assert len(folders) == 2

    assert workspace.lock("quick").code == 0

    left = set(temporary.glob("pipx-parallel-*"))
    assert len(left) == 1
    assert left < folders
    alive_still.terminate()
    alive_still.communicate(timeout=60)
    assert set(temporary.glob("pipx-parallel-*")) == set()


def test_what_a_build_leaves_behind_is_ended(workspace: Workspace, index: LoopbackIndex, tmp_path: Path) -> None:
    """A backend that answers and leaves a program running: the lock is made, the program is not left."""
    folder = tmp_path / "running"
    folder.mkdir()
    before = BACKEND.format(folder=str(folder)).partition("while")[0]
    index.publish("messy", source_archive("messy", "1.0", backend_text("messy", "1.0", before=before)))

    ran = workspace.lock("messy")

    assert ran.code == 0, ran.err
    until = time.monotonic() + 20  # they would run for 120 s
    while any(alive(int(path.name)) for path in folder.iterdir()) and time.monotonic() < until:
        time.sleep(0.05)
    assert [path.name for path in folder.iterdir() if alive(int(path.name))] == []
