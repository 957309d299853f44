"""A damaged mirror never gives a wrong lock: the right one, or an error that names what is missing and a remedy that works.

Each damage is a copy of one sound mirror with one change at random; PIPX_PARALLEL_STRESS asks for more of them.
"""

from __future__ import annotations

import os
import random
import shutil
import sqlite3
import sys
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import NamedTuple

import pytest

from pipx_parallel.__main__ import main
from tests.support.dists import sdist, wheel
from tests.support.index_server import LoopbackIndex
from tests.support.scale import scaled
from tests.support.workspace import Workspace

DAMAGES = scaled(18, 1000)
SIZE = 24  # projects
Row = tuple[int, str, bytes]


class Outcome(NamedTuple):
    """How a command ended, and what it wrote."""

    code: int
    text: str
    lock: bytes | None


class Mirror:
    """A warmed mirror, and commands that run in a fork of this process: 300 damages take minutes, not an hour."""

    def __init__(self, workspace: Workspace, folder: Path) -> None:
        """Keep where the commands run; ``folder`` is the mirror."""
        self.workspace, self.folder = workspace, folder

    def run(self, *arguments: str) -> Outcome:
        """Run a command; ``lock`` is the lock that it wrote, if any."""
        output, log = self.workspace.folder / "pylock.toml", self.workspace.folder / "log"
        output.unlink(missing_ok=True)
        child = os.fork()
        if child == 0:
            code = 99
            try:
                os.environ.clear()
                os.environ.update(self.workspace.environment, PIPX_PARALLEL_MIRROR=str(self.folder))
                os.environ["PIPX_PARALLEL_RETRIES"] = "0"
                os.chdir(self.workspace.folder)
                sys.stdout = sys.stderr = log.open("w", encoding="utf-8", buffering=1)
                code = main(list(arguments))
            finally:
                os._exit(code)
        _, status = os.waitpid(child, 0)
        written = output.read_bytes() if output.exists() else None
        return Outcome(os.waitstatus_to_exitcode(status), log.read_text("utf-8", "replace"), written)

    def lock(self, *flags: str) -> Outcome:
        """Lock the list."""
        return self.run("lock", "r.txt", "-o", "pylock.toml", *flags)


@pytest.fixture
def index() -> Iterator[LoopbackIndex]:
    """Serve a graph of projects of many releases, with extras, markers, sdists, yanks and upload times."""
    projects = {}
    for offset in range(SIZE):
        below = [f"p{other}>=1.{other % 5}" for other in range(offset + 1, min(offset + 4, SIZE))]
        below += [f"p{(offset * 7) % SIZE}<3; python_version < '3'", f"p{SIZE - 1}[more]"] if offset < SIZE - 1 else []
        rows = [
            wheel(
                f"p{offset}",
                f"1.{minor}",
                below,
                {"more": ["leaf>=1"]},
                upload_time=f"2024-01-{1 + minor:02}T00:00:00Z",
            )
            for minor in range(20)
        ]
        projects[f"p{offset}"] = [
            *rows,
            sdist(f"p{offset}", "1.19", below),
            wheel(f"p{offset}", "2.0")._replace(yanked="broken"),
        ]
    projects["leaf"] = [wheel("leaf", f"1.{minor}") for minor in range(60)]
    with LoopbackIndex(projects) as served:
        yield served


@pytest.fixture
def sound(workspace: Workspace) -> tuple[Mirror, Outcome]:
    """Warm a mirror, and lock from it offline."""
    workspace.write("r.txt", "p0\np5\np9<1.15\n")
    mirror = Mirror(workspace, workspace.mirror)
    assert mirror.run("mirror", "warm", "--depth", "closure", "r.txt").code == 0
    right = mirror.lock("--offline")
    assert right.code == 0, right.text
    assert mirror.run("mirror", "verify", "r.txt").code == 0
    return mirror, right


def rows_of(path: Path) -> list[Row]:
    """Return every record of a mirror."""
    with sqlite3.connect(path) as database:
        return [(row, key, bytes(value)) for row, key, value in database.execute("SELECT rowid, key, value FROM Cache")]


