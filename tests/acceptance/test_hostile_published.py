"""A published mirror that means harm, or is damaged, harms nobody: a documented code, no traceback, bounded time and memory.

Its digests may be right: who publishes can state them for anything. So only random bytes, which no digest vouches for, must
give the right lock or none.
"""

from __future__ import annotations

import hashlib
import json
import os
import random
import shutil
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import pytest

from mirror.exchange.published_shard import Shard
from mirror.records.compression import pack_frame, unpack_frame
from tests.acceptance.test_hostile_generated import VALUES
from tests.support.damages import damaged_file
from tests.support.dists import wheel
from tests.support.folder_server import served_folder
from tests.support.forked import Outcome, preload, ran
from tests.support.index_server import LoopbackIndex
from tests.support.scale import scaled
from tests.support.workspace import Workspace

SAMPLE = 12
CASES = scaled(SAMPLE, 500)
FIRST = int(os.environ.get("PIPX_PARALLEL_FIRST", "0"))
LONGEST, LARGEST = 5.0, 300  # CPU seconds and MB of a lock, beside what this process has
pytestmark = pytest.mark.skipif(not hasattr(os, "fork"), reason="commands run in forks")

Change = Callable[[random.Random, Path], None]


@pytest.fixture
def site(tmp_path: Path) -> Iterator[tuple[Path, str]]:
    """Serve a folder."""
    with served_folder(tmp_path / "site") as served:
        yield served.path, f"{served.url}/"


@pytest.fixture
def index() -> Iterator[LoopbackIndex]:
    """Serve a chain of projects of some releases."""
    projects = {
        f"p{number}": [
            wheel(f"p{number}", f"1.{minor}", [f"p{number + 1}>=1.2"] if number < 5 else [], {"more": ["p5"]})
            for minor in range(4)
        ]
        for number in range(6)
    }
    with LoopbackIndex(projects) as served:
        yield served


def locked(workspace: Workspace, location: str) -> tuple[Outcome, bytes | None]:
    """Lock the list from nothing; return how it ended, and the lock if there is one."""
    output = workspace.folder / "pylock.toml"
    output.unlink(missing_ok=True)
    outcome = ran(workspace, location, "lock", "r.txt", "-o", "pylock.toml")
    return outcome, output.read_bytes() if output.exists() else None


# --- changes by who publishes -----------------------------------------------------------------------------------------------


def document(path: Path) -> Any:
    """Return what an index or a delta says."""
    return json.loads(unpack_frame(path.read_bytes()))


def changed_value(chance: random.Random, value: Any) -> Any:
    """Return a JSON value in which one value is another; it may be changed itself."""
    if not isinstance(value, (dict, list)) or not value or chance.random() < 0.1:
        return chance.choice([*VALUES, "0" * 32, 0, 1, 10**9, "a b", "1 " + "f" * 32 + " 0 1 0 " + "p0[more] " * 3000])
    if isinstance(value, list):
        number = chance.randrange(len(value))
        return [*value[:number], changed_value(chance, value[number]), *value[number + 1 :]]
    key = chance.choice(sorted(value))
    if chance.random() < 0.1:
        return {**value, str(chance.choice(VALUES)): value[key]}
    return {**value, key: changed_value(chance, value[key])}


def hostile_document(chance: random.Random, folder: Path) -> None:
    """Change values of the index or of the delta, with the right digest of the index in the delta for some."""
    path = folder / chance.choice(["index.zst", "delta.zst"])
    value = document(path)
    for _ in range(chance.randrange(1, 4)):
        value = changed_value(chance, value)
    data = json.dumps(value).encode()
    path.write_bytes(pack_frame(data))
    if path.name == "index.zst" and chance.random() < 0.5:
        digest = hashlib.sha256(data).hexdigest()
        (folder / "delta.zst").write_bytes(
            pack_frame(json.dumps({**document(folder / "delta.zst"), "index": digest}).encode())
        )


def hostile_frame(chance: random.Random, folder: Path) -> None:
    """Put a frame of little content, and of much more when it is unpacked, in the place of the index or of the delta."""
    texts = (b'{"published":2,"x":"' + bytes(200_000_000) + b'"}', b"[" * 1_000_000, b"[" + b"[]," * 60_000_000 + b"[]]",
             b'{"published":2,"serial":' + b"9" * 5000 + b"}", b"", b"null", b'{"published":2}', b"\xff" * 1000)  # fmt: skip
    (folder / chance.choice(["index.zst", "delta.zst"])).write_bytes(pack_frame(chance.choice(texts), 1))


def sealed(view: Any) -> bytes:
    """Return a release view with its digest."""
    body = json.dumps({key: value for key, value in view.items() if key != "sum"}, separators=(",", ":")).encode()[1:]
    return b'{"sum":"' + hashlib.blake2b(body, digest_size=8).hexdigest().encode() + b'",' + body


def hostile_view(chance: random.Random, shard: Shard) -> bytes:
    """Change values of the release view."""
    view = json.loads(shard.view)
    for _ in range(chance.randrange(1, 4)):
        changed = changed_value(chance, view)
        view = changed if isinstance(changed, dict) else view
    return shard._replace(view=sealed(view)).to_bytes()


