"""A damaged mirror never gives a wrong lock: the right one, or an error that names what is missing and a remedy that works.

Each damage is a copy of one sound mirror with one change at random; PIPX_PARALLEL_STRESS asks for more of them.
"""

from __future__ import annotations

import os
import random
import re
import shutil
import sqlite3
from collections.abc import Callable, Iterator, Mapping
from pathlib import Path
from typing import NamedTuple

import pytest

from tests.support.damages import FILE_DAMAGES, RECORD_DAMAGES, DiskRecords, flip, settled_copy
from tests.support.dists import sdist, wheel
from tests.support.forked import Outcome, preload, ran
from tests.support.index_server import LoopbackIndex
from tests.support.scale import scaled
from tests.support.workspace import Workspace

DAMAGES = scaled(11, 500)  # of each of the two tests
SIZE = 16  # projects
CODES = {0, 2, 4, 6}


class Locked(NamedTuple):
    """How a lock ended, what it wrote to the terminal, and the lock."""

    code: int
    text: str
    lock: bytes | None


class Mirror:
    """A warmed mirror, and commands on it, in forks of this process."""

    def __init__(self, workspace: Workspace, folder: Path) -> None:
        """Keep where the commands run; ``folder`` is the mirror."""
        self.workspace, self.folder = workspace, folder

    def run(self, *arguments: str) -> Outcome:
        """Run a command."""
        return ran(self.workspace, str(self.folder), *arguments)

    def lock(self, *flags: str) -> Locked:
        """Lock the list from nothing."""
        output = self.workspace.folder / "pylock.toml"
        output.unlink(missing_ok=True)
        outcome = self.run("lock", "r.txt", "-o", "pylock.toml", *flags)
        return Locked(outcome.code, outcome.text, output.read_bytes() if output.exists() else None)


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
def second(workspace: Workspace) -> Iterator[LoopbackIndex]:
    """Serve newer releases of two projects on a second index, which a lock uses only if the first does not have them."""
    with LoopbackIndex({name: [wheel(name, "1.99")] for name in ("p3", "leaf")}) as served:
        workspace.environment["PIPX_PARALLEL_EXTRA_INDEX_URL"] = served.url
        yield served


@pytest.fixture
def sound(workspace: Workspace, second: LoopbackIndex) -> tuple[Mirror, Locked]:  # noqa: ARG001 - it is served
    """Warm a mirror, and lock from it offline."""
    workspace.write("r.txt", "p0\np5\np9<1.15\n")
    mirror = Mirror(workspace, workspace.mirror)
    assert mirror.run("mirror", "warm", "--depth", "closure", "r.txt").code == 0
    right = mirror.lock("--offline")
    assert right.code == 0, right.text
    assert mirror.run("mirror", "verify", "r.txt").code == 0
    return mirror, right


@pytest.fixture
def newer(sound: tuple[Mirror, Locked], index: LoopbackIndex) -> tuple[Mirror, Locked, Mapping[str, bytes]]:
    """Refresh the mirror after new releases; also return the values that it had before."""
    mirror, _ = sound
    older = DiskRecords(mirror.folder).read()
    for number in range(0, SIZE, 3):
        index.publish(f"p{number}", wheel(f"p{number}", "1.20", ["leaf"], upload_time="2024-03-01T00:00:00Z"))
    assert mirror.run("mirror", "warm", "--refresh", "--depth", "closure", "r.txt").code == 0
    right = mirror.lock("--offline")
    assert right.code == 0, right.text
    return mirror, right, older


def damaged_copy(mirror: Mirror, folder: Path, damage: Callable[[Path], None]) -> Mirror:
    """Return a copy of a mirror, damaged."""
    settled_copy(mirror.folder, folder)
    damage(folder)
    return Mirror(mirror.workspace, folder)


def problems_of(copy: Mirror, right: Locked, remedies: dict[str, int]) -> str:
    """Return what is wrong with what a damaged mirror gives, and with what it gives after the printed remedies; "" if nothing."""
    offline, verified = copy.lock("--offline"), copy.run("mirror", "verify", "r.txt")
    output = f"lock --offline {offline.code}: {offline.text}verify {verified.code}: {verified.text}"
    if not {offline.code, verified.code} <= CODES or "Traceback" in output:
        return output
    if offline.code == 0 and offline.lock != right.lock:
        return f"WRONG LOCK {output}"
    if offline.code and not verified.code:
        return f"verify does not see it: {output}"
    if not offline.code and not verified.code:
        return ""
    return problems_after_remedies(copy, right, verified, output, remedies)


def problems_online(copy: Mirror, right: Locked, remedies: dict[str, int]) -> str:
    """Return what is wrong with what a damaged mirror gives if the index can be asked first; "" if nothing."""
    online = copy.lock()
    if online.code:
        if online.code not in CODES or "Traceback" in online.text:
            return f"lock {online.code}: {online.text}"
        done = followed(copy, online.text)
        online = copy.lock()
        if online.code:
            return f"FOLLOWED {done}lock {online.code}: {online.text}"
    if online.lock != right.lock:
        return f"WRONG LOCK online: {online.text}"
    return problems_of(copy, right, remedies)


