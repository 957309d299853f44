"""A policy holds for every client: what it refuses cannot be listed, resolved or downloaded, by whatever way it is asked for."""

from __future__ import annotations

import json
import subprocess
import sys
from collections.abc import Iterator
from datetime import UTC, datetime, timedelta
from pathlib import Path

import pytest

from mirror.exchange.published_index import PublishedIndex
from mirror.exchange.published_shard import Shard
from tests.support.dists import Dist, wheel
from tests.support.index_server import LoopbackIndex
from tests.support.served import Served
from tests.support.workspace import Workspace

pytest.importorskip("uvicorn", reason="the extra [serve] is not installed")

JSON = "application/vnd.pypi.simple.v1+json"


def ago(days: float) -> str:
    """Return the time so many days before now, as an index states it."""
    return (datetime.now(UTC) - timedelta(days=days)).strftime("%Y-%m-%dT%H:%M:%SZ")


def day(days: float) -> str:
    """Return the day so many days after today."""
    return (datetime.now(UTC) + timedelta(days=days)).strftime("%Y-%m-%d")


def dated(name: str, version: str, days: float, **more: object) -> Dist:
    """Return a wheel that was uploaded so many days ago."""
    return wheel(name, version)._replace(upload_time=ago(days), **more)  # type: ignore[arg-type]  # the fields of a Dist


@pytest.fixture
def index() -> Iterator[LoopbackIndex]:
    """Serve app: old, a week and more, and three days old; undated states no upload times; acme-app is denied by some."""
    projects = {
        "app": [dated("app", "1.0", 400), dated("app", "2.0", 30, yanked="bad build"), dated("app", "3.0", 3)],
        "undated": [wheel("undated", "1.0")._replace(upload_time=None)],
        "acme-app": [dated("acme-app", "1.0", 400)],
    }
    with LoopbackIndex(projects) as served:
        yield served


@pytest.fixture
def workspace(tmp_path: Path, index: LoopbackIndex) -> Workspace:
    """Make a workspace whose environment names the loopback index."""
    return Workspace(tmp_path, index.url)


def pip_download(url: str, requirement: str, folder: Path) -> subprocess.CompletedProcess[str]:
    """Have an unmodified pip download a requirement from an index."""
    words = [
        "download",
        "--no-deps",
        "--no-cache-dir",
        "--disable-pip-version-check",
        "-d",
        str(folder),
        "-i",
        url,
        requirement,
    ]
    command = [sys.executable, "-m", "pip", *words]
    environment = {"PATH": "/usr/bin:/bin", "PIP_CONFIG_FILE": "/dev/null"}
    return subprocess.run(command, capture_output=True, text=True, check=False, env=environment, timeout=60)


def uv_compile(url: str, requirement: str, folder: Path) -> subprocess.CompletedProcess[str]:
    """Have an unmodified uv resolve a requirement against an index."""
    uv = Path(sys.executable).with_name("uv")
    if not uv.exists():
        pytest.skip("uv is not installed beside this Python")
    (folder / "r.in").write_text(f"{requirement}\n", encoding="utf-8")
    command = [str(uv), "pip", "compile", "--no-cache", "--no-config", "--default-index", url, "r.in"]
    environment = {"PATH": "/usr/bin:/bin", "HOME": str(folder)}
    return subprocess.run(command, capture_output=True, text=True, check=False, env=environment, cwd=folder, timeout=60)


@pytest.fixture
def served(tmp_path: Path, index: LoopbackIndex) -> Iterator[Served]:
    """Serve with a cooldown of seven days."""
    server = Served(tmp_path, index, "--uploaded-prior-to", "P7D", warm=())
    yield server
    server.stop()


