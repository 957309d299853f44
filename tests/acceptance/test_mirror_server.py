"""``mirror serve`` as its clients see it: pip, a browser, a curl with a requirements file, and a mirror on the web."""

from __future__ import annotations

import json
import re
import socket
import subprocess
import sys
import time
import tomllib
import urllib.error
import urllib.parse
import urllib.request
from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path

import pytest

from tests.cli.test_lock import without_command
from tests.support.dists import wheel
from tests.support.index_pages import SPARSE_JSON, Page
from tests.support.index_server import LoopbackIndex
from tests.support.served import Served

pytest.importorskip("uvicorn", reason="the extra [serve] is not installed")

JSON = "application/vnd.pypi.simple.v1+json"


@pytest.fixture
def index() -> Iterator[LoopbackIndex]:
    """Serve app, which needs lib; neither has a sidecar that is advertised."""
    projects = {
        "app": [wheel("app", "1.0", ["lib"]), wheel("app", "2.0", ["lib"], {"fast": ["speed"]})],
        "lib": [wheel("lib", "1.0"), wheel("lib", "2.0")._replace(yanked="bad build")],
        "speed": [wheel("speed", "1.0")],
    }
    with LoopbackIndex(projects, SPARSE_JSON) as served:
        yield served


@pytest.fixture
def served(tmp_path: Path, index: LoopbackIndex) -> Iterator[Served]:
    """Give a server that fills itself on a miss."""
    server = Served(tmp_path, index)
    yield server
    server.stop()


def test_pages_are_the_simple_api(served: Served) -> None:
    """JSON where it is asked for, HTML else; ETag, HEAD, gzip, normalised names, a list."""
    status, headers, body = served.get("/simple/lib/", Accept=JSON)
    page = json.loads(body)
    assert (status, headers["content-type"]) == (200, JSON)
    assert page["versions"] == ["1.0", "2.0"]
    assert [file.get("yanked") for file in page["files"]] == [None, "bad build"]
    assert all(file["core-metadata"] is True and file["hashes"]["sha256"] for file in page["files"])

    assert served.get("/simple/lib/", Accept=JSON, If_None_Match=headers["etag"])[0] == 304
    assert served.get("/simple/lib/")[1]["content-type"].startswith("text/html")
    assert b'data-yanked="bad build"' in served.get("/simple/lib/")[2]
    assert served.get("/simple/lib/", Accept=JSON, Accept_Encoding="gzip")[1]["content-encoding"] == "gzip"
    assert served.get("/simple/lib/", Accept="image/png")[0] == 406
    assert served.get("/simple/Li_b/")[1]["location"] == "../li-b/"
    assert served.get("/simple/nothing-of-that-name/")[0] == 404
    head = served.ask(urllib.request.Request(served.url + "/simple/lib/", method="HEAD"))
    assert (head[0], head[2]) == (200, b"")
    assert [row["name"] for row in json.loads(served.get("/simple/", Accept=JSON)[2])["projects"]] == ["app", "lib"]


def test_files_are_the_indexes_own_and_metadata_is_made_here(served: Served, index: LoopbackIndex) -> None:
    """A redirect to the one, the needs of the other; nothing else is redirected to."""
    status, headers, _ = served.get("/files/app/app-2.0-py3-none-any.whl")
    assert (status, headers["location"]) == (302, f"{index.root}/files/app/app-2.0-py3-none-any.whl")

    status, _, body = served.get("/files/app/app-2.0-py3-none-any.whl.metadata")
    assert status == 200
    assert b"Requires-Dist: lib\n" in body
    assert b"Provides-Extra: fast\n" in body
    assert served.get("/files/app/app-9.0-py3-none-any.whl")[0] == 404
    assert served.get("/files/app/..%2f..%2fetc%2fpasswd")[0] == 404


def test_pip_installs_through_the_server(served: Served, tmp_path: Path) -> None:
    """Unmodified, into a folder."""
    done = subprocess.run(
        [sys.executable, "-m", "pip", "install", "-q", "--no-cache-dir", "--disable-pip-version-check",
         "--index-url", f"{served.url}/simple/", "--target", str(tmp_path / "site"), "app[fast]"],
        capture_output=True, text=True, check=False, env=served.environment, timeout=120,
    )  # fmt: skip

    assert done.returncode == 0, done.stderr
    installed = sorted(path.name for path in (tmp_path / "site").glob("*.dist-info"))
    assert installed == ["app-2.0.dist-info", "lib-1.0.dist-info", "speed-1.0.dist-info"]


def test_a_lock_is_served(served: Served) -> None:
    """The same pins as a lock made here; the explanation with 422; what is refused with 400."""
    status, text = served.lock(b"app\n", "?format=requirements&python=3.12&platform=linux")
    assert status == 200
    assert "app==2.0" in text
    assert "lib==1.0" in text

    status, text = served.lock(b"app\nlib>=2,<3\n")
    assert status == 422
    assert "lib" in text
    assert served.lock(b"app\n", "?format=elf")[0] == 400


