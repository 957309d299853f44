"""Several indexes, folders, pages and routes: where a release comes from, and which sources are reported as skipped."""

from __future__ import annotations

import hashlib
from pathlib import Path

import pytest

from tests.support.dists import Dist, sdist, wheel
from tests.support.index_pages import HTML_ONLY, HTML_TYPE, MODERN, Page
from tests.support.index_server import LoopbackIndex
from tests.support.workspace import Workspace, locked


def put(folder: Path, *dists: Dist) -> Path:
    """Lay files into a folder."""
    folder.mkdir(parents=True, exist_ok=True)
    for dist in dists:
        (folder / dist.filename).write_bytes(dist.body)
    return folder


def test_an_index_with_wrong_pages_changes_nothing_and_is_reported(workspace: Workspace, index: LoopbackIndex) -> None:
    """A higher release of the same name on a later index is ignored by default, and the user hears of it."""
    index.publish("ours", wheel("ours", "1.0"))
    with LoopbackIndex({"ours": [wheel("ours", "99.0")], "other": [wheel("other", "1.0")]}) as public:
        ran = workspace.lock("ours", "other", flags=["--extra-index-url", public.url])

        assert ran.code == 0, ran.err
        assert workspace.pins() == {"other": "1.0", "ours": "1.0"}
        assert "ours: 99.0 of " in ran.err
        assert "was ignored" in ran.err

        again = workspace.lock("ours", "other", flags=["--extra-index-url", public.url, "--offline"])

        assert "99.0" in again.err  # the mirror remembers it, too


def test_best_match_takes_the_best_of_all_and_both_hashes(workspace: Workspace, index: LoopbackIndex) -> None:
    """Pip's union: the highest release wins, and a release that both indexes have is known by the hashes of both."""
    here, there = wheel("shared", "1.0"), wheel("shared", "1.0", ["base"])
    index.publish("shared", here)
    index.publish("ours", wheel("ours", "1.0"))
    with LoopbackIndex({"shared": [there], "ours": [wheel("ours", "2.0", ["base"])]}) as second:
        workspace.write("r.txt", "shared\nours\n")
        flags = ["--extra-index-url", second.url, "--index-strategy", "best-match"]
        ran = workspace.run("lock", "r.txt", "-o", "pylock.toml", "-o", "locked.txt", *flags)

        assert ran.code == 0, ran.err
        assert workspace.pins() == {"base": "1.0", "ours": "2.0", "shared": "1.0"}
        text = workspace.read("locked.txt").decode()
        assert here.sha256 in text
        assert there.sha256 in text
        assert next(entry for entry in workspace.packages() if entry["name"] == "ours")["index"] == second.url.rstrip(
            "/"
        )
    first = workspace.read("pylock.toml")
    offline = workspace.run("lock", "r.txt", "-o", "pylock.toml", "-U", *flags, "--offline")
    assert (offline.code, workspace.read("pylock.toml")) == (0, first), offline.err


def test_best_match_looks_behind_old_releases_of_both(workspace: Workspace, index: LoopbackIndex) -> None:
    """Releases too old to be classified at once are merged when they are read."""
    index.publish(
        "long", *[wheel("long", f"1.{minor}", upload_time=f"2024-01-{minor + 1:02}T00:00:00Z") for minor in range(28)]
    )
    with LoopbackIndex({"long": [wheel("long", f"2.{minor}") for minor in range(28)]}) as second:
        flags = ["--extra-index-url", second.url, "--index-strategy", "best-match"]

        assert locked(workspace, "long<1.3", flags=flags) == {"long": "1.2"}


def test_a_route_fixes_the_index_of_a_project(workspace: Workspace, index: LoopbackIndex) -> None:
    """``[tool.pipx-parallel.sources]`` sends one project to one index, and only there."""
    index.publish("ours", wheel("ours", "9.0"))
    with LoopbackIndex({"ours": [wheel("ours", "1.0", ["lib"])], "lib": [wheel("lib", "99.0")]}) as private:
        workspace.write("pyproject.toml", f'[tool.pipx-parallel.sources]\nOurs = "{private.url}"\n')

        assert locked(workspace, "ours") == {"base": "1.0", "lib": "2.0", "ours": "1.0"}
        assert private.paths("/simple/lib/*") == []


def test_a_route_to_nothing_is_refused_with_its_place(workspace: Workspace) -> None:
    """A source that is no URL is bad usage."""
    workspace.write("pyproject.toml", "[tool.pipx-parallel.sources]\nours = 3\n")

    ran = workspace.lock("app")

    assert ran.code == 2
    assert "pyproject.toml: [tool.pipx-parallel.sources]: ours = 3 cannot be used" in ran.err


