"""A damaged snapshot, published folder or Redis never gives a wrong lock, and the remedy that is printed works."""

from __future__ import annotations

import os
import random
from collections.abc import Iterator, Mapping
from pathlib import Path

import pytest

from tests.support.damages import RECORD_DAMAGES, RedisRecords, damaged_file
from tests.support.dists import wheel
from tests.support.folder_server import served_folder
from tests.support.forked import Outcome, preload, ran
from tests.support.index_server import LoopbackIndex
from tests.support.redis_server import AVAILABLE, RedisServer
from tests.support.scale import scaled
from tests.support.workspace import Workspace

SAMPLE = 13
DAMAGES = scaled(SAMPLE, 334)
FIRST = int(os.environ.get("PIPX_PARALLEL_FIRST", "0"))  # the first seed: a run in pieces
LIST = "p0\np3<1.4\n"
CODES = {0, 2, 4, 6}
pytestmark = pytest.mark.skipif(not hasattr(os, "fork"), reason="commands run in forks")


@pytest.fixture
def index() -> Iterator[LoopbackIndex]:
    """Serve a chain of projects of some releases."""
    projects = {
        f"p{number}": [
            wheel(f"p{number}", f"1.{minor}", [f"p{number + 1}>=1.2"] if number < 7 else []) for minor in range(8)
        ]
        for number in range(8)
    }
    with LoopbackIndex(projects) as served:
        yield served


def locked(workspace: Workspace, location: str, *flags: str) -> tuple[Outcome, bytes | None]:
    """Lock the list from nothing; return how it ended, and the lock if there is one."""
    output = workspace.folder / "pylock.toml"
    output.unlink(missing_ok=True)
    outcome = ran(workspace, location, "lock", "r.txt", "-o", "pylock.toml", *flags)
    return outcome, output.read_bytes() if output.exists() else None


def warmed(workspace: Workspace, location: str) -> bytes:
    """Fill a mirror with everything that the list can need, and return the right lock."""
    workspace.write("r.txt", LIST)
    if DAMAGES > SAMPLE:
        preload()
    outcome = ran(workspace, location, "mirror", "warm", "--depth", "closure", "r.txt")
    assert outcome.code == 0, outcome.text
    outcome, lock = locked(workspace, location, "--offline")
    assert (outcome.code, lock is not None) == (0, True), outcome.text
    return lock or b""


def check(outcome: Outcome, lock: bytes | None, right: bytes, case: str) -> None:
    """Assert the right lock, or none and a documented refusal."""
    assert outcome.code in CODES, f"{case}: {outcome.text}"
    assert "Traceback" not in outcome.text, f"{case}: {outcome.text}"
    assert lock == (right if outcome.code == 0 else None), f"{case}: {outcome.text}"


def test_a_damaged_snapshot(workspace: Workspace) -> None:
    """It is refused by name; exported again, it is right."""
    right = warmed(workspace, str(workspace.mirror))
    path, other = workspace.folder / "m.snap", workspace.folder / "other.snap"
    assert ran(workspace, str(workspace.mirror), "mirror", "export", str(path)).code == 0
    sound = path.read_bytes()
    other.write_bytes(b"PPSNAP1\n" + sound[:8])
    for seed in range(FIRST, FIRST + DAMAGES):
        damaged_file(random.Random(seed), path, [other])  # noqa: S311 - it damages, it guards nothing
        if path.is_dir():
            path.rmdir()

        outcome, lock = locked(workspace, str(path), "--offline")

        check(outcome, lock, right, f"damage {seed}")
        assert outcome.code == 0 or "m.snap" in outcome.text, outcome.text
        path.unlink(missing_ok=True)
        path.write_bytes(sound)
    assert locked(workspace, str(path), "--offline")[1] == right


@pytest.fixture
def site(tmp_path: Path) -> Iterator[tuple[Path, str]]:
    """Serve a folder."""
    with served_folder(tmp_path / "site") as served:
        yield served.path, f"{served.url}/"


