"""A project made to break its readers harms itself only: those beside it are kept, and it is one clear error of its own."""

from __future__ import annotations

import gzip
import json
from collections.abc import Iterator, Mapping

import pytest

from mirror.limits import ERROR_CHARACTERS, PAGE_BYTES, REQUIREMENT_EXTRAS, REQUIREMENTS
from tests.support.dists import Dist, wheel
from tests.support.index_http import Answer
from tests.support.index_pages import JSON_TYPE, Page, Project
from tests.support.index_server import LoopbackIndex
from tests.support.workspace import Workspace

DIGITS = "9" * 5000
FILE = '{"filename": "evil-1.0-py3-none-any.whl", "url": "evil-1.0-py3-none-any.whl", "hashes": {}%s}'


def page(extra: str = "", before: str = "") -> Page:
    """Return a page of one wheel, with more JSON inside its file object or before its files."""
    return Page(f'{{"meta": {{"api-version": "1.0"}}, {before}"files": [{FILE % extra}]}}'.encode())


def repeated_line(line: str, count: int = 1) -> list[Dist]:
    """Return a release whose METADATA has a line several times, ``%d`` being its number."""
    dist = wheel("evil", "1.0")
    lines = "".join(line.replace("%d", str(number)) + "\n" for number in range(count))
    metadata = f"Metadata-Version: 2.1\nName: evil\nVersion: 1.0\n{lines}\n"
    return [dist._replace(metadata=metadata.encode("utf-8", "surrogateescape"), sidecar="advertised")]


def listed(filename: str) -> Page:
    """Return a page of one file of that name."""
    entry = {"filename": filename, "url": "https://files.example/x", "hashes": {}}
    return Page(json.dumps({"meta": {"api-version": "1.0"}, "files": [entry]}).encode())


CASES: dict[str, Project] = {
    "deep lists": page(', "more": ' + "[" * 100_000 + "]" * 100_000),
    "deep lists before": page(before='"more": ' + "[" * 100_000 + "]" * 100_000 + ", "),
    "deep objects": page(', "more": ' + '{"a":' * 5_000 + "1" + "}" * 5_000),
    "deep within msgspec's bound": page(', "more": ' + "[" * 900 + "]" * 900),
    "an endless number": page(f', "size": {DIGITS}'),
    "digits of an epoch": listed(f"evil-{DIGITS}!1.0-py3-none-any.whl"),
    "digits of a version": listed(f"evil-{DIGITS}.tar.gz"),
    "digits of a local version": listed(f"evil-1.0+{DIGITS}.tar.gz"),
    "digits of a spelling": listed(f"evil-v1.0.{DIGITS}-alpha.tar.gz"),
    "a file name of dashes": listed("x-" * 50_000 + "1.tar.gz"),
    "idna": Page(b'<a href="evil-1.0.tar.gz">x</a>\xff', "text/html; charset=idna"),
    "punycode": Page(b'<a href="evil-1.0.tar.gz">x</a>' + b"a-" * 9_999, "text/html; charset=punycode"),
    "a charset of undefined": Page(b'<a href="evil-1.0.tar.gz">x</a>', "text/html; charset=undefined"),
    "a charset of null": Page(b'<a href="evil-1.0.tar.gz">x</a>', "text/html; charset=\x01\xff"),
    "a lone surrogate": page(', "requires-python": "\\ud800"'),
    "a lone surrogate in a status": page(before='"project-status": {"status": "\\ud800"}, '),
    "a lone surrogate in a URL": Page(
        b'{"files": [{"filename": "evil-1.0-py3-none-any.whl", "url": "https://a.example/\\ud800", "hashes": {}}]}'
    ),
    "a line break in a URL": Page(
        b'{"files": [{"filename": "evil-1.0-py3-none-any.whl", "url": "https://a.example/\\r\\nX: y", "hashes": {}}]}'
    ),
    "a port of text": Page(
        b'{"files": [{"filename": "evil-1.0-py3-none-any.whl", "url": "http://[::1", "hashes": {}}]}'
    ),
    "digits of a specifier": repeated_line(f"Requires-Dist: good=={DIGITS}"),
    "digits of a wildcard": repeated_line(f"Requires-Dist: good!={DIGITS}.*"),
    "digits of a marker": repeated_line(f'Requires-Dist: good; python_version > "{DIGITS}"'),
    "parentheses of a marker": repeated_line(f'Requires-Dist: good; {"(" * 5_000}python_version > "3"{")" * 5_000}'),
    "digits of Requires-Python": repeated_line(f"Requires-Python: >={DIGITS}"),
    "clauses of Requires-Python": repeated_line(
        "Requires-Python: " + ",".join(f"!=9.{number}" for number in range(50_000))
    ),
    "digits of a metadata version": repeated_line(f"Metadata-Version: 2.{DIGITS}"),
    "bytes in an extra": repeated_line("Requires-Dist: good[\udcff]"),
    "bytes in a marker": repeated_line('Requires-Dist: good; extra == "\udcff"'),
    "bytes in Provides-Extra": repeated_line("Provides-Extra: \udcff"),
    "a long line": repeated_line("Requires-Dist: " + "x" * 1_200_000),
    "extras of a requirement": repeated_line(
        f"Requires-Dist: good[{','.join(f'e{number}' for number in range(8 * REQUIREMENT_EXTRAS))}]"
    ),
    "requirements": repeated_line("Requires-Dist: good", 3 * REQUIREMENTS),
    "extras": repeated_line("Provides-Extra: e%d\nRequires-Dist: good; extra == 'e%d'", 3 * REQUIREMENTS),
    "as many extras as are allowed": repeated_line(
        "Provides-Extra: e%d\nRequires-Dist: good; extra == 'e%d'", REQUIREMENTS - 1
    ),
}


