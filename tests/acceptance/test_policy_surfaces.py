"""Each rule of a policy on each surface: what it refuses is on none of them."""

from __future__ import annotations

import json
import zipfile
from collections.abc import Iterator
from datetime import UTC, datetime, timedelta
from pathlib import Path

import pytest

from tests.support.dists import Dist, sdist, wheel
from tests.support.index_pages import MODERN
from tests.support.index_server import LoopbackIndex
from tests.support.served import Served

pytest.importorskip("uvicorn", reason="the extra [serve] is not installed")

JSON = "application/vnd.pypi.simple.v1+json"

# Rule: the project whose release 2.0 it refuses, and its options.
RULES = {
    "uploaded-prior-to": ("cool", "--uploaded-prior-to", "P7D"),
    "uploaded-prior-to, no time": ("undated", "--uploaded-prior-to", "P7D"),
    "yanked": ("yank", "--yanked", "refuse"),
    "deny": ("other", "--deny-project", "oth*"),
    "allow": ("other", "--allow-project", "cool"),
    "minimum-project-age": ("fresh", "--minimum-project-age", "P30D"),
    "status": ("old", "--project-status", "archived=refuse"),
    "only-binary": ("source", "--only-binary", ":all:"),
    "provenance": ("proven", "--provenance", "no-downgrade"),
    "advisories": ("holed", "--advisories", "refuse"),
    "only-from": ("other", "--only-from", "other=https://own.example/simple"),
    "licences": ("free", "--deny-licence", "GPL-*"),
}


def _ago(dist: Dist, days: float, **more: object) -> Dist:
    uploaded = (datetime.now(UTC) - timedelta(days=days)).strftime("%Y-%m-%dT%H:%M:%SZ")
    return dist._replace(upload_time=uploaded, **more)  # type: ignore[arg-type]  # the fields of a Dist


def _projects() -> dict[str, list[Dist]]:
    newest = {
        "cool": _ago(wheel("cool", "2.0"), 3),
        "undated": wheel("undated", "2.0")._replace(upload_time=None),
        "yank": _ago(wheel("yank", "2.0"), 90, yanked="bad build"),
        "other": _ago(wheel("other", "2.0"), 90),
        "old": _ago(wheel("old", "2.0"), 90),
        "source": _ago(sdist("source", "2.0"), 90),
        "proven": _ago(wheel("proven", "2.0"), 90),
        "holed": _ago(wheel("holed", "2.0"), 90),
        "free": _ago(wheel("free", "2.0", headers=["License-Expression: GPL-3.0-only"]), 90),
    }
    projects = {}
    for name, dist in newest.items():
        proof = {"provenance": "https://index.example/proof"} if name == "proven" else {}
        older = wheel(name, "1.0", headers=["License-Expression: MIT"])
        projects[name] = [_ago(older, 400, **proof), dist]
    return {**projects, "fresh": [_ago(wheel("fresh", "2.0"), 10)]}


@pytest.fixture(scope="module")
def index() -> Iterator[LoopbackIndex]:
    """Serve a project for each rule."""
    with LoopbackIndex(_projects(), MODERN._replace(statuses={"old": "archived"})) as served:
        yield served


@pytest.fixture(scope="module")
def free(tmp_path_factory: pytest.TempPathFactory, index: LoopbackIndex) -> Iterator[Served]:
    """Serve without a policy a mirror that has all releases, their METADATA and an advisory."""
    home = tmp_path_factory.mktemp("surfaces")
    ranges = [{"type": "ECOSYSTEM", "events": [{"introduced": "2.0"}]}]
    package = {"ecosystem": "PyPI", "name": "holed"}
    advisory = {"id": "GHSA-1", "summary": "A hole", "affected": [{"package": package, "ranges": ranges}]}
    with zipfile.ZipFile(home / "all.zip", "w") as archive:
        archive.writestr("GHSA-1.json", json.dumps(advisory))
    served = Served(home, index, warm=())
    try:
        assert served.run("mirror", "advisories", "update", "all.zip").returncode == 0
        for requirements in ([f"{name}==2.0" for name in _projects()], list(_projects())):
            ran = served.run("mirror", "warm", "--packages", ",".join(requirements))
            assert ran.returncode == 0, ran.stderr
        yield served
    finally:
        served.stop()


@pytest.fixture(params=RULES)
def rule(request: pytest.FixtureRequest) -> tuple[str, ...]:
    """Give the project whose release 2.0 a rule refuses, and the options of the rule."""
    return RULES[request.param]


@pytest.fixture
def server(free: Served, index: LoopbackIndex, rule: tuple[str, ...]) -> Iterator[Served]:
    """Serve with the rule."""
    served = Served(free.folder, index, *rule[1:], warm=())
    yield served
    served.stop()


def test_no_command_chooses_it(free: Served, rule: tuple[str, ...], tmp_path: Path) -> None:
    """Commands that resolve end with exit code 1, a check of a lock that has it with 7; explain names the rule."""
    name, *policy = rule
    pin = f"{name}==2.0"
    bundle, lock, source = tmp_path / "b.zip", tmp_path / "pylock.toml", tmp_path / "requirements.in"
    for command in (["resolve"], ["bundle", "-o", str(bundle)], ["mirror", "warm"]):
        ran = free.run(*command, "--packages", pin, *policy)
        assert (command, ran.returncode, ran.stdout) == (command, 1, ""), ran.stderr
    assert not bundle.exists()

    source.write_text(f"{pin}\n")
    assert free.run("lock", str(source), "-o", str(lock)).returncode == 0
    ran = free.run("lock", str(source), "-o", str(lock), "--check", *policy)
    assert (ran.returncode, ran.stderr.count("error:")) == (7, 1), ran.stderr
    assert pin in lock.read_text().replace('"\nversion = "', "==")
    assert "refused by" in free.run("policy", "explain", pin, *policy).stdout


def test_nothing_that_is_given_away_has_it(free: Served, rule: tuple[str, ...], tmp_path: Path) -> None:
    """A published folder, its pages and its records, and an exported file."""
    name, *policy = rule
    published, exported = tmp_path / "out", tmp_path / "mirror.zst"
    assert free.run("mirror", "publish", str(published), *policy).returncode == 0
    assert free.run("mirror", "export", str(exported), *policy).returncode == 0

    pages = [path.read_bytes() for path in published.glob(f"simple/{name}/*") if path.is_file()]
    assert [page for page in pages if f"{name}-2.0".encode() in page] == []
    for mirror in (published, exported):
        ran = free.run("lock", "--mirror", str(mirror), "--offline", "--packages", f"{name}==2.0", "-o", "-")
        assert ran.returncode in {1, 4}, ran.stderr


def test_no_route_of_the_server_has_it(server: Served, rule: tuple[str, ...]) -> None:
    """Pages as JSON and HTML, the file, its metadata, locks, and records in bulk."""
    name = rule[0]
    file = f"/files/{name}/{name}-2.0" + (".tar.gz" if name == "source" else "-py3-none-any.whl")

    for accept in (JSON, "text/html"):
        assert f"{name}-2.0".encode() not in server.get(f"/simple/{name}/", Accept=accept)[2]
    assert [server.get(file + suffix)[0] in {403, 404} for suffix in ("", ".metadata")] == [True, True]
    assert server.lock(f"{name}==2.0\n".encode())[0] == 422
    ran = server.run("lock", "--mirror", server.url, "--packages", f"{name}==2.0", "-o", "-")
    assert ran.returncode in {1, 4}, ran.stderr