def problems_after_remedies(
    copy: Mirror, right: Locked, verified: Outcome, output: str, remedies: dict[str, int]
) -> str:
    """Follow the remedies in the words of the messages, until verify has none; return what does not work."""
    for _ in range(4):
        if verified.code == 0:
            break
        done = followed(copy, verified.text)
        remedies[done.partition(":")[0]] = remedies.get(done.partition(":")[0], 0) + 1
        verified = copy.run("mirror", "verify", "r.txt")
        output += f"FOLLOWED {done}verify {verified.code}: {verified.text}"
    else:
        return f"the remedies do not end: {output}"
    for flags in ((), ("--offline",)):
        again = copy.lock(*flags)
        if (again.code, again.lock) != (0, right.lock):
            return f"after the remedies, lock {flags} {again.code}: {again.text}{output}"
    return "" if verified.code == 0 else output


def followed(copy: Mirror, text: str) -> str:
    """Do what a message says; return what was done, and what it printed."""
    if "delete the folder" in text:
        shutil.rmtree(copy.folder)
        return "delete the folder: \n"
    if "mirror doctor --repair" in text:
        repaired = copy.run("mirror", "doctor", "--repair")
        more = followed(copy, repaired.text) if repaired.code else ""
        return f"doctor --repair: {repaired.code} {repaired.text}{more}"
    command = re.search(r"mirror (warm|refresh)( [-a-z.]+)*", text)
    if command is None:
        return f"NOTHING: {text}"
    ended = copy.run(*command[0].rstrip(".").split())
    return f"{command[0]}: {ended.code} {ended.text}"


def checked_many(
    mirror: Mirror, right: Locked, folder: Path, kinds: list[Callable[[random.Random, Path], None]]
) -> None:
    """Damage a copy again and again; report every damage that is not as it must be, and how many there were."""
    wrong, remedies = [], dict[str, int]()
    if len(kinds) < DAMAGES:
        preload()
    first = int(os.environ.get("PIPX_PARALLEL_FIRST", "0"))
    for seed in range(first, first + DAMAGES):
        chance = random.Random(seed)  # noqa: S311 - it damages, it guards nothing
        kind = kinds[seed % len(kinds)]
        copy = damaged_copy(mirror, folder, lambda path, kind=kind, chance=chance: kind(chance, path))  # type: ignore[misc]  # bound now
        problem = (
            problems_of(copy, right, remedies) if seed // len(kinds) % 2 else problems_online(copy, right, remedies)
        )
        if problem:
            wrong.append(f"damage {seed}, {getattr(kind, '__name__', kind)}: {problem}")
            print(wrong[-1], flush=True)  # noqa: T201 - with -s, for whoever runs many
    print(f"{DAMAGES} damages, {len(wrong)} wrong; remedies followed: {remedies}")  # noqa: T201 - likewise
    assert not wrong, "\n".join(wrong[:3])


@pytest.mark.skipif(not hasattr(os, "fork"), reason="commands run in forks")
def test_damaged_records_give_the_right_lock_or_none(
    newer: tuple[Mirror, Locked, Mapping[str, bytes]], tmp_path: Path
) -> None:
    """Offline right or refused; verify agrees; what verify prints, followed, makes it right."""
    mirror, right, older = newer

    def damages(kind: Callable[..., None]) -> Callable[[random.Random, Path], None]:
        def damage(chance: random.Random, folder: Path) -> None:
            kind(chance, DiskRecords(folder), older)

        damage.__name__ = kind.__name__
        return damage

    checked_many(mirror, right, tmp_path / "copy", [damages(kind) for kind in RECORD_DAMAGES])


@pytest.mark.skipif(not hasattr(os, "fork"), reason="commands run in forks")
def test_damaged_files_of_a_mirror_give_the_right_lock_or_none(sound: tuple[Mirror, Locked], tmp_path: Path) -> None:
    """As above, for the database, its log, its tables and its rows."""
    mirror, right = sound
    checked_many(mirror, right, tmp_path / "copy", [*FILE_DAMAGES])


def test_publishing_again_repairs_a_damaged_folder(sound: tuple[Mirror, Locked], tmp_path: Path) -> None:
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


def test_what_a_killed_publication_staged_is_removed(sound: tuple[Mirror, Locked], tmp_path: Path) -> None:
    """An old staged file goes; one that another publication may be writing stays."""
    mirror, _ = sound
    site = tmp_path / "site"
    assert mirror.run("mirror", "publish", str(site)).code == 0
    old, new = site / ".staged-00.tmp", site / "packs" / ".staged-01.tmp"
    old.write_bytes(b"x")
    new.write_bytes(b"x")
    os.utime(old, (0, 0))

    assert mirror.run("mirror", "publish", str(site)).code == 0
    assert (old.exists(), new.exists()) == (False, True)


@pytest.mark.parametrize("command", [["publish", "out"], ["export", "out.snap"]])
def test_a_damaged_mirror_is_not_passed_on(sound: tuple[Mirror, Locked], command: list[str]) -> None:
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
