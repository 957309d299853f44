"""The pages of ``mirror serve`` for people, as a browser receives them."""

from __future__ import annotations

import html
import re
import urllib.parse
import urllib.request
from collections.abc import Iterator
from pathlib import Path

import pytest

from tests.support.dists import wheel
from tests.support.index_pages import SPARSE_JSON
from tests.support.index_server import LoopbackIndex
from tests.support.served import Served

pytest.importorskip("uvicorn", reason="the extra [serve] is not installed")

HOSTILE = "<script>alert(1)</script> & \"'"
PAGES = ("/", "/ui/projects/", "/ui/projects/?q=li", "/ui/projects/app/", "/ui/projects/none/", "/ui/lock")


@pytest.fixture(scope="module")
def index() -> Iterator[LoopbackIndex]:
    """Serve app, which needs lib; a release of lib is yanked with a hostile reason."""
    projects = {
        "app": [wheel("app", "1.0", ["lib"]), wheel("app", "2.0", ["lib>=1"])],
        "lib": [wheel("lib", "1.0"), wheel("lib", "2.0")._replace(yanked=HOSTILE)],
    }
    with LoopbackIndex(projects, SPARSE_JSON) as loopback:
        yield loopback


@pytest.fixture(scope="module")
def served(tmp_path_factory: pytest.TempPathFactory, index: LoopbackIndex) -> Iterator[Served]:
    """Give a server that fills itself on a miss; these tests only read."""
    server = Served(tmp_path_factory.mktemp("served"), index)
    yield server
    server.stop()


def lock(served: Served, fields: dict[str, str], **headers: str) -> tuple[int, str]:
    """Send the form of the lock page."""
    body = urllib.parse.urlencode(fields).encode()
    status, _, page = served.ask(urllib.request.Request(f"{served.url}/ui/lock", data=body, headers=headers))
    return status, page.decode()


def test_the_first_page_says_what_is_held_and_how_to_use_it(served: Served) -> None:
    """It has the counts, and commands with the address at which it was asked."""
    status, headers, body = served.get("/")
    page = body.decode()
    assert (status, headers["content-type"]) == (200, "text/html; charset=utf-8")
    assert "<dt>Projects</dt><dd>2</dd>" in page
    assert "<dt>Releases</dt><dd>4</dd>" in page
    assert f"pip install --index-url {served.url}/simple/ PACKAGE" in page
    assert f"pipx-parallel lock --mirror {served.url} requirements.in" in page


def test_commands_name_the_address_that_a_proxy_gives(served: Served) -> None:
    """A proxy's host, scheme and prefix count; what is no host or path never reaches the page."""
    forwarded = {"X-Forwarded-Host": "mirror.example", "X-Forwarded-Proto": "https", "X-Forwarded-Prefix": "/py/"}
    assert "--index-url https://mirror.example/py/simple/ PACKAGE" in served.get("/", **forwarded)[2].decode()
    for name, value in (
        ("X-Forwarded-Host", "a;rm -rf x"),
        ("X-Forwarded-Proto", "file"),
        ("X-Forwarded-Prefix", "/$(x)"),
    ):
        assert "--index-url http://HOST:PORT/simple/ PACKAGE" in served.get("/", **{name: value})[2].decode()


def test_search_finds_names(served: Served) -> None:
    """Only projects with the text in their name are listed, however it is written."""
    page = served.get("/ui/projects/?q=LI")[2].decode()
    assert '<a href="lib/">lib</a>' in page
    assert "app/" not in page
    assert "1 project with" in page


def test_a_project_page_shows_releases_newest_first_and_both_directions_of_the_graph(served: Served) -> None:
    """The releases, a yanked one with its reason, what the newest requires, and who requires the project here."""
    page = served.get("/ui/projects/lib/")[2].decode()
    assert "<dd>1.0</dd>" in page  # 2.0 is newer but yanked
    assert page.index("<td>2.0</td>") < page.index("<td>1.0</td>")
    assert f"yanked: {html.escape(HOSTILE, quote=False)}".replace("\"'", "&#34;&#39;") in page
    assert '<a href="../app/">app</a> <code>lib&gt;=1</code>' in page
    assert '<a href="../lib/">lib&gt;=1</a>' in served.get("/ui/projects/app/")[2].decode()
    assert served.get("/ui/projects/LIB/")[1]["location"] == "../lib/"