def test_a_damaged_published_folder(workspace: Workspace, site: tuple[Path, str]) -> None:
    """One file at a time; publishing all again repairs it."""
    right = warmed(workspace, str(workspace.mirror))
    folder, url = site
    publish = ("mirror", "publish", str(folder), "--refresh")
    assert ran(workspace, str(workspace.mirror), *publish).code == 0
    assert locked(workspace, url)[1] == right
    sound = {path: path.read_bytes() for path in sorted(folder.rglob("*")) if path.is_file() and path.stat().st_size}
    for seed in range(FIRST, FIRST + DAMAGES):
        chance = random.Random(seed)  # noqa: S311 - as above
        path = chance.choice([*sound])
        damaged_file(chance, path, [other for other in sound if other.suffix == path.suffix and other != path])

        outcome, lock = locked(workspace, url)

        check(outcome, lock, right, f"damage {seed} of {path.name}")
        if path.is_dir():  # refused by name: what is in a folder is not ours to delete
            refused = ran(workspace, str(workspace.mirror), *publish)
            assert (refused.code, str(path) in refused.text) == (2, True), refused.text
            path.rmdir()
        assert ran(workspace, str(workspace.mirror), *publish).code == 0
        assert path.read_bytes() == sound[path], f"damage {seed} of {path.name}"
    assert locked(workspace, url)[1] == right


def refreshed(workspace: Workspace, location: str, index: LoopbackIndex, records: RedisRecords) -> Mapping[str, bytes]:
    """Add a project that the index does not have and new releases to a mirror; return the values that it had before."""
    assert ran(workspace, location, "mirror", "warm", "--packages", "ghost").code == 1
    older = records.read()
    for number in range(0, 8, 2):
        index.publish(f"p{number}", wheel(f"p{number}", "1.9", ["p7"] if number < 7 else []))
    assert ran(workspace, location, "mirror", "warm", "--refresh", "--depth", "closure", "r.txt").code == 0
    return older


def of_another_type(chance: random.Random, records: RedisRecords, _: Mapping[str, bytes]) -> None:
    """Put a list where a value is."""
    records.replace_by_list(chance.choice(sorted(records.read())))


def no_text(_: random.Random, records: RedisRecords, __: Mapping[str, bytes]) -> None:
    """Add a key that is no text."""
    records.add_bytes(b"v/\xff\xfe")


@pytest.mark.skipif(not AVAILABLE, reason="redis-server is not installed")
def test_a_damaged_redis(workspace: Workspace, index: LoopbackIndex, tmp_path: Path) -> None:
    """One value at a time; after the repair that is printed, locks online and offline are right."""
    redis = pytest.importorskip("redis")
    with RedisServer(tmp_path) as server:
        warmed(workspace, server.url)
        client = redis.Redis.from_url(server.url)
        older = refreshed(workspace, server.url, index, RedisRecords(client))
        right = warmed(workspace, server.url)
        for seed in range(FIRST, FIRST + DAMAGES):
            chance = random.Random(seed)  # noqa: S311 - as above
            kinds = (*RECORD_DAMAGES, of_another_type, no_text)
            kinds[seed % len(kinds)](chance, RedisRecords(client), older)

            outcome, lock = locked(workspace, server.url, "--offline")
            verified = ran(workspace, server.url, "mirror", "verify", "r.txt")

            case = f"damage {seed}: {outcome.text}{verified.text}"
            check(outcome, lock, right, case)
            assert verified.code in CODES, case
            assert outcome.code == 0 or verified.code != 0, case
            if verified.code == 6:
                repaired = ran(workspace, server.url, "mirror", "doctor", "--repair")
                assert repaired.code == 0, case + repaired.text
            online, lock = locked(workspace, server.url)
            assert (online.code, lock) == (0, right), case + online.text
            again = ran(workspace, server.url, "mirror", "warm", "--depth", "closure", "r.txt")
            assert again.code == 0, case + again.text
            outcome, lock = locked(workspace, server.url, "--offline")
            assert (outcome.code, lock) == (0, right), case + again.text + outcome.text
            client.close()