def test_a_young_release_is_not_listed_resolved_or_downloaded(served: Served, tmp_path: Path) -> None:
    """JSON, HTML, the file, its metadata, records in bulk, locks, pip and uv alike."""
    page = json.loads(served.get("/simple/app/", Accept=JSON)[2])
    assert page["versions"] == ["1.0", "2.0"]
    assert [file["filename"] for file in page["files"]] == ["app-1.0-py3-none-any.whl", "app-2.0-py3-none-any.whl"]
    assert b"app-3.0" not in served.get("/simple/app/")[2]

    assert served.get("/files/app/app-1.0-py3-none-any.whl")[0] == 302
    status, _, body = served.get("/files/app/app-3.0-py3-none-any.whl")
    assert (status, b"uploaded-prior-to" in body) == (403, True)
    assert served.get("/files/app/app-3.0-py3-none-any.whl.metadata")[0] == 403

    status, lock = served.lock(b"app\n", "?format=requirements")
    assert (status, "app==1.0" in lock) == (200, True)
    status, refusal = served.lock(b"app==3.0\n")
    assert (status, "after the cutoff" in refusal) == (422, True)

    url = f"{served.url}/simple/"
    assert "app-2.0" not in pip_download(url, "app", tmp_path).stderr
    assert list(tmp_path.glob("app-1.0*.whl"))
    assert pip_download(url, "app==3.0", tmp_path).returncode == 1
    assert "app==1.0" in uv_compile(url, "app", tmp_path).stdout
    assert uv_compile(url, "app==3.0", tmp_path).returncode == 1


def test_a_mirror_on_the_web_has_what_the_server_admits(tmp_path: Path, index: LoopbackIndex) -> None:
    """Records are filtered as pages are: a client of the mirror protocol cannot lock it either."""
    served = Served(tmp_path, index, "--uploaded-prior-to", "P7D", warm=("app==1.0",))
    try:
        for requirement, code in (("app", 0), ("app==3.0", 1)):
            ran = served.run("lock", "--mirror", served.url, "--packages", requirement, "-o", "-")
            assert (ran.returncode, "app==1.0" in ran.stdout) == (code, code == 0), ran.stderr
    finally:
        served.stop()


def test_what_states_no_time_is_refused(served: Served) -> None:
    """It fails closed, with the rule's name and the way out."""
    assert json.loads(served.get("/simple/undated/", Accept=JSON)[2])["files"] == []

    status, _, body = served.get("/files/undated/undated-1.0-py3-none-any.whl")
    assert status == 403
    assert b"--uploaded-prior-to-package undated=off" in body


@pytest.mark.parametrize(("until", "listed"), [(day(1), True), (day(-2), False)])
def test_an_exception_admits_one_release_until_it_expires(
    tmp_path: Path, index: LoopbackIndex, until: str, listed: bool
) -> None:
    """From the project's table, for the server as for a lock."""
    index.publish("app", dated("app", "4.0", 2))
    (tmp_path / "pyproject.toml").write_text(
        '[tool.pipx-parallel.policy]\nuploaded-prior-to = "P7D"\n'
        f'exceptions = [{{ package = "app", version = "3.0", rules = ["uploaded-prior-to"], until = {until} }}]\n'
    )
    server = Served(tmp_path, index, warm=())
    try:
        versions = json.loads(server.get("/simple/app/", Accept=JSON)[2])["versions"]
        locked = server.run("lock", "--packages", "app", "-o", "-")
    finally:
        server.stop()

    assert versions == ["1.0", "2.0", *["3.0"] * listed]
    assert ("app==3.0" in locked.stdout) == listed, locked.stderr


def test_a_published_folder_holds_what_is_admitted(workspace: Workspace, tmp_path: Path) -> None:
    """Pages and records; the mirror itself keeps all."""
    assert workspace.run("mirror", "warm", "--packages", "app,acme-app").code == 0
    folder = tmp_path / "out"
    policy = ("--uploaded-prior-to", "P7D", "--deny-project", "acme-*", "--yanked", "refuse")

    assert workspace.run("mirror", "publish", str(folder), *policy).code == 0

    page = json.loads((folder / "simple/app/index.json").read_text())
    assert page["versions"] == ["1.0"]
    assert "app-2.0" not in (folder / "simple/app/index.html").read_text()
    index = PublishedIndex.read((folder / "index.zst").read_bytes())
    ((index_id, _),) = index.projects.items()
    row = index.row(index_id, "app")
    assert row is not None
    pack = (folder / index.packs[row.pack].path).read_bytes()
    assert b'"versions":"1.0"' in Shard.read(pack[row.offset : row.offset + row.length]).view
    assert not (folder / "simple/acme-app").exists()
    assert workspace.run("lock", "--offline", "--packages", "app==3.0", "-o", "-").code == 0


