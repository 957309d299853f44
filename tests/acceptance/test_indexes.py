"""Every kind of index gives the right lock, by whichever way its metadata is available."""

from __future__ import annotations

import pytest

from tests.support.dists import Dist, oddity, sdist, wheel
from tests.support.index_pages import BARE, HTML_ONLY, MODERN, SPARSE_JSON, Flavour, Page
from tests.support.index_server import LoopbackIndex
from tests.support.workspace import Workspace, check_refused, locked

CHAIN = {"app": "2.0", "base": "1.0", "lib": "2.0"}
BOTH = pytest.mark.parametrize("transport", ["curl", "requests"])


@pytest.mark.parametrize(
    "flavour",
    [
        pytest.param(MODERN, id="json with sidecars"),
        pytest.param(MODERN._replace(gzip=True), id="gzip"),
        pytest.param(HTML_ONLY, id="html only"),
        pytest.param(HTML_ONLY._replace(base_href=True), id="html with base"),
        pytest.param(MODERN._replace(json=False, relative_urls=True), id="html with sidecars"),
        pytest.param(BARE._replace(hashes=True), id="html without ranges"),
        pytest.param(SPARSE_JSON, id="sidecars unadvertised"),
        pytest.param(SPARSE_JSON._replace(ranges="refuse"), id="sidecars unadvertised, no ranges"),
        pytest.param(MODERN._replace(sidecars="none"), id="no sidecars"),
        pytest.param(MODERN._replace(sidecars="none", ranges="ignore"), id="no sidecars, ranges ignored"),
        pytest.param(MODERN._replace(sidecars="none", ranges="refuse"), id="no sidecars, ranges refused with 416"),
        pytest.param(MODERN._replace(sidecars="none", ranges="no-suffix", size=False), id="no suffix ranges, no sizes"),
        pytest.param(MODERN._replace(redirect=True, sidecars="none"), id="redirects"),
        pytest.param(MODERN._replace(api="1.0", html=False, relative_urls=True), id="json 1.0"),
        pytest.param(MODERN._replace(sidecar_keys=("data-dist-info-metadata",)), id="the old name of PEP 714"),
        pytest.param(MODERN._replace(sidecar_hash=False), id="sidecars without a hash"),
    ],
)
def test_every_flavour_gives_the_same_pins(workspace: Workspace, index: LoopbackIndex, flavour: Flavour) -> None:
    """What an index lacks costs requests, never the answer."""
    index.flavour = flavour

    assert locked(workspace, "app") == CHAIN


@pytest.mark.parametrize(
    "flavour",
    [
        pytest.param(MODERN._replace(gzip=True), id="gzip"),
        pytest.param(MODERN._replace(redirect=True, sidecars="none"), id="redirects"),
        pytest.param(MODERN._replace(sidecars="none", ranges="refuse"), id="no sidecars, ranges refused with 416"),
    ],
)
def test_the_portable_transport_gives_them_too(workspace: Workspace, index: LoopbackIndex, flavour: Flavour) -> None:
    """Where the two could differ: packing, redirects, ranges."""
    index.flavour = flavour

    assert locked(workspace, "app", flags=["--transport", "requests"]) == CHAIN


def test_the_files_of_an_index_without_hashes_are_hashed(workspace: Workspace, index: LoopbackIndex) -> None:
    """A pylock.toml must hold hashes (PEP 751), and pip refuses requirements of which only some have one."""
    index.flavour = BARE

    assert locked(workspace, "app") == CHAIN
    ran = workspace.run("lock", "r.txt", "-o", "locked.txt")
    assert ran.code == 0, ran.err
    text = workspace.read("locked.txt").decode()
    assert [line for line in text.splitlines() if "==" in line] == ["app==2.0 \\", "base==1.0 \\", "lib==2.0 \\"]
    assert text.count("--hash=sha256:") == 3


def test_sidecars_are_used_where_they_are(workspace: Workspace, index: LoopbackIndex) -> None:
    """An index that advertises them is asked for no wheel at all."""
    assert locked(workspace, "app") == CHAIN
    assert index.paths("*.whl") == []
    assert len(index.paths("*.metadata")) == 3


def test_sidecars_for_some_files_only(workspace: Workspace, index: LoopbackIndex) -> None:
    """Presence varies file by file; each falls through on its own."""
    index.publish("half", wheel("half", "1.0", ["lib"])._replace(sidecar="none"))

    assert locked(workspace, "half", "app") == {**CHAIN, "half": "1.0"}
    assert index.paths("*/half-1.0*.metadata") == []


