"""The world in which pip and we install the snippets of ``installs/``: two indexes, a folder of files, a Git repository."""

from __future__ import annotations

import io
import os
import re
import shutil
import subprocess
import tarfile
import tomllib
from collections.abc import Iterator, Mapping
from contextlib import ExitStack, contextmanager
from pathlib import Path
from typing import Any, NamedTuple

import pytest

from tests.corpus.cases import HERE, Case
from tests.support.dists import Dist, sdist, wheel
from tests.support.index_pages import MODERN
from tests.support.index_server import LoopbackIndex

# Without sidecars, so that pip downloads what it would install and checks its hash.
_FLAVOUR = MODERN._replace(sidecars="none")
_AUTHOR = {f"GIT_{who}_{what}": "tester@index.example" for who in ("AUTHOR", "COMMITTER") for what in ("NAME", "EMAIL")}


class World(NamedTuple):
    """Where everything is; ``words`` are what stands for it in a snippet."""

    index_url: str
    words: Mapping[str, str]


def read_installs() -> dict[str, Case]:
    """Return every case of ``installs/``, as ``family/name``."""
    cases: dict[str, Case] = {}
    for path in sorted((HERE / "installs").glob("*.toml")):
        case_read = tomllib.loads(path.read_text(encoding="utf-8"))["case"]
        cases |= {f"{path.stem}/{name}": case for name, case in case_read.items()}
    return cases


def first_index() -> dict[str, list[Dist]]:
    """Return what the default index has."""
    return {
        "app": [
            wheel("app", "1.0", ["lib>=1"]),
            wheel("app", "2.0", ["lib>=1"], {"fast": ["speed"], "web": ["web-kit", "Dotted_Name"]}),
            sdist("app", "2.0", ["lib>=1"], {"fast": ["speed"], "web": ["web-kit", "Dotted_Name"]}),
            wheel("app", "3.0a1", ["lib>=1"]),
        ],
        "lib": [
            wheel("lib", "1.0"),
            wheel("lib", "1.1")._replace(yanked="lost a file"),
            wheel("lib", "1.5"),
            sdist("lib", "1.5"),
            wheel("lib", "2.0"),
            sdist("lib", "2.0"),
        ],
        "speed": [
            wheel("speed", "1.0"),
            wheel("speed", "2.0", tags="py3-none-any"),
            wheel("speed", "3.0", tags="cp311-cp311-win_amd64"),
        ],
        "web-kit": [wheel("web-kit", "0.9", ["lib<2"]), wheel("web-kit", "1.0", ["lib<2"])],
        "dotted-name": [wheel("Dotted.Name", "1.0"), wheel("Dotted.Name", "1.1")],
        "only-sdist": [sdist("only-sdist", "0.9"), sdist("only-sdist", "1.0", ["lib"], suffix=".zip")],
        "told-late": [sdist("told-late", "1.0", ["lib<2"], static=False)],
        "never-builds": [wheel("never-builds", "1.0"), sdist("never-builds", "2.0", static=False, broken=True)],
        "mixed": [wheel("mixed", "1.0"), sdist("mixed", "2.0")],
        "pre-only": [wheel("pre-only", "1.0a1"), wheel("pre-only", "1.0b2")],
        "pre-too": [wheel("pre-too", "1.0"), wheel("pre-too", "1.1.dev1"), wheel("pre-too", "1.1rc1")],
        "wants-pre": [wheel("wants-pre", "1.0", ["pre-too>=1.1rc1"])],
        "posted": [wheel("posted", "1.0"), wheel("posted", "1.0.post1")],
        "epochal": [wheel("epochal", "2020.1"), wheel("epochal", "1!0.5")],
        "localised": [wheel("localised", "1.0"), wheel("localised", "1.0+cpu"), wheel("localised", "1.0+gpu")],
        "for-later": [wheel("for-later", "1.0", requires_python=">=3.8"), wheel("for-later", "2.0", requires_python=">=99")],
        "withdrawn": [wheel("withdrawn", "1.0")._replace(yanked=True)],
        "elsewhere": [wheel("elsewhere", "1.0", tags="cp311-cp311-win_amd64")],
        "marked": [wheel("marked", "1.0", ["lib ; python_version >= '3'", "speed ; sys_platform == 'never'"])],
        "ring-a": [wheel("ring-a", "1.0", ["ring-b"])],
        "ring-b": [wheel("ring-b", "1.0", ["ring-a"])],
        "own-extra": [wheel("own-extra", "1.0", (), {"all": ["own-extra[a,b]"], "a": ["lib"], "b": ["speed"]})],
        "wants-old": [wheel("wants-old", "1.0", ["lib<1.5"])],
        "wants-new": [wheel("wants-new", "1.0", ["lib>=2"])],
        "either-way": [wheel("either-way", "1.0", ["lib<1.5"]), wheel("either-way", "2.0", ["lib>=2"])],
        "malformed": [wheel("malformed", "1.0"), wheel("malformed", "2.0", ["this is not a valid requirement"])],
        "built-twice": [wheel("built-twice", "1.0", tags="1-py3-none-any"), wheel("built-twice", "1.0", tags="2-py3-none-any")],
    }  # fmt: skip