def test_an_absent_project_is_not_fetched(served: Served, index: LoopbackIndex) -> None:
    """A link that a person follows asks no index; the page names close names."""
    asked = len(index.requests_seen)
    status, _, body = served.get("/ui/projects/apps/")
    assert status == 404
    assert 'href="../../../ui/projects/app/"' in body.decode()
    assert len(index.requests_seen) == asked


def test_the_form_locks_and_shows_pins_graph_and_text(served: Served) -> None:
    """Each pin says who requires it; a reason stands beside what is not the newest; the text is what POST /lock gives."""
    status, page = lock(served, {"requirements": "app<2\r\nlib\r\n", "python": "3.12", "platform": "linux"})
    assert status == 200
    assert "2 packages for cpython 3.12 linux x86_64" in page
    assert "line 1 asks for app&lt;2" in page
    assert '├── <a href="#pin-lib">' in page or '└── <a href="#pin-lib">' in page
    text = html.unescape(
        page[page.index('aria-label="Hashed requirements">') :].partition(">")[2].partition("</textarea>")[0]
    )
    assert text == served.lock(b"app<2\nlib\n", "?format=requirements&python=3.12&platform=linux")[1]


def test_a_name_that_no_index_has_is_shown_with_its_line_and_the_nearest_name(served: Served) -> None:
    """As on the command line, and in the reply of POST /lock, where the body has no file name."""
    status, page = lock(served, {"requirements": "app\r\nlibb\r\n"})

    assert (status, "libb: no index has a project of this name (line 2); did you mean &#39;lib&#39;?" in page) == (
        422,
        True,
    ), page
    assert "(line 2); did you mean 'lib'?" in served.lock(b"app\nlibb\n")[1]


def test_the_form_shows_why_there_is_no_lock_and_keeps_the_input(served: Served) -> None:
    """A list without a solution, a mistake in a line and a wrong target each keep the status of POST /lock."""
    for fields, status, part in (
        ({"requirements": "app==9"}, 422, "app==9"),
        ({"requirements": "app=="}, 400, "line 1"),
        ({"requirements": "app", "python": "x"}, 400, "x"),
        ({"requirements": "--index-url http://other.example/"}, 400, "--index-url"),
    ):
        answer, page = lock(served, fields)
        assert answer == status
        assert html.escape(fields["requirements"]) in page
        assert part in page.partition('role="alert"')[2].partition("</div>")[0]


def test_a_form_of_another_site_is_refused(served: Served) -> None:
    """A page elsewhere cannot make a visitor's browser use the server's time."""
    assert lock(served, {"requirements": "app"}, **{"Sec-Fetch-Site": "cross-site"})[0] == 403


def test_pages_are_safe_and_work_under_a_prefix(served: Served) -> None:
    """No inline script or style, a policy that forbids them, and relative links only."""
    for path in PAGES:
        status, headers, body = served.get(path)
        page = body.decode()
        assert status in {200, 404}
        assert "default-src 'none'" in headers["content-security-policy"]
        assert headers["x-content-type-options"] == "nosniff"
        assert re.findall(r"<script>|<style|\son[a-z]+=|\sstyle=", page) == []
        links = re.findall(r'\s(?:href|src|action)="([^"]*)"', page)
        assert links
        assert [link for link in links if link.startswith(("/", "http"))] == []


def test_a_published_folder_has_pages_whose_links_lead_to_files(served: Served, tmp_path: Path) -> None:
    """Any web server shows them, also one that lists no folders; no link needs a program behind it."""
    assert served.run("mirror", "publish", str(tmp_path / "pub")).returncode == 0
    for name in ("index.html", "ui/projects/index.html"):
        page = tmp_path / "pub" / name
        links = re.findall(r'\s(?:href|src|action)="([^"#]*)"', page.read_text("utf-8"))
        assert [link for link in links if link != "data:," and not (page.parent / link).is_file()] == []
    assert '<a href="../../simple/lib/index.html">lib</a>' in page.read_text("utf-8")


def test_the_token_guards_the_pages(tmp_path: Path, index: LoopbackIndex) -> None:
    """A browser that has no token learns that Basic works; with one it sees the page."""
    server = Served(tmp_path, index, token="secret")  # noqa: S106 - of a server that lives for this test
    try:
        status, headers, _ = server.get("/")
        assert (status, "Basic" in headers["www-authenticate"]) == (401, True)
        assert lock(server, {"requirements": "app"})[0] == 401
        assert server.get("/", Authorization="Bearer secret")[0] == 200
    finally:
        server.stop()