@pytest.fixture
def index() -> Iterator[LoopbackIndex]:
    """Serve two good projects."""
    with LoopbackIndex({"good": [wheel("good", "1.0", ["base"])], "base": [wheel("base", "1.0")]}) as served:
        yield served


def renamed(project: Project, name: str) -> Project:
    """Return a case under a name of its own."""
    if isinstance(project, Page):
        return project._replace(body=project.body.replace(b"evil", name.encode()))
    metadata = (project[0].metadata or b"").replace(b"evil", name.encode())
    return [wheel(name, "1.0")._replace(metadata=metadata, sidecar="advertised")]


def test_hostile_projects_harm_themselves_only(workspace: Workspace, index: LoopbackIndex) -> None:
    """A warm of them all keeps the good ones beside them, and what is said of each is of bounded length."""
    names = [f"evil{chr(97 + number // 26)}{chr(97 + number % 26)}" for number in range(len(CASES))]
    for name, project in zip(names, CASES.values(), strict=True):
        index.publish_page(name, renamed(project, name))

    warmed = workspace.run("mirror", "warm", "--packages", ",".join([*names, "good"]))
    resolved = workspace.run("resolve", "--packages", ",".join([*names, "good"]))
    beside = workspace.lock("good", flags=["--offline"])

    assert warmed.code in {0, 1, 4, 5}, warmed.err
    assert resolved.code in {0, 1, 4, 5}, resolved.err
    for line in (warmed.err + resolved.err).splitlines():
        assert "Traceback" not in line
        assert len(line) < 2 * ERROR_CHARACTERS
    assert beside.code == 0, beside.err


@pytest.mark.parametrize(
    "name",
    ["deep lists", "digits of a marker", "idna", "bytes in an extra", "digits of an epoch", "digits of a version"],
)
def test_a_hostile_project_is_one_clear_error(workspace: Workspace, index: LoopbackIndex, name: str) -> None:
    """A lock of nothing else ends with a message and a documented code."""
    index.publish_page("evil", CASES[name])

    ran = workspace.lock("evil")

    assert ran.code in {0, 1, 5}, ran.err
    assert "Traceback" not in ran.err


class Bomb(LoopbackIndex):
    """An index whose pages are small, and far too large once they are decompressed."""

    def answer(self, path: str, headers: Mapping[str, str]) -> Answer:  # noqa: ARG002 - every page is the same
        """Answer every request with the bomb."""
        packed = gzip.compress(b'{"files": [' + b" " * (PAGE_BYTES + 1) + b"]}", 9)
        return Answer(200, packed, (("Content-Type", JSON_TYPE), ("Content-Encoding", "gzip")))


@pytest.mark.parametrize("transport", ["curl", "requests", "aiohttp"])
def test_a_page_is_read_up_to_its_bound(workspace: Workspace, transport: str) -> None:
    """The bound counts bytes after decompression, whoever fetches."""
    with Bomb() as index:
        ran = workspace.run(
            "lock", "--packages", "evil", "--transport", transport, environment={"PIPX_PARALLEL_INDEX_URL": index.url}
        )

    assert ran.code == 5
    assert f"larger than {PAGE_BYTES}" in ran.err
