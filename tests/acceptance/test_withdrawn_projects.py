"""A project that its index does not list any more: what the mirror holds stays, marked, and no answer is made of it unasked."""

from __future__ import annotations

import json
from collections.abc import Callable, Iterator

import pytest

from tests.support.dists import wheel
from tests.support.index_pages import HTML_TYPE, JSON_TYPE, MODERN, Page
from tests.support.index_server import LoopbackIndex
from tests.support.workspace import Workspace, check_refused, locked

CHAIN = {"app": "2.0", "base": "1.0", "lib": "2.0"}
PROJECTS = {
    "app": [wheel("app", "1.0", ["lib"]), wheel("app", "2.0", ["lib>=1"])],
    "lib": [wheel("lib", "1.0"), wheel("lib", "2.0", ["base"])],
    "base": [wheel("base", "1.0")],
}
Spoil = Callable[[LoopbackIndex], None]


@pytest.fixture
def index() -> Iterator[LoopbackIndex]:
    """Serve a chain whose pages are stale at once."""
    with LoopbackIndex(PROJECTS, MODERN._replace(cache_control="max-age=0")) as served:
        yield served


@pytest.fixture
def warmed(workspace: Workspace) -> Workspace:
    """Give a workspace whose mirror was warmed."""
    ran = workspace.run("mirror", "warm", "--depth", "closure", "--packages", "app")
    assert ran.code == 0, ran.err
    return workspace


def _status(status: int) -> Spoil:
    return lambda index: index.fail("/simple/lib/", times=1000, status=status)


def _page(body: bytes, kind: str = HTML_TYPE) -> Spoil:
    return lambda index: index._projects.update(lib=Page(body, kind))


WITHDRAWN: dict[str, Spoil] = {
    "404": _status(404),
    "410": _status(410),
    "no-files": _page(b'{"meta":{"api-version":"1.0"},"name":"lib","files":[]}', JSON_TYPE),
    "quarantined": _page(
        b'{"meta":{"api-version":"1.4"},"name":"lib","files":[],"project-status":{"status":"quarantined"}}', JSON_TYPE
    ),
    "maintenance": _page(b"<!DOCTYPE html><html><body><h1>Down for maintenance</h1></body></html>"),
    "login": _page(b'<!DOCTYPE html><html><body><a href="/login">Sign in</a></body></html>'),
    "another": _page(
        b'{"meta":{"api-version":"1.0"},"name":"other","files":[{"filename":"other-1.0-py3-none-any.whl","url":"x","hashes":{}}]}',
        JSON_TYPE,
    ),
    "another-html": _page(b'<!DOCTYPE html><html><body><a href="other-1.0-py3-none-any.whl">other</a></body></html>'),
    "html-as-json": _page(b"<!DOCTYPE html><html><body></body></html>", JSON_TYPE),
    "json-without-releases": _page(b'{"meta":{"api-version":"1.1"},"name":"lib","versions":[],"files":[]}', JSON_TYPE),
}
STATUSES = (
    203,
    204,
    206,
    300,
    304,
    400,
    401,
    402,
    403,
    405,
    407,
    408,
    418,
    429,
    451,
    500,
    501,
    502,
    503,
    504,
    520,
    599,
)
UNUSABLE: dict[str, Spoil] = {
    **{str(status): _status(status) for status in STATUSES},
    "empty": _page(b""),
    "text": _page(b"we are closed", "text/plain"),
    "form": _page(b"<!DOCTYPE html><html><body><form><input></form></body></html>"),
    "truncated": lambda index: index.fail("/simple/lib/", "truncate", times=1000),
    "image": _page(b"\x89PNG\r\n", "image/png"),
    "json-error": _page(b'{"message":"login required"}', JSON_TYPE),
    "json-list": _page(b"[]", JSON_TYPE),
    "json-cut": _page(b'{"meta":{"api-version":"1.0"},"name":"lib","files":[{"filename":"lib-', JSON_TYPE),
    "json-of-another-version": _page(b'{"meta":{"api-version":"2.0"},"name":"lib","files":[]}', JSON_TYPE),
    "utf-16": _page("<!DOCTYPE html><html><body>lib</body></html>".encode("utf-16"), HTML_TYPE),
    "not-gzip": lambda index: index.fail("/simple/lib/", "mislabel", times=1000),
    "reset": lambda index: index.fail("/simple/lib/", "reset", times=1000),
}


@pytest.mark.parametrize("spoil", WITHDRAWN.values(), ids=WITHDRAWN)
def test_what_was_known_stays(warmed: Workspace, index: LoopbackIndex, spoil: Spoil) -> None:
    """Online it is an error that says so, offline the old answer with a warning; verify does not call it closed."""
    spoil(index)

    check_refused(warmed, warmed.lock("app", flags=["--retries", "0"]), 5, "lib", "2 releases", "--offline")

    ran = warmed.lock("app", flags=["--offline"])
    assert (ran.code, warmed.pins()) == (0, CHAIN)
    assert "warning: lib:" in ran.err
    ran = warmed.run("mirror", "verify", "--packages", "app")
    assert (ran.code, "lib: its index does not list it any more" in ran.err) == (4, True), ran.err
    assert "no metadata" not in ran.err
    assert warmed.run("mirror", "doctor").code == 0