@pytest.mark.parametrize(
    ("policy", "requirement", "rule"),
    [
        (("--deny-project", "acme-*"), "acme-app", "deny"),
        (("--allow-project", "acme-*"), "app", "allow"),
        (("--only-from", "acme-*=https://own.example/simple"), "acme-app", "only-from"),
        (("--minimum-project-age", "P500D"), "app", "minimum-project-age"),
        (("--minimum-project-age", "P1D"), "undated", "minimum-project-age"),
        (("--yanked", "refuse"), "app==2.0", "yanked"),
        (("--provenance", "required"), "app", "provenance"),
        (("--advisories", "refuse"), "app", "advisories"),
        (("--uploaded-prior-to", "P7D"), "app==3.0", "cutoff"),
    ],
)
def test_a_lock_names_the_rule_that_refuses(
    workspace: Workspace, policy: tuple[str, str], requirement: str, rule: str
) -> None:
    """In the explanation, which is about this project."""
    ran = workspace.run("lock", *policy, "--packages", requirement, "-o", "-")

    assert (ran.code, ran.out) == (1, "")
    assert rule in ran.err, ran.err


def test_a_bundle_and_a_warm_mirror_keep_to_it(workspace: Workspace) -> None:
    """They resolve as a lock does."""
    for command in (("bundle", "-o", "b.zip"), ("mirror", "warm")):
        assert workspace.run(*command, "--uploaded-prior-to", "P7D", "--packages", "app==3.0").code == 1
        assert workspace.run(*command, "--uploaded-prior-to", "P7D", "--packages", "app").code == 0


def test_a_downgrade_of_provenance_is_refused_and_a_back_port_is_not(
    workspace: Workspace, index: LoopbackIndex
) -> None:
    """2.1 lacks the attestations that 2.0 had; 1.1 is a back-port to a line that never had any."""
    proof = {"provenance": "https://index.example/provenance"}
    releases = [("1.0", 400, {}), ("2.0", 300, proof), ("2.1", 100, {}), ("1.1", 50, {})]
    index.publish_page("signed", [dated("signed", version, days, **more) for version, days, more in releases])

    def locked(requirement: str, *options: str) -> str:
        ran = workspace.run("lock", "--provenance", "no-downgrade", *options, "--packages", requirement, "-o", "-")
        return ran.out + ran.err

    assert "signed==2.0" in locked("signed")
    assert "signed==1.1" in locked("signed<2")
    assert "2.0 before it had one" in locked("signed==2.1")
    assert "signed==2.1" in locked("signed", "--policy-exception", "signed==2.1 provenance")
    assert "signed==2.1" in locked("signed", "--provenance-max-age", "P90D")


def test_explain_names_the_rule_of_each_release(workspace: Workspace) -> None:
    """As text and as JSON, newest first; one release if it is named."""
    options = (
        "--uploaded-prior-to",
        "P7D",
        "--yanked",
        "refuse",
        "--policy-exception",
        f"app==2.0 yanked until {day(3)}",
    )

    ran = workspace.run("policy", "explain", "app", *options)
    newest, middle, oldest = ran.out.splitlines()
    assert newest.startswith("3.0  refused by uploaded-prior-to: it was uploaded on ")
    assert middle == f"2.0  admitted by an exception from yanked until {day(3)}: it was yanked (bad build)"
    assert oldest == "1.0  admitted"

    report = json.loads(workspace.run("policy", "explain", "app==3.0", "--format", "json", *options).out)
    assert [(row["version"], row["admitted"], row["rule"]) for row in report["releases"]] == [
        ("3.0", False, "uploaded-prior-to")
    ]
    assert workspace.run("policy", "explain", "app==9.9").code == 2