@pytest.mark.parametrize(
    "query", ["python=3.11,3.12&platform=linux,windows", "target=3.11%20linux,3.12%20windows", "universal=1"]
)
def test_a_lock_for_several_targets_is_served(served: Served, query: str) -> None:
    """Its environments are those that were asked for, and both systems are among them."""
    status, text = served.lock(b"app\n", f"?{query}")

    assert status == 200
    lock = tomllib.loads(text)
    assert {system for system in ("linux", "win32") if any(system in row for row in lock["environments"])} == {
        "linux",
        "win32",
    }
    assert [package["name"] for package in lock["packages"]].count("app") == 1
    assert served.lock(b"app\n", "?universal=1&python=3.11")[0] == 400


def test_a_lock_that_would_lack_a_hash_is_refused(tmp_path: Path) -> None:
    """The server downloads nothing, so it names the file and the command that hashes it."""
    with LoopbackIndex({"app": [wheel("app", "1.0")]}, SPARSE_JSON._replace(hashes=False)) as bare:
        server = Served(tmp_path, bare)
        try:
            status, text = server.lock(b"app\n", "?format=requirements")
        finally:
            server.stop()

    assert (status, "states no sha256 of app-1.0-py3-none-any.whl" in text) == (422, True), text


HOSTILE_QUERIES = (
    "python=999999999", f"python={'9' * 5000}", f"python=3.{'9' * 5000}", "python=3.100", "python=3.10.1.1", "python=\u0663",
    "platform=macosx_99999_9_arm64", "platform=macosx_10_99999_arm64", "platform=x86_64-manylinux_2_99999999",
    "platform=x86_64-musllinux_1_99999999", f"platform=manylinux_2_{'9' * 5000}_x86_64", f"platform=win{'_' * 5000}",
    f"platform={','.join(['win_amd64'] * 5000)}", f"platform={','.join(f'x{number}-manylinux_2_99' for number in range(99))}",
    "abi=cp312", "implementation=cp", "wheel=1", "format=elf", "&".join(f"a{number}=1" for number in range(99)),
)  # fmt: skip


def test_a_query_is_refused_before_work_begins(served: Served) -> None:
    """Numbers, lists and names past their bounds, and parameters that do not exist; honest questions are answered meanwhile."""
    answers = [served.lock(b"app\n", "?" + urllib.parse.quote(query, safe="=&,")) for query in HOSTILE_QUERIES]

    assert [status for status, _ in answers] == [400] * len(HOSTILE_QUERIES)
    assert max(len(text) for _, text in answers) < 1000
    assert served.lock(b"app\n", "?python=3.12&platform=linux")[0] == 200


def test_a_project_with_a_hostile_address_is_refused_by_name(served: Served, index: LoopbackIndex) -> None:
    """A line break in a URL of its page: no connection is dropped, nothing is called a bug, and others are served."""
    entry = '{"filename": "evil-1.0-py3-none-any.whl", "url": "https://files.example/\\r\\nX: y", "hashes": {}}'
    index.publish_page("evil", Page(f'{{"files": [{entry}]}}'.encode()))

    for path in ("/simple/evil/", "/files/evil/evil-1.0-py3-none-any.whl"):
        status, headers, body = served.get(path)
        assert (status, "x" in headers, b"evil" in body) == (503, False, True)
    assert served.get("/simple/app/")[0] == 200
    assert "internal error" not in served.stop()


def test_clients_that_send_nothing_displace_nobody(served: Served) -> None:
    """Half-sent headers and connections that are kept open: honest clients are answered, and slow ones closed."""
    host, _, port = served.url.removeprefix("http://").partition(":")
    slow = [socket.create_connection((host, int(port)), 30) for _ in range(500)]
    idle = [socket.create_connection((host, int(port)), 30) for _ in range(300)]
    try:
        for connection in slow:
            connection.sendall(b"GET /simple/app/ HTTP/1.1\r\nHost: a\r\nX-Slow: ")
        for connection in idle:
            connection.sendall(b"GET /healthz HTTP/1.1\r\nHost: a\r\n\r\n")
            assert connection.recv(12) == b"HTTP/1.1 200"

        assert served.get("/healthz")[0] == served.get("/simple/app/")[0] == served.get("/metrics")[0] == 200
        assert served.lock(b"app\n")[0] == 200
        assert [connection.recv(1) for connection in slow[:5]] == [b""] * 5
    finally:
        for connection in [*slow, *idle]:
            connection.close()


def test_a_solve_gives_its_turn_back_at_its_limit(tmp_path: Path, index: LoopbackIndex) -> None:
    """A solve that hangs between two decisions is ended, and health and figures are reported meanwhile."""
    index.publish("slow", wheel("slow", "1.0"))
    index.fail("/simple/slow/", "hang", times=9, seconds=60)
    server = Served(tmp_path, index, "--max-seconds", "8", "--max-solves", "1")
    try:
        with ThreadPoolExecutor(1) as pool:
            hanging = pool.submit(server.lock, b"slow\n")
            time.sleep(1)
            assert server.get("/healthz")[0] == server.get("/metrics")[0] == 200
            assert hanging.result()[0] == 504
        assert server.lock(b"app\n")[0] == 200
    finally:
        server.stop()