@pytest.mark.parametrize("spoil", UNUSABLE.values(), ids=UNUSABLE)
def test_an_answer_that_says_nothing_changes_nothing(warmed: Workspace, index: LoopbackIndex, spoil: Spoil) -> None:
    """Offline the old answer, without a word."""
    spoil(index)
    warmed.lock("app", flags=["--retries", "0"])

    ran = warmed.lock("app", flags=["--offline"])

    assert (ran.code, warmed.pins(), "warning" in ran.err) == (0, CHAIN, False), ran.err


def test_a_project_that_comes_back_is_as_before(warmed: Workspace, index: LoopbackIndex) -> None:
    """Asked again by every run, whatever its page said of freshness; the old validator still holds."""
    index.fail("/simple/lib/", times=1, status=404)
    assert warmed.lock("app").code == 5

    assert locked(warmed, "app") == CHAIN
    ran = warmed.run("mirror", "verify", "--packages", "app")
    assert ran.code == 0, ran.err


def test_a_page_that_got_shorter_is_told(warmed: Workspace, index: LoopbackIndex) -> None:
    """The index counts, and the answer says what it does not list any more."""
    index._projects["lib"] = PROJECTS["lib"][:1]

    ran = warmed.lock("app")

    assert (ran.code, warmed.pins()["lib"]) == (0, "1.0")
    assert "1 of the 2 releases" in ran.err
    assert "2.0" in ran.err


def test_no_other_index_steps_in(warmed: Workspace, index: LoopbackIndex) -> None:
    """An expired token at the private index must not hand its name to the public one."""
    index.fail("/simple/lib/", times=1000, status=404)
    with LoopbackIndex({"lib": [wheel("lib", "9.0")]}) as public:
        ran = warmed.lock("app", flags=["--extra-index-url", public.url])

    check_refused(warmed, ran, 5, "lib")


def test_it_can_be_forgotten(warmed: Workspace, index: LoopbackIndex) -> None:
    """A project that is really gone goes from the mirror when the user says so."""
    index.withdraw("lib")
    assert warmed.lock("app").code == 5
    assert json.loads(warmed.run("mirror", "status", "--format", "json").out)["withdrawn"] == ["lib"]

    ran = warmed.run("mirror", "prune", "--withdrawn")

    assert "deleted 1 project," in ran.err
    check_refused(warmed, warmed.lock("app"), 1, "lib")


def test_an_import_does_not_take_it_away(warmed: Workspace, index: LoopbackIndex) -> None:
    """A newer snapshot that says "absent" marks what is here; it does not replace it."""
    index.withdraw("lib")
    other = {"PIPX_PARALLEL_MIRROR": str(warmed.folder / "other")}
    warmed.run("resolve", "--packages", "lib", environment=other)
    assert warmed.run("mirror", "export", "absent.snap", environment=other).code == 0

    assert warmed.run("mirror", "import", "absent.snap").code == 0

    ran = warmed.lock("app", flags=["--offline"])
    assert (ran.code, warmed.pins()) == (0, CHAIN), ran.err


def test_a_find_links_page_keeps_what_it_listed(warmed: Workspace) -> None:
    """An emptied page, and one that is gone, are warned of; offline what was listed is used."""
    linked = wheel("linked", "1.0")
    link = f'<a href="../../files/linked/{linked.filename}#sha256={linked.sha256}">linked</a>'.encode()
    with LoopbackIndex(
        {"links": Page(link, HTML_TYPE), "linked": [linked]}, MODERN._replace(cache_control="max-age=0")
    ) as site:
        flags = ["-f", f"{site.root}/simple/links/"]
        assert locked(warmed, "linked", flags=flags) == {"linked": "1.0"}
        site._projects["links"] = Page(b"<!DOCTYPE html><html><body>soon</body></html>", HTML_TYPE)

        ran = warmed.lock("linked", flags=flags)

        assert (ran.code, "lists no files any more" in ran.err) == (1, True), ran.err
        assert locked(warmed, "linked", flags=[*flags, "--offline"]) == {"linked": "1.0"}


def test_a_root_without_releases_is_not_closed(workspace: Workspace, index: LoopbackIndex) -> None:
    """Nothing was ever listed: nothing can be proved of it."""
    index._projects["void"] = []
    workspace.lock("void")

    ran = workspace.run("mirror", "verify", "--packages", "void")

    assert (ran.code, "void" in ran.err) == (4, True), ran.err