def changed(change: Callable[[random.Random, bytes], bytes]) -> Callable[[random.Random, Path], None]:
    """Return what changes the value of one record."""

    def damage(chance: random.Random, path: Path) -> None:
        row, _, value = chance.choice(rows_of(path))
        with sqlite3.connect(path) as database:
            database.execute("UPDATE Cache SET value = ? WHERE rowid = ?", (change(chance, value), row))

    return damage


def flip(chance: random.Random, value: bytes) -> bytes:
    """Change one byte."""
    offset = chance.randrange(len(value))
    return value[:offset] + bytes([value[offset] ^ chance.randrange(1, 256)]) + value[offset + 1 :]


def blank(chance: random.Random, value: bytes) -> bytes:
    """Overwrite a span with zeros."""
    offset = chance.randrange(len(value))
    size = min(chance.randrange(1, 64), len(value) - offset)
    return value[:offset] + bytes(size) + value[offset + size :]


def digit(chance: random.Random, value: bytes) -> bytes:
    """Change one digit into another: what still reads as what it was."""
    offsets = [offset for offset, byte in enumerate(value) if 48 <= byte <= 57] or [0]
    offset = chance.choice(offsets)
    return value[:offset] + str(chance.randrange(10)).encode() + value[offset + 1 :]


def swap(chance: random.Random, path: Path) -> None:
    """Exchange the values of two records of one kind."""
    first = chance.choice(rows_of(path))
    second = chance.choice([row for row in rows_of(path) if row[1][0] == first[1][0]])
    with sqlite3.connect(path) as database:
        database.execute("UPDATE Cache SET value = ? WHERE rowid = ?", (first[2], second[0]))
        database.execute("UPDATE Cache SET value = ? WHERE rowid = ?", (second[2], first[0]))


def lose(chance: random.Random, path: Path) -> None:
    """Delete a record."""
    with sqlite3.connect(path) as database:
        database.execute("DELETE FROM Cache WHERE rowid = ?", (chance.choice(rows_of(path))[0],))


def raw(chance: random.Random, path: Path) -> None:
    """Change bytes of the database's file, wherever they are."""
    data = bytearray(path.read_bytes())
    for _ in range(chance.choice((1, 4, 64))):
        data[chance.randrange(len(data))] ^= chance.randrange(1, 256)
    path.write_bytes(data)


KINDS: tuple[Callable[[random.Random, Path], None], ...] = (
    changed(flip), changed(digit), changed(blank), changed(lambda chance, value: value[: chance.randrange(len(value))]),
    swap, lose, raw, changed(flip), changed(digit),
)  # fmt: skip


@pytest.mark.skipif(not hasattr(os, "fork"), reason="commands run in forks")
def test_a_damaged_mirror_gives_the_right_lock_or_none(sound: tuple[Mirror, Outcome], tmp_path: Path) -> None:
    """Offline right or refused; verify agrees; after the remedy that was printed, an online and an offline lock are right."""
    mirror, right = sound
    with sqlite3.connect(mirror.folder / "cache.db") as database:
        database.execute("PRAGMA wal_checkpoint(TRUNCATE)")
    ends: dict[int, int] = {}
    for seed in range(DAMAGES):
        chance = random.Random(seed)  # noqa: S311 - it damages, it guards nothing
        copy = Mirror(mirror.workspace, tmp_path / "copy")
        shutil.rmtree(copy.folder, ignore_errors=True)
        shutil.copytree(mirror.folder, copy.folder)
        KINDS[seed % len(KINDS)](chance, copy.folder / "cache.db")

        offline, verified = copy.lock("--offline"), copy.run("mirror", "verify", "r.txt")

        where = f"damage {seed}: {offline.text}{verified.text}"
        for ran in (offline, verified):
            assert ran.code in {0, 2, 4, 6}, where
            assert "Traceback" not in ran.text, where
        assert offline.code == 0 or verified.code != 0, where
        assert offline.code != 0 or offline.lock == right.lock, where
        ends[offline.code] = ends.get(offline.code, 0) + 1
        if offline.code or verified.code:
            check_remedy(copy, offline, verified, right, where)
    print(f"offline locks of {DAMAGES} damaged mirrors ended with {ends}")  # noqa: T201 - with -s, for whoever runs many


