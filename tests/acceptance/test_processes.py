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

from tests.support.crowd import ROOTS, crowd
from tests.support.desk import Desk
from tests.support.index_pages import MODERN
from tests.support.index_server import LoopbackIndex

ROUNDS = int(os.environ.get("REPETITIONS", "2"))
PROCESSES = 8
posix = pytest.mark.skipif(os.name != "posix", reason="POSIX signals and modes")


@pytest.fixture
def index() -> Iterator[LoopbackIndex]:
    """Serve the crowd, not too fast."""
    with LoopbackIndex(crowd(), MODERN._replace(latency=0.01)) as served:
        yield served


def written(desk: Desk, name: str, *flags: str) -> bytes:
    """Lock into a file of that name and return its bytes."""
    ran = desk.run("lock", "r.txt", "-o", name, *flags)
    assert ran.code == 0, ran.err
    return desk.read(name)


def status(desk: Desk) -> dict[str, object]:
    """Return what `mirror status` says."""
    ran = desk.run("mirror", "status", "--format", "json")
    assert ran.code == 0, ran.err
    found = json.loads(ran.out)
    assert isinstance(found, dict)
    return found


def test_eight_processes_fill_one_mirror_and_write_the_same(desk: Desk) -> None:
    """All start from nothing, at once."""
    desk.write("r.txt", "\n".join(ROOTS) + "\n")
    for number in range(max(1, ROUNDS // 4)):
        shutil.rmtree(desk.mirror, ignore_errors=True)
        for path in desk.folder.glob("pylock.*"):  # a lock that is there already asks for less
            path.unlink()
        started = [desk.start("lock", "r.txt", "-o", f"pylock.n{at}.toml") for at in range(PROCESSES)]
        ended = [process.communicate(timeout=60)[1] for process in started]

        assert [process.returncode for process in started] == [0] * PROCESSES, ended
        texts = {desk.read(f"pylock.n{at}.toml") for at in range(PROCESSES)}
        assert len(texts) == 1
        assert status(desk)["damaged"] == []
        assert written(desk, f"pylock.off{number}.toml", "--offline") in texts


@posix
def test_a_killed_fill_leaves_a_mirror_that_is_right(desk: Desk) -> None:
    """SIGKILL at random moments of a cold `mirror warm`; then every record is whole and the lock is the right one."""
    desk.write("r.txt", "\n".join(ROOTS) + "\n")
    right = written(desk, "pylock.right.toml")
    dice = random.Random(20)  # noqa: S311 - when to kill, the same in every run
    for number in range(ROUNDS):
        if number % 2 == 0:
            shutil.rmtree(desk.mirror)
        process = desk.start("mirror", "warm", "r.txt")
        time.sleep(dice.uniform(0.05, 1.0))
        process.send_signal(signal.SIGKILL)
        process.communicate(timeout=20)

        assert status(desk)["damaged"] == []
        assert written(desk, "pylock.again.toml") == right
        (desk.folder / "pylock.again.toml").unlink()


@posix
def test_ctrl_c_ends_a_slow_fill_at_once(desk: Desk, index: LoopbackIndex) -> None:
    """Exit code 130, one line, no output; what was learned is kept and the mirror is usable."""
    desk.write("r.txt", "\n".join(ROOTS) + "\n")
    index.fail("/simple/p3-*", "hang", times=99, seconds=8)
    process = desk.start("lock", "r.txt", "-o", "pylock.toml")
    until = time.monotonic() + 10
    while not index.paths("/files/p2-*") and time.monotonic() < until:
        time.sleep(0.02)
    time.sleep(0.2)  # the requests that hang are under way

    process.send_signal(signal.SIGINT)
    began = time.monotonic()
    out, err = process.communicate(timeout=20)

    assert (process.returncode, out, err) == (130, "", "error: interrupted; no output was written\n")
    assert time.monotonic() - began < 3
    assert desk.names() == ["r.txt"]
    index._faults.clear()
    index.requests_seen.clear()
    written(desk, "pylock.toml")
    assert index.paths("/simple/web/") == []


@posix
def test_the_mirror_is_private(desk: Desk) -> None:
    """Mode 0700, whatever the umask."""
    subprocess.run(
        ["/bin/sh", "-c", 'umask 000; exec "$@"', "sh", *desk.command("mirror", "warm", "--packages", "p4-0")],
        cwd=desk.folder, env=desk.environment, check=True, capture_output=True, timeout=60,
    )  # fmt: skip

    assert stat.S_IMODE(desk.mirror.stat().st_mode) == 0o700