def test_an_advertised_sidecar_that_is_not_there_is_skipped(workspace: Workspace, index: LoopbackIndex) -> None:
    """404: the wheel itself answers."""
    index.fail("*/lib-2.0*.metadata", times=9, status=404)

    assert locked(workspace, "app") == CHAIN


def test_ranges_read_the_tail_of_a_wheel_alone(workspace: Workspace, index: LoopbackIndex) -> None:
    """A large wheel is not downloaded for its METADATA."""
    index.flavour = MODERN._replace(sidecars="none")

    assert locked(workspace, "app") == CHAIN
    large = [seen for seen in index.requests_seen if seen.path.endswith("lib-2.0-py3-none-any.whl")]
    assert [seen.status for seen in large] == [206]


def test_a_refused_range_is_learned_once(workspace: Workspace, index: LoopbackIndex) -> None:
    """After one 416 this index is asked for whole wheels."""
    index.flavour = MODERN._replace(sidecars="none", ranges="refuse")

    assert locked(workspace, "app") == CHAIN
    assert [seen.status for seen in index.requests_seen].count(416) <= 2


def test_malformed_requires_python_and_file_names_are_read_around(workspace: Workspace, index: LoopbackIndex) -> None:
    """Real pages hold them; whatever can be read is used."""
    index.publish(
        "wild",
        oddity("wild", "wild-3.0-py2.7.egg"),
        oddity("wild", "wild-3.0.win32.exe"),
        oddity("wild", "no-rule-parses-this"),
        wheel("wild", "1.0", ["lib"], requires_python=">= '2.7'"),
        wheel("wild", "0.9", ["lib"], requires_python="3.x or so"),
        oddity("wild", "wild-not.a.version!-py3-none-any.whl"),
    )

    assert locked(workspace, "wild") == {"base": "1.0", "lib": "2.0", "wild": "1.0"}


def test_malformed_requires_python_in_metadata_excludes_nothing(workspace: Workspace, index: LoopbackIndex) -> None:
    """As pip does."""
    index.publish("wild", wheel("wild", "1.0", requires_python=">= '2.7'")._replace(requires_python=None))

    assert locked(workspace, "wild") == {"wild": "1.0"}


def test_a_malformed_dependency_line_excludes_its_release(workspace: Workspace, index: LoopbackIndex) -> None:
    """A release whose needs cannot be read is not chosen while another can be."""
    index.publish("wild", wheel("wild", "1.0", ["lib"]), wheel("wild", "2.0", ["lib >=>= 1"]))

    assert locked(workspace, "wild")["wild"] == "1.0"


def test_a_page_of_nonsense_is_one_clear_error(workspace: Workspace, index: LoopbackIndex) -> None:
    """JSON is promised, and something else comes."""
    index._projects["wild"] = Page(b'{"files": "none today"')

    check_refused(workspace, workspace.lock("wild"), 5, "wild")


@BOTH
def test_a_wrong_content_type_is_read_for_what_it_is(
    workspace: Workspace, index: LoopbackIndex, transport: str
) -> None:
    """Servers of static files mislabel; JSON and HTML cannot be mistaken for one another."""
    index.flavour = MODERN._replace(content_type="image/png")

    assert locked(workspace, "app", flags=["--transport", transport]) == CHAIN


def test_a_sign_in_page_is_one_clear_error(workspace: Workspace, index: LoopbackIndex) -> None:
    """Status 200, and no index: it must not be taken for a project without files."""
    index._projects["app"] = Page(b"<html><form action='login'><input name='user'></form></html>", "text/html")

    check_refused(workspace, workspace.lock("app"), 5, "app")


@pytest.mark.parametrize(("status", "code", "words"), [(404, 1, "no index has"), (403, 5, "403"), (401, 5, "401")])
def test_missing_is_not_the_same_as_refused(
    workspace: Workspace, index: LoopbackIndex, status: int, code: int, words: str
) -> None:
    """404: there is no such project. 401 and 403: the index will not say."""
    index.flavour = MODERN._replace(missing_status=status)

    check_refused(workspace, workspace.lock("app", "ghost"), code, "ghost", words, "r.txt:2")


@BOTH
@pytest.mark.parametrize("status", [401, 403])
def test_nothing_older_stands_in_for_a_refusal(
    workspace: Workspace, index: LoopbackIndex, status: int, transport: str
) -> None:
    """An index that would not answer us is no index that is down: credentials that ran out must not go unnoticed."""
    assert locked(workspace, "app") == CHAIN
    before = workspace.read("pylock.toml")
    index.fail("/simple/*", times=99, status=status)

    ran = workspace.run("lock", "r.txt", "--refresh", "--transport", transport)

    assert ran.code == 5, ran.err
    for words in (f"the index answered {status}", "credentials", "(r.txt:1)"):
        assert words in ran.err
    assert workspace.run("lock", "r.txt", "--offline").code == 0
    assert workspace.read("pylock.toml") == before