def hostile_files(chance: random.Random, shard: Shard) -> bytes:
    """Change the text of the files, or the digest of the complete file view."""
    data = bytearray(shard.columns)
    for _ in range(chance.randrange(1, 8)):
        if data:
            data[chance.randrange(len(data))] = chance.randrange(256)
    names = ("", "0" * 32, "../../../etc/passwd", "a b", "\x00", "%0d%0a", "f" * 5000)
    frame = pack_frame(b"\n".join((shard.view, chance.choice(names).encode(), bytes(data))))
    return len(frame).to_bytes(4, "little") + frame


def hostile_shard_frame(chance: random.Random, shard: Shard) -> bytes:
    """Return what unpacks to much, to nothing, or is no shard."""
    texts = (bytes(400_000_000), b"[" * 1_000_000 + b"\n\n", b"\n\n", b"", shard.view + b"\n\n" + b"\xff" * 20_000_000)
    frame = pack_frame(chance.choice(texts), 1)
    return chance.choice([len(frame).to_bytes(4, "little") + frame, b"\xff" * 8, b"", frame])


def hostile_shard(chance: random.Random, folder: Path) -> None:
    """Put a shard that is not as it should be into the pack, under its right digest."""
    value = document(folder / "index.zst")
    shards: dict[tuple[str, str], bytes] = {}
    for index_id, rows in value["projects"].items():
        for name, row in rows.items():
            pack, _, offset, length, *_ = row.split()
            data = (folder / "packs" / f"{value['packs'][int(pack)][0]}.pack").read_bytes()
            shards[index_id, name] = data[int(offset) : int(offset) + int(length)]
    chosen = chance.choice(sorted(shards))
    shards[chosen] = chance.choice([hostile_view, hostile_view, hostile_files, hostile_shard_frame])(
        chance, Shard.read(shards[chosen])
    )
    pack_data = b"".join(shards.values())
    sha256, start = hashlib.sha256(pack_data).hexdigest(), 0
    for (index_id, name), data in shards.items():
        words = value["projects"][index_id][name].split()
        words[:4] = ["0", hashlib.sha256(data).hexdigest()[:32], str(start), str(len(data))]
        value["projects"][index_id][name] = " ".join(words)
        start += len(data)
    value["packs"] = [[sha256, len(pack_data)]]
    (folder / "packs" / f"{sha256}.pack").write_bytes(pack_data)
    (folder / "index.zst").write_bytes(pack_frame(json.dumps(value).encode()))
    (folder / "delta.zst").unlink()


def test_a_hostile_published_mirror(workspace: Workspace, index: LoopbackIndex, site: tuple[Path, str]) -> None:
    """Whatever it publishes, for clients with and without an older index of it."""
    folder, url = site
    workspace.write("r.txt", "p0\np2[more]\n")
    if CASES > SAMPLE:
        preload()

    def publish() -> None:
        for command in (("warm", "--refresh", "--depth", "closure", "r.txt"), ("publish", str(folder))):
            outcome = ran(workspace, str(workspace.mirror), "mirror", *command)
            assert outcome.code == 0, outcome.text

    cache, older = Path(workspace.environment["XDG_CACHE_HOME"]), workspace.folder.parent / "older"
    publish()
    usual, lock = locked(workspace, url)
    assert (usual.code, lock is not None) == (0, True), usual.text
    shutil.copytree(cache, older)
    index.publish("p5", wheel("p5", "1.9"))
    publish()
    assert document(folder / "delta.zst")["changes"]
    _, right = locked(workspace, url)
    assert right not in {None, lock}
    sound = workspace.folder.parent / "sound"
    shutil.copytree(folder, sound)
    wrong, worst = list[str](), (0.0, 0.0)
    for seed in range(FIRST, FIRST + CASES):
        chance = random.Random(seed)  # noqa: S311 - it makes inputs, it guards nothing
        shutil.rmtree(cache)
        if chance.random() < 0.6:
            shutil.copytree(older, cache)
        kinds: list[Change] = [hostile_document, hostile_frame, hostile_shard, hostile_shard, hostile_document]
        is_damage = seed % 3 == 0
        if is_damage:
            paths = [folder / "delta.zst", folder / "index.zst", *sorted(folder.glob("packs/*"))]
            damaged_file(chance, chance.choice(paths), [])
        else:
            chance.choice(kinds)(chance, folder)

        outcome, lock = locked(workspace, url)

        megabytes = outcome.peak_megabytes - usual.peak_megabytes
        worst = max(worst[0], outcome.cpu_seconds), max(worst[1], megabytes)
        holds = (
            outcome.code in {0, 1, 2, 4, 5, 6} and "Traceback" not in outcome.text and (lock is None) == (outcome.code != 0)
            and (lock in {right, None} or not is_damage) and max(map(len, outcome.text.splitlines()), default=0) < 5000
            and outcome.cpu_seconds < LONGEST and megabytes < LARGEST
        )  # fmt: skip
        if not holds:
            figures = f"code {outcome.code}, {outcome.cpu_seconds:.1f} CPU s, {megabytes:.0f} MB, right {lock == right}"
            wrong.append(f"case {seed}: {figures}: {outcome.text[:2000]}")
            print(wrong[-1], flush=True)  # noqa: T201 - with -s, for whoever runs many
        shutil.rmtree(folder)
        shutil.copytree(sound, folder)
    print(f"{CASES} hostile mirrors, {len(wrong)} wrong: worst {worst[0]:.2f} CPU s, {worst[1]:.0f} MB more")  # noqa: T201 - likewise
    assert not wrong, "\n".join(wrong[:3])