def check_remedy(copy: Mirror, offline: Outcome, verified: Outcome, right: Outcome, where: str) -> None:
    """Do what the messages say, in their words, and expect the right lock online and offline."""
    if "delete the folder" in offline.text + verified.text:
        shutil.rmtree(copy.folder)
    elif verified.code == 6:
        repaired = copy.run("mirror", "doctor", "--repair")
        where += repaired.text
        if "delete the folder" in repaired.text:
            shutil.rmtree(copy.folder)
        else:
            assert repaired.code == 0, where
    online = copy.lock()
    assert (online.code, online.lock) == (0, right.lock), where + online.text
    warmed = copy.run("mirror", "warm", "--depth", "closure", "r.txt")
    assert warmed.code == 0, where + warmed.text
    again = copy.lock("--offline")
    assert (again.code, again.lock) == (0, right.lock), where + warmed.text + again.text
    proved = copy.run("mirror", "verify", "r.txt")
    assert proved.code == 0, where + proved.text


def test_publishing_again_repairs_a_damaged_folder(sound: tuple[Mirror, Outcome], tmp_path: Path) -> None:
    """Whichever file is damaged, whatever the folder's own index says of it."""
    mirror, _ = sound
    site = tmp_path / "site"
    assert mirror.run("mirror", "publish", str(site)).code == 0
    right = {path: path.read_bytes() for path in sorted(site.rglob("*")) if path.is_file()}
    for seed, path in enumerate([*right][:: len(right) // 8]):
        path.write_bytes(flip(random.Random(seed), right[path]))  # noqa: S311 - as above

    again = mirror.run("mirror", "publish", str(site))

    assert again.code == 0, again.text
    assert {path: path.read_bytes() for path in sorted(site.rglob("*")) if path.is_file()} == right


def test_what_a_killed_publication_staged_is_removed(sound: tuple[Mirror, Outcome], tmp_path: Path) -> None:
    """An old staged file goes; one that another publication may be writing stays."""
    mirror, _ = sound
    site = tmp_path / "site"
    assert mirror.run("mirror", "publish", str(site)).code == 0
    old, new = site / ".staged-00.tmp", next((site / "v").iterdir()) / ".staged-01.tmp"
    old.write_bytes(b"x")
    new.write_bytes(b"x")
    os.utime(old, (0, 0))

    assert mirror.run("mirror", "publish", str(site)).code == 0
    assert (old.exists(), new.exists()) == (False, True)


@pytest.mark.parametrize("command", [["publish", "out"], ["export", "out.snap"]])
def test_a_damaged_mirror_is_not_passed_on(sound: tuple[Mirror, Outcome], command: list[str]) -> None:
    """Exit code 6 and a remedy; after it, publishing works."""
    mirror, _ = sound
    with sqlite3.connect(mirror.folder / "cache.db") as database:
        database.execute("UPDATE Cache SET value = substr(value, 1, length(value) - 9) WHERE key LIKE 'f/%/p3'")

    refused = mirror.run("mirror", *command)

    assert (refused.code, "mirror doctor --repair" in refused.text) == (6, True), refused.text
    assert mirror.run("mirror", "doctor", "--repair").code == 0
    assert mirror.run("mirror", *command).code == 0


def test_a_snapshot_that_is_not_there_is_no_new_mirror(workspace: Workspace, index: LoopbackIndex) -> None:
    """A typing error in its name makes no folder, and asks no index."""
    for command in (["lock", "--packages", "p0"], ["mirror", "status"], ["mirror", "warm", "--packages", "p0"]):
        ran = workspace.run(*command, "--mirror", "typo.snap")

        assert ran.code == 2, ran.err
        assert "typo.snap" in ran.err
    assert workspace.names() == []
    assert index.requests_seen == []


def test_a_mirror_that_is_just_being_made_is_not_called_damaged(workspace: Workspace) -> None:
    """Another process has created the database and not its tables yet."""
    workspace.mirror.mkdir(mode=0o700)
    sqlite3.connect(workspace.mirror / "cache.db").close()

    ran = workspace.run("mirror", "doctor")

    assert ran.code == 0, ran.err
    assert "delete" not in ran.err