@pytest.mark.parametrize(
    "body",
    [
        b"-r /etc/passwd\n", b"--index-url http://127.0.0.1:1/\napp\n", b"--find-links /tmp\napp\n", b"-e .\n", b"./app\n",
        b"app @ file:///etc/passwd\n", b"app @ http://127.0.0.1:1/app-1.0-py3-none-any.whl\n", b"-c http://127.0.0.1:1/c\n",
        b"${HOME}\n", b"\xff\xfe\x00",
    ],
)  # fmt: skip
def test_a_client_without_a_token_can_name_projects_and_nothing_else(served: Served, body: bytes) -> None:
    """No file of the machine, no address of its network."""
    status, text = served.lock(body)

    assert status == 400, text
    assert "root:" not in text


def test_many_clients_get_the_same_answer(served: Served) -> None:
    """At once, with different questions among them."""
    bodies = [b"app\n", b"app<2\n", b"lib\n", b"app[fast]\n"] * 8
    with ThreadPoolExecutor(32) as pool:
        answers = list(pool.map(served.lock, bodies))

    assert all(status == 200 for status, _ in answers)
    assert len(set(answers)) == 4


def test_a_lock_follows_the_mirror_when_another_process_fills_it(tmp_path: Path, index: LoopbackIndex) -> None:
    """An answer is given again only while everything that it was made of is still the same, offline too."""
    server = Served(tmp_path, index, "--offline")
    try:
        before = [server.lock(b"app\n") for _ in range(3)]
        index.publish("app", wheel("app", "3.0", ["lib"]))
        assert server.run("mirror", "warm", "--packages", "app", "--refresh").returncode == 0
        after = [server.lock(b"app\n") for _ in range(3)]
    finally:
        server.stop()

    assert len(set(before)) == len(set(after)) == 1
    assert 'version = "2.0"' in before[0][1]
    assert 'version = "3.0"' in after[0][1]


def test_bounds_and_token(tmp_path: Path, index: LoopbackIndex) -> None:
    """A large body is refused; without the token nothing but the health is reported; the log holds no secret."""
    server = Served(tmp_path, index, "--max-body", "100", token="s3cr3t")  # noqa: S106 - the test's own
    try:
        assert server.get("/healthz")[0] == 200
        assert server.get("/simple/lib/")[0] == 401
        assert server.get("/metrics", Authorization="Bearer wrong")[0] == 401
        assert server.get("/simple/lib/", Authorization="Bearer s3cr3t")[0] == 200
        assert server.lock(b"app\n" + b"#" * 200, Authorization="Bearer s3cr3t")[0] == 413
        assert server.get("/simple/lib/?key=s3cr3t", Authorization="Basic dXNlcjpzM2NyM3Q=")[0] == 200
        metrics = server.get("/metrics", Authorization="Bearer s3cr3t")[2].decode()
        assert 'mirror_requests_total{route="simple",status="401"} 1' in metrics
        names = {line.partition("{")[0].partition(" ")[0] for line in metrics.splitlines() if not line.startswith("#")}
        families = {re.sub(r"_(bucket|sum|count)$", "", name) for name in names}
        for word in ("HELP", "TYPE"):
            assert families <= {line.split()[2] for line in metrics.splitlines() if line.startswith(f"# {word} ")}
    finally:
        log = server.stop()
    assert "GET /simple/lib/ 200" in log
    assert "s3cr3t" not in log


def test_an_empty_machine_locks_from_the_server_in_a_few_requests(served: Served, index: LoopbackIndex) -> None:
    """The same bytes as locally, and nothing is asked of the index."""
    assert served.run("lock", "--packages", "app", "-o", "pylock.toml").returncode == 0
    before = len(index.requests_seen)

    done = served.run("lock", "--packages", "app", "-o", "pylock.web.toml", "--mirror", served.url)

    assert done.returncode == 0, done.stderr
    assert without_command(served.folder / "pylock.web.toml") == without_command(served.folder / "pylock.toml")
    assert len(index.requests_seen) == before
    log = served.stop()
    assert log.count("GET /records") <= 3


def test_offline_a_server_fills_nothing(tmp_path: Path, index: LoopbackIndex) -> None:
    """What is not in the mirror is not there; sidecars are advertised of what is known."""
    server = Served(tmp_path, index, "--offline")
    try:
        before = len(index.requests_seen)
        assert server.get("/simple/speed/")[0] == 404
        files = json.loads(server.get("/simple/app/", Accept=JSON)[2])["files"]
        assert [file.get("core-metadata", False) for file in files] == [False, True]
        assert len(index.requests_seen) == before
    finally:
        server.stop()


def test_a_server_answers_after_its_index_has_gone(served: Served, index: LoopbackIndex) -> None:
    """Stale pages are answered at once; a project that is not available is an error of the index, not a crash."""
    index.fail("*", times=1000)

    assert served.get("/simple/lib/")[0] == 200
    assert served.get("/simple/speed/")[0] == 502
    assert served.lock(b"app\n")[0] == 200
    time.sleep(0.1)
    assert served.get("/healthz")[0] == 200