@pytest.mark.parametrize("as_url", [False, True], ids=["path", "file URL"])
def test_a_folder_of_wheels_is_enough(workspace: Workspace, tmp_path: Path, as_url: bool) -> None:
    """``--no-index --find-links`` needs no index, no mirror and no network; hashes are those of the files."""
    lib = wheel("lib", "3.0")
    folder = put(tmp_path / "wheel house", wheel("app", "2.0", ["lib"]), lib, sdist("lib", "2.0"), wheel("lib", "1.0"))
    location = folder.as_uri() if as_url else str(folder)

    assert locked(workspace, "app", flags=["--no-index", "--offline", "--find-links", location]) == {
        "app": "2.0",
        "lib": "3.0",
    }
    package = next(entry for entry in workspace.packages() if entry["name"] == "lib")
    assert package["wheels"][0]["hashes"]["sha256"] == hashlib.sha256(lib.body).hexdigest()


def test_a_folder_adds_to_the_index(workspace: Workspace, tmp_path: Path) -> None:
    """As in pip, the better release wins wherever it is; and a rebuilt file is read anew."""
    folder = put(tmp_path / "wheels", wheel("lib", "5.0"), wheel("app", "0.1"))

    assert locked(workspace, "app", flags=["-f", str(folder)]) == {"app": "2.0", "lib": "5.0"}
    put(folder, wheel("lib", "5.0", ["base"]))
    assert locked(workspace, "app", flags=["-f", str(folder)]) == {"app": "2.0", "base": "1.0", "lib": "5.0"}


def test_a_missing_folder_is_a_warning(workspace: Workspace) -> None:
    """As in pip."""
    ran = workspace.lock(
        "app",
        flags=[
            "-f",
            "/nowhere/at/all",
            "--extra-index-url",
            "file:///nowhere/simple",
            "--index-strategy",
            "best-match",
        ],
    )

    assert ran.code == 0, ran.err
    assert "/nowhere/at/all is skipped" in ran.err
    assert "file:///nowhere/simple is skipped" in ran.err
    assert workspace.pins()["app"] == "2.0"


def test_a_page_of_links_is_read_and_kept(workspace: Workspace) -> None:
    """A find-links page on the web lists files of many projects, and works offline afterwards."""
    lib = wheel("lib", "7.0")
    page = f'<a href="../../files/lib/{lib.filename}#sha256={lib.sha256}">lib</a> <a href="notes.pdf">notes</a>'
    with LoopbackIndex({"links": Page(page.encode(), HTML_TYPE), "lib": [lib]}) as site:
        flags = ["-f", f"{site.root}/simple/links/"]

        assert locked(workspace, "app", flags=flags) == {"app": "2.0", "lib": "7.0"}
        assert len(site.paths("/simple/links/")) == 1
    assert locked(workspace, "app", flags=[*flags, "--offline"]) == {"app": "2.0", "lib": "7.0"}


def test_a_page_that_is_gone_is_a_warning(workspace: Workspace, index: LoopbackIndex) -> None:
    """The indexes still answer."""
    ran = workspace.lock("app", flags=["-f", f"{index.root}/no-such-page"])

    assert ran.code == 0, ran.err
    assert "no-such-page" in ran.err


@pytest.mark.parametrize("pages", [True, False], ids=["pages", "bare folders"])
def test_a_tree_of_folders_is_an_index(workspace: Workspace, tmp_path: Path, pages: bool) -> None:
    """A ``file:`` index is read with and without pages, offline."""
    lib, app = wheel("lib", "4.0"), wheel("app", "4.0", ["lib"])
    for dist in (lib, app):
        folder = put(tmp_path / "simple" / dist.name, dist)
        if pages:
            link = f'<a href="{dist.filename}#sha256={dist.sha256}" data-requires-python="&gt;=3.8">x</a>'
            (folder / "index.html").write_text(link, encoding="utf-8")
    url = (tmp_path / "simple").as_uri()

    assert locked(workspace, "app", flags=["--index-url", url, "--offline"]) == {"app": "4.0", "lib": "4.0"}
    assert workspace.packages()[0]["index"] == url


def test_a_private_index_with_plain_pages_is_second(workspace: Workspace) -> None:
    """What the first index lacks comes from the second, whatever kind that is."""
    with LoopbackIndex({"only-there": [wheel("only-there", "1.0", ["app"])]}, HTML_ONLY) as second:
        assert locked(workspace, "only-there", flags=["--extra-index-url", second.url])["only-there"] == "1.0"
    assert MODERN.json