def test_a_refusal_is_not_stored_as_absence(workspace: Workspace, index: LoopbackIndex) -> None:
    """What an index hides today may be there tomorrow."""
    index.flavour = MODERN._replace(missing_status=403)
    workspace.lock("late")
    index.publish("late", wheel("late", "1.0"))

    assert locked(workspace, "late") == {"late": "1.0"}


@BOTH
def test_credentials_in_the_url_open_a_private_index(
    workspace: Workspace, index: LoopbackIndex, transport: str
) -> None:
    """They are used, and appear in no output."""
    index.flavour = MODERN._replace(auth=("me", "s3cret"))
    url = index.url.replace("http://", "http://me:s3cret@")

    pins = locked(workspace, "app", flags=["--index-url", url, "--transport", transport])

    assert pins == CHAIN
    assert b"s3cret" not in workspace.read("pylock.toml")
    assert not any(b"s3cret" in path.read_bytes() for path in workspace.mirror.rglob("*") if path.is_file())


def test_several_indexes_the_first_that_has_a_project_answers(workspace: Workspace, index: LoopbackIndex) -> None:
    """No newer release of an extra index replaces one of the first (dependency confusion)."""
    extra = {"app": [wheel("app", "9.0", ["evil"])], "other": [wheel("other", "1.0", ["app"])]}
    with LoopbackIndex(extra, HTML_ONLY) as second:
        pins = locked(workspace, "app", "other", flags=["--extra-index-url", second.url])
        homes = {"app": index.url, "base": index.url, "lib": index.url, "other": second.url}

    assert pins == {**CHAIN, "other": "1.0"}
    assert {package["name"]: f"{package['index']}/" for package in workspace.packages()} == homes


def test_an_index_that_cannot_answer_is_not_skipped(workspace: Workspace, index: LoopbackIndex) -> None:
    """Only "no such project" leads on to the next index: a fault of the first must not let the second answer for it."""
    index.fail("/simple/app/", times=99, status=500)
    with LoopbackIndex({"app": [wheel("app", "9.0")]}) as second:
        ran = workspace.lock("app", flags=["--extra-index-url", second.url, "--retries", "0"])

    check_refused(workspace, ran, 5, "app", "500")


def test_the_lock_holds_the_files_with_their_hashes(workspace: Workspace, index: LoopbackIndex) -> None:
    """Every file that the target may install, as the index lists it."""
    index.publish("many", sdist("many", "1.0"), wheel("many", "1.0"), wheel("many", "1.0", tags="cp27-none-win32"))

    locked(workspace, "many")

    (package,) = workspace.packages()
    files = [*package["wheels"], package["sdist"]]
    assert [(file["url"].rpartition("/")[2], file["hashes"]["sha256"]) for file in files] == [
        (dist.filename, dist.sha256) for dist in (wheel("many", "1.0"), sdist("many", "1.0"))
    ]


@pytest.mark.parametrize(
    "torn",
    [
        pytest.param(wheel("torn", "1.0")._replace(listed_sidecar_sha256="0" * 64), id="sidecar"),
        pytest.param(wheel("torn", "1.0")._replace(listed_sha256="0" * 64, sidecar="none"), id="wheel"),
        pytest.param(sdist("torn", "1.0")._replace(listed_sha256="0" * 64), id="sdist"),
    ],
)
def test_a_wrong_hash_where_nothing_else_answers_is_6(workspace: Workspace, index: LoopbackIndex, torn: Dist) -> None:
    """Nothing that fails its hash is believed."""
    index.publish("torn", torn)
    if torn.listed_sha256 is None:
        index.fail(f"*/{torn.filename}", times=99, status=404)

    check_refused(workspace, workspace.lock("torn", "app"), 6, "torn", "sha256")


def test_a_wrong_hash_of_a_sidecar_is_skipped_where_the_wheel_answers(
    workspace: Workspace, index: LoopbackIndex
) -> None:
    """The next strategy is used, with a warning; the content of the wrong sidecar is ignored."""
    wrong = wheel("torn", "1.0", ["evil"])
    honest = wheel("torn", "1.0", ["lib"])
    index.publish("torn", honest._replace(metadata=wrong.metadata, listed_sidecar_sha256="0" * 64))

    ran = workspace.lock("torn")

    assert (ran.code, workspace.pins()) == (0, {"base": "1.0", "lib": "2.0", "torn": "1.0"})
    assert "warning: metadata of torn-1.0-py3-none-any.whl: its sha256 differs" in ran.err
