"""Generated hostile projects, each warmed beside twenty good ones: the good ones are always lockable offline afterwards."""

from __future__ import annotations

import json
import os
import random
import shutil
from collections.abc import Callable, Iterator

import pytest

from tests.acceptance.test_hostile_projects import CASES, renamed
from tests.support.dists import wheel
from tests.support.forked import ran
from tests.support.index_pages import Page, Project
from tests.support.index_server import LoopbackIndex
from tests.support.scale import scaled
from tests.support.workspace import Workspace

PROJECTS = scaled(15, 2000)
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


def hostile(chance: random.Random, name: str) -> Project:
    """Return a hostile project of any kind."""
    make = chance.choice(
        (hostile_page, hostile_metadata, lambda _, own: renamed(chance.choice([*CASES.values()]), own))
    )
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
    warmed = ran(workspace, str(workspace.mirror), "mirror", "warm", "r.txt")
    assert warmed.code == 0, warmed.text
    shutil.rmtree(workspace.mirror)
    worst_seconds, worst_megabytes = 0.0, 0.0
    for seed in range(PROJECTS):
        index.publish_page("evil", hostile(random.Random(seed), "evil"))  # noqa: S311 - it makes inputs, it guards nothing

        outcome = ran(workspace, str(workspace.mirror), "mirror", "warm", "all.txt")
        beside = ran(workspace, str(workspace.mirror), "lock", "--offline", "r.txt", "-o", "pylock.toml")

        case = f"hostile project {seed}: {outcome.text[:2000]}"
        assert outcome.code in {0, 1, 4, 5, 6}, case
        assert "Traceback" not in outcome.text, case
        assert max(map(len, outcome.text.splitlines()), default=0) < 5000, case
        assert beside.code == 0, case + beside.text
        worst_seconds = max(worst_seconds, outcome.cpu_seconds)
        worst_megabytes = max(worst_megabytes, outcome.peak_megabytes - warmed.peak_megabytes)
        assert outcome.cpu_seconds < LONGEST, case
        assert outcome.peak_megabytes - warmed.peak_megabytes < LARGEST, case
        shutil.rmtree(workspace.mirror)
        (workspace.folder / "pylock.toml").unlink()
    print(f"{PROJECTS} hostile projects: worst {worst_seconds:.2f} CPU s, {worst_megabytes:.0f} MB more")  # noqa: T201 - with -s