def second_index() -> dict[str, list[Dist]]:
    """Return what the index has that only some snippets name."""
    return {
        "app": [wheel("app", "9.0")],
        "private": [wheel("private", "1.0", ["lib"])],
    }


def links() -> list[Dist]:
    """Return the files of the find-links folder."""
    return [
        wheel("lib", "3.0"),
        wheel("linked", "1.0", ["lib"]),
        sdist("linked", "1.1"),
        wheel("app", "2.0", padding=9),
    ]


@contextmanager
def world(root: Path) -> Iterator[World]:
    """Serve the indexes and lay out the rest below ``root``."""
    root.mkdir(parents=True, exist_ok=True)
    dists = [dist for files in first_index().values() for dist in files]
    folder = root / "links"
    folder.mkdir()
    for dist in links():
        (folder / dist.filename).write_bytes(dist.body)
    with ExitStack() as stack:
        first = stack.enter_context(LoopbackIndex(first_index(), _FLAVOUR))
        second = stack.enter_context(LoopbackIndex(second_index(), _FLAVOUR))
        words = {"{index}": first.url, "{other}": second.url, "{links}": str(folder), "{root}": str(root)}
        words |= {f"{{file:{dist.filename}}}": _address(first, dist) for dist in dists}
        words |= {f"{{sha256:{dist.filename}}}": dist.sha256 for dist in (*links(), *dists)}
        words |= _repository(root / "code")
        yield World(first.url, words)


def with_words(case: Case, words: Mapping[str, str]) -> Case:
    """Return a case with every ``{word}`` replaced; one that stands for nothing is an error."""

    def replace(value: Any) -> Any:
        if isinstance(value, str):
            return re.sub(
                r"\{(?:index|other|links|root|git|commit|(?:file|sha256):[^}]+)\}", lambda m: words[m[0]], value
            )
        if isinstance(value, list):
            return [replace(item) for item in value]
        return {key: replace(item) for key, item in value.items()} if isinstance(value, dict) else value

    case_read: Case = replace(dict(case))
    return case_read


def plant_projects(folder: Path, case: Case) -> None:
    """Unpack the projects of a case: ``projects = { "path" = { name = …, version = …, requires = […] } }``."""
    for path, fields in case.get("projects", {}).items():
        unpack(
            sdist(static=fields.pop("static", True), **fields) if "static" in fields else sdist(**fields), folder / path
        )


def unpack(dist: Dist, folder: Path) -> None:
    """Write the files of a source archive, less its top folder."""
    with tarfile.open(fileobj=io.BytesIO(dist.body)) as archive:
        for member in archive.getmembers():
            target = folder / member.name.partition("/")[2]
            target.parent.mkdir(parents=True, exist_ok=True)
            stream = archive.extractfile(member)
            assert stream is not None
            target.write_bytes(stream.read())


def _address(index: LoopbackIndex, dist: Dist) -> str:
    project = re.sub(r"[-_.]+", "-", dist.name).lower()
    return f"{index.root}/files/{project}/{dist.filename}"


def _repository(folder: Path) -> dict[str, str]:
    """Make a Git repository: v1.0 is a tag, ``next`` a branch, ``part`` a subdirectory with a project of its own."""
    unpack(sdist("coded", "1.0", ["lib<2"], {"more": ["speed"]}), folder)
    unpack(sdist("coded-part", "0.5", ["lib"]), folder / "part")
    _git(folder, "init", "-q", "-b", "main")
    _git(folder, "add", ".")
    _git(folder, "commit", "-q", "-m", "first")
    _git(folder, "tag", "v1.0")
    commit = _git(folder, "rev-parse", "HEAD")
    _git(folder, "checkout", "-q", "-b", "next")
    unpack(sdist("coded", "1.1.dev1", ["lib"]), folder)
    _git(folder, "commit", "-q", "-a", "-m", "second")
    _git(folder, "checkout", "-q", "main")
    return {"{git}": f"git+{folder.as_uri()}", "{commit}": commit}


def _git(folder: Path, *words: str) -> str:
    if shutil.which("git") is None:
        pytest.skip("git is not installed")
    environ = {**os.environ, **_AUTHOR, "GIT_CONFIG_GLOBAL": os.devnull}
    done = subprocess.run(["git", *words], cwd=folder, env=environ, capture_output=True, text=True, check=True)
    return done.stdout.strip()
