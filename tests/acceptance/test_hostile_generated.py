"""Generated hostile projects, each warmed beside twenty good ones: the good ones are always lockable offline afterwards."""

from __future__ import annotations

import json
import os
import random
import shutil
from collections.abc import Callable, Iterator

import pytest

from tests.acceptance.test_hostile_projects import CASES, renamed
from tests.support.dists import metadata_text, sdist, tarred, wheel, zipped
from tests.support.forked import preload, ran
from tests.support.index_pages import Page, Project
from tests.support.index_server import LoopbackIndex
from tests.support.scale import scaled
from tests.support.workspace import Workspace

SAMPLE = 15
PROJECTS = scaled(SAMPLE, 2000)
GOOD = [f"good{number}" for number in range(20)]
LONGEST = 5.0  # CPU seconds of a warm
LARGEST = 300  # MB, beside what this process has
pytestmark = pytest.mark.skipif(not hasattr(os, "fork"), reason="commands run in forks")

TEXTS = (
    "9" * 5000, "\ud800", "\x00", "\r\nX: y", "../../etc/passwd", "x" * 200_000, "[" * 3000, "(" * 3000, "1!" * 2000, "\u202e",
    "*", "",
    ",".join(f"!=1.{minor}" for minor in range(3000)), " or ".join(["python_version>'3'"] * 2000), "good[" + "a," * 2000 + "]",
    "\x1b[31m",
    "file:///etc/passwd", "http://[::1", "https://a.example:99999999/", "%00", "e" * 70_000 + ".whl", "-".join("x" * 20_000),
)  # fmt: skip
VALUES: tuple[object, ...] = (
    None, True, -1, 10**400, 1.5e308, [], {}, [[]] * 1000, {"a": {"b": []}}, [None], *TEXTS,
)  # fmt: skip
FIELDS = (
    "Requires-Dist", "Requires-Python", "Provides-Extra", "Version", "Name", "Metadata-Version", "Dynamic", "License", "X",
)  # fmt: skip


def hostile_page(chance: random.Random, name: str) -> Project:
    """Return a page with some values that nobody expects there."""
    files: list[dict[str, object]] = [
        {"filename": f"{name}-1.{minor}-py3-none-any.whl", "url": f"{name}-1.{minor}-py3-none-any.whl", "hashes": {}}
        for minor in range(3)
    ]
    page: dict[str, object] = {"meta": {"api-version": "1.0"}, "name": name, "files": files}
    keys = (
        "filename",
        "url",
        "hashes",
        "requires-python",
        "yanked",
        "size",
        "upload-time",
        "core-metadata",
        "provenance",
    )
    for _ in range(chance.randrange(1, 5)):
        chance.choice(files)[chance.choice(keys)] = chance.choice(VALUES)
    if chance.random() < 0.3:
        page[chance.choice(("meta", "name", "versions", "project-status", "alternate-locations", "files"))] = (
            chance.choice(VALUES)
        )
    return mangled(chance, json.dumps(page).encode())


def mangled(chance: random.Random, body: bytes) -> Page:
    """Return a page, in some cases with bytes changed, cut off, nested or repeated."""
    offset = chance.randrange(len(body))
    changes: list[Callable[[], bytes]] = [
        lambda: body,
        lambda: body,
        lambda: body[:offset] + bytes([chance.randrange(256)]) + body[offset + 1 :],
        lambda: body[:offset],
        lambda: body[:offset] + b"[" * 10_000 + body[offset:],
        lambda: body[:offset] + b"\xff\xfe" + body[offset:],
        lambda: body * 50,
    ]
    return Page(chance.choice(changes)())


def hostile_metadata(chance: random.Random, name: str) -> Project:
    """Return a release with METADATA that nobody expects."""
    lines = ["Metadata-Version: 2.1", f"Name: {name}", "Version: 1.0", "Requires-Dist: good0"]
    for _ in range(chance.randrange(1, 6)):
        text = chance.choice(TEXTS)
        forms = (
            text,
            f"good0; {text}",
            f"good0{text}",
            f"good0[{text}]",
            f"good0 @ {text}",
            f"{text}; extra == '{text}'",
        )
        lines.append(f"{chance.choice(FIELDS)}: {chance.choice(forms)}")
    chance.shuffle(lines)
    data = ("\n".join(lines) + "\n\n").encode("utf-8", "surrogatepass")
    if chance.random() < 0.2:
        data = data[: chance.randrange(len(data))] + bytes([chance.randrange(256)] * chance.randrange(1, 2000))
    return [wheel(name, "1.0")._replace(metadata=data, sidecar="advertised")]


def bomb(size: int) -> bytes:
    """Return METADATA that is small only while it is compressed."""
    return b"Metadata-Version: 2.1\nName: evil\nVersion: 1.0\n" + b"X: " + bytes(size) + b"\n"


def hostile_wheel(chance: random.Random, name: str) -> Project:
    """Return a wheel without a sidecar whose archive is not as it should be."""
    info = f"{name}-1.0.dist-info"
    text = metadata_text(name, "1.0", ["good0"])
    files: dict[str, bytes] = chance.choice([
        {f"{info}/METADATA": bomb(200_000_000)}, {f"{info}/WHEEL": b""}, {}, {f"../{info}/METADATA": text},
        {f"{info}/METADATA/": b"", f"{info}/METADATA": text}, {"other-1.0.dist-info/METADATA": text, f"{info}/METADATA": text},
        {**{f"m{number}.py": b"" for number in range(30_000)}, f"{info}/METADATA": text}, {f"{info}/METADATA": text},
        {f"{name}/" * 9_000 + "x": b"", f"{info}/METADATA": text}, {f"{info}/METADATA": text},
    ])  # fmt: skip
    return [wheel(name, "1.0")._replace(body=mangled_bytes(chance, zipped(files)), sidecar="none")]


def hostile_sdist(chance: random.Random, name: str) -> Project:
    """Return a source archive that is not as it should be."""
    stem = f"{name}-1.0"
    files: dict[str, bytes] = chance.choice([
        {f"{stem}/PKG-INFO": bomb(200_000_000)}, {}, {"PKG-INFO": b""}, {f"{stem}/PKG-INFO": b"\xff" * 99},
        {f"../{stem}/PKG-INFO": b""}, {"/etc/PKG-INFO": b""}, {**{f"{stem}/f{number}": b"" for number in range(30_000)}},
        {f"{stem}/" + "d/" * 2_000 + "PKG-INFO": b""}, {f"{stem}/PKG-INFO": b"Metadata-Version: 2.2\nName: other\nVersion: 9\n"},
        {f"{stem}/big": bytes(300_000_000)},
    ])  # fmt: skip
    suffix = chance.choice([".tar.gz", ".zip"])
    body = zipped(files) if suffix == ".zip" else tarred(files)
    return [sdist(name, "1.0", suffix=suffix)._replace(body=mangled_bytes(chance, body))]


def mangled_bytes(chance: random.Random, body: bytes) -> bytes:
    """Return an archive, in most cases changed: a byte, its end, its directory, or cut off."""
    offset = chance.randrange(len(body))
    tail = len(body) - min(len(body), chance.randrange(1, 120))
    changes: list[Callable[[], bytes]] = [
        lambda: body,
        lambda: body,
        lambda: body[:offset] + bytes([chance.randrange(256)]) + body[offset + 1 :],
        lambda: body[:tail] + chance.randbytes(4) + body[tail + 4 :],
        lambda: body[:tail] + b"\xff\xff\xff\x7f" + body[tail + 4 :],
        lambda: body[:offset],
        lambda: body + body,
        lambda: b"",
    ]
    return chance.choice(changes)()


def hostile(chance: random.Random, name: str) -> Project:
    """Return a hostile project of any kind."""
    make = chance.choice((
        hostile_page, hostile_metadata, hostile_wheel, hostile_sdist,
        lambda _, own: renamed(chance.choice([*CASES.values()]), own),
    ))  # fmt: skip
    return make(chance, name)


@pytest.fixture
def index() -> Iterator[LoopbackIndex]:
    """Serve twenty good projects."""
    projects: dict[str, Project] = {
        name: [wheel(name, "1.0", GOOD[number + 1 : number + 2])] for number, name in enumerate(GOOD)
    }
    with LoopbackIndex(projects) as served:
        yield served


def test_the_good_are_kept_beside_any_hostile_project(workspace: Workspace, index: LoopbackIndex) -> None:
    """A documented code, no traceback, bounded time, memory and messages, and the good ones offline."""
    workspace.write("r.txt", "\n".join(GOOD) + "\n")
    workspace.write("all.txt", "\n".join([*GOOD, "evil"]) + "\n")
    if PROJECTS > SAMPLE:
        preload()
    warmed = ran(workspace, str(workspace.mirror), "mirror", "warm", "r.txt")
    assert warmed.code == 0, warmed.text
    shutil.rmtree(workspace.mirror)
    worst_seconds, worst_megabytes, wrong = 0.0, 0.0, list[str]()
    first = int(os.environ.get("PIPX_PARALLEL_FIRST", "0"))
    for seed in range(first, first + PROJECTS):
        index.publish_page("evil", hostile(random.Random(seed), "evil"))  # noqa: S311 - it makes inputs, it guards nothing

        outcome = ran(workspace, str(workspace.mirror), "mirror", "warm", "all.txt")
        beside = ran(workspace, str(workspace.mirror), "lock", "--offline", "r.txt", "-o", "pylock.toml")

        megabytes = outcome.peak_megabytes - warmed.peak_megabytes
        worst_seconds, worst_megabytes = max(worst_seconds, outcome.cpu_seconds), max(worst_megabytes, megabytes)
        holds = (
            outcome.code in {0, 1, 4, 5, 6} and "Traceback" not in outcome.text and beside.code == 0
            and max(map(len, outcome.text.splitlines()), default=0) < 5000
            and outcome.cpu_seconds < LONGEST and megabytes < LARGEST
        )  # fmt: skip
        if not holds:
            figures = f"code {outcome.code}, {outcome.cpu_seconds:.1f} CPU s, {megabytes:.0f} MB, beside {beside.code}"
            wrong.append(f"hostile project {seed}: {figures}: {outcome.text[:2000]}{beside.text[:500]}")
            print(wrong[-1], flush=True)  # noqa: T201 - with -s, for whoever runs many
        shutil.rmtree(workspace.mirror)
        (workspace.folder / "pylock.toml").unlink(missing_ok=True)
    worst = f"worst {worst_seconds:.2f} CPU s, {worst_megabytes:.0f} MB more"
    print(f"{PROJECTS} hostile projects, {len(wrong)} wrong: {worst}")  # noqa: T201 - likewise
    assert not wrong, "\n".join(wrong[:3])
