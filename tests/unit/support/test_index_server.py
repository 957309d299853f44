"""The test index is what the tests take it for."""

from __future__ import annotations

import hashlib
import json
import os
import subprocess
import sys
import urllib.error
import urllib.request
import zipfile
from io import BytesIO
from pathlib import Path

import pytest

from tests.support.demo_index import demo_projects
from tests.support.dists import Dist, sdist, wheel
from tests.support.index_pages import BARE, HTML_ONLY, JSON_TYPE, MODERN, SPARSE_JSON, Flavour, Page
from tests.support.index_server import LoopbackIndex

SIX = wheel("six", "1.0", requires_python=">=3.8")
ISOLATED = {**os.environ, "PIP_CONFIG_FILE": os.devnull, "PIP_FIND_LINKS": "", "PIP_NO_INPUT": "1"}


def get(url: str, **headers: str) -> tuple[int, dict[str, str], bytes]:
    """Make one request; return (status, headers in lower case, body)."""
    request = urllib.request.Request(url, headers={name.replace("_", "-"): value for name, value in headers.items()})
    try:
        with urllib.request.urlopen(request, timeout=5) as response:
            return response.status, {key.lower(): value for key, value in response.headers.items()}, response.read()
    except urllib.error.HTTPError as error:
        with error:
            return error.code, {key.lower(): value for key, value in error.headers.items()}, error.read()


def test_builders_are_deterministic() -> None:
    """Same arguments, same bytes, so hashes can be written down."""
    assert wheel("a", "1", ["b"], padding=100) == wheel("a", "1", ["b"], padding=100)
    assert sdist("a", "1", ["b"]) == sdist("a", "1", ["b"])
    assert hashlib.sha256(sdist("a", "1").body).hexdigest() == sdist("a", "1").sha256


def test_a_wheel_s_record_lists_what_is_in_it() -> None:
    """PEP 376: every file with its hash."""
    with zipfile.ZipFile(BytesIO(SIX.body)) as archive:
        recorded = [line.split(",")[0] for line in archive.read("six-1.0.dist-info/RECORD").decode().splitlines()]

        assert recorded == archive.namelist()


@pytest.mark.parametrize(
    ("flavour", "accept", "content_type"),
    [
        (MODERN, JSON_TYPE, JSON_TYPE),
        (MODERN, "text/html", "text/html; charset=utf-8"),
        (HTML_ONLY, f"{JSON_TYPE}, text/html;q=0.1", "text/html; charset=utf-8"),
        (MODERN._replace(content_type="text/plain"), JSON_TYPE, "text/plain"),
    ],
)
def test_the_format_is_negotiated(flavour: Flavour, accept: str, content_type: str) -> None:
    """JSON where it is asked for and had."""
    with LoopbackIndex({"six": [SIX]}, flavour) as index:
        status, headers, _ = get(f"{index.url}six/", Accept=accept)

    assert (status, headers["content-type"]) == (200, content_type)


def test_json_carries_what_the_flavour_says() -> None:
    """PEP 691, 700 and 714; 1.0 has neither sizes nor times nor versions."""
    with LoopbackIndex({"six": [SIX]}) as index:
        whole = json.loads(get(f"{index.url}six/", Accept=JSON_TYPE)[2])
        index.flavour = MODERN._replace(api="1.0", sidecars="none", hashes=False)
        bare = json.loads(get(f"{index.url}six/", Accept=JSON_TYPE)[2])

    sidecar = {"sha256": hashlib.sha256(SIX.metadata or b"").hexdigest()}
    assert whole["files"][0] == {
        "filename": SIX.filename,
        "url": f"{index.root}/files/six/{SIX.filename}",
        "hashes": {"sha256": SIX.sha256},
        "requires-python": ">=3.8",
        "yanked": False,
        "size": len(SIX.body),
        "upload-time": "2024-01-01T00:00:00.000000Z",
        "core-metadata": sidecar,
        "data-dist-info-metadata": sidecar,
    }
    assert bare["files"][0].keys() == {"filename", "url", "hashes", "requires-python", "yanked"}


@pytest.mark.parametrize(
    ("flavour", "dist", "status"),
    [
        (MODERN, SIX, 200),
        (SPARSE_JSON, SIX, 200),
        (BARE, SIX, 404),
        (MODERN, SIX._replace(sidecar="none"), 404),
        (BARE, SIX._replace(sidecar="silent"), 200),
    ],
)
def test_sidecars_are_served_where_the_flavour_or_the_file_says(flavour: Flavour, dist: Dist, status: int) -> None:
    """Also those that no page advertises."""
    with LoopbackIndex({"six": [dist]}, flavour) as index:
        assert get(f"{index.root}/files/six/{SIX.filename}.metadata")[0] == status


@pytest.mark.parametrize(
    ("ranges", "asked", "status", "length"),
    [
        ("yes", "bytes=0-9", 206, 10),
        ("yes", "bytes=-5", 206, 5),
        ("yes", "bytes=10-", 206, len(SIX.body) - 10),
        ("yes", "bytes=99999999-", 416, 0),
        ("no-suffix", "bytes=-5", 416, 0),
        ("no-suffix", "bytes=0-9", 206, 10),
        ("ignore", "bytes=0-9", 200, len(SIX.body)),
        ("refuse", "bytes=0-9", 416, 0),
    ],
)
def test_ranges_are_what_the_flavour_says(ranges: str, asked: str, status: int, length: int) -> None:
    """RFC 9110, and the ways of not following it."""
    with LoopbackIndex({"six": [SIX]}, MODERN._replace(ranges=ranges)) as index:
        answer = get(f"{index.root}/files/six/{SIX.filename}", Range=asked)

    assert (answer[0], len(answer[2])) == (status, length)


def test_an_unchanged_page_is_304() -> None:
    """By its ETag, or by its date."""
    with LoopbackIndex({"six": [SIX]}, MODERN._replace(last_modified=True)) as index:
        headers = get(f"{index.url}six/")[1]

        assert get(f"{index.url}six/", If_None_Match=headers["etag"])[0] == 304
        assert get(f"{index.url}six/", If_Modified_Since=headers["last-modified"])[0] == 304
        index.publish("six", wheel("six", "2.0"))
        assert get(f"{index.url}six/", If_None_Match=headers["etag"])[0] == 200


def test_names_are_normalised_by_redirect_and_absence_has_its_status() -> None:
    """PEP 503."""
    with LoopbackIndex({"My.Project": [SIX]}, MODERN._replace(missing_status=403)) as index:
        assert get(f"{index.url}My_Project/")[0] == 200
        assert get(f"{index.url}nothing/")[0] == 403
        index.withdraw("my-project")
        assert get(f"{index.url}my-project/")[0] == 403
        assert index.paths("*my-project/") == ["/simple/my-project/"] * 2


def test_faults_are_counted_and_recorded() -> None:
    """Twice 503, then good."""
    with LoopbackIndex({"six": [SIX]}) as index:
        index.fail("/simple/*", status=503, retry_after="1", times=2)
        answers = [get(f"{index.url}six/") for _ in range(3)]

        assert [answer[0] for answer in answers] == [503, 503, 200]
        assert answers[0][1]["retry-after"] == "1"
        assert [seen.status for seen in index.requests_seen] == [503, 503, 200]


def test_a_page_can_be_given_as_bytes() -> None:
    """For what no honest index would say."""
    with LoopbackIndex({"six": Page(b"{broken", "application/json")}) as index:
        assert get(f"{index.url}six/")[2] == b"{broken"


def test_the_project_list_names_all() -> None:
    """PEP 691 and PEP 503."""
    with LoopbackIndex({"B_x": [SIX], "a": [SIX]}) as index:
        assert json.loads(get(index.url, Accept=JSON_TYPE)[2])["projects"] == [{"name": "a"}, {"name": "b-x"}]
        assert b'<a href="b-x/">' in get(index.url, Accept="text/html")[2]


def test_it_runs_as_a_script() -> None:
    """It prints its URL and serves until it is stopped."""
    script = Path(__file__).parents[2] / "support" / "index_server.py"
    command = [sys.executable, str(script), "--flavour", "html", "--auth", "me:secret"]
    with subprocess.Popen(command, stdout=subprocess.PIPE, text=True, env=ISOLATED) as process:
        try:
            assert process.stdout is not None
            assert get(f"{process.stdout.readline().strip()}app/")[0] == 401
        finally:
            process.terminate()


@pytest.mark.tools
@pytest.mark.parametrize("flavour", [MODERN, BARE, MODERN._replace(relative_urls=True, gzip=True, redirect=True)])
def test_pip_installs_from_it(flavour: Flavour, tmp_path: Path) -> None:
    """A wheel with a script, its dependencies, and an sdist that has to be built, from nothing but this index."""
    with LoopbackIndex(demo_projects(), flavour) as index:
        command = [sys.executable, "-m", "pip", "install", "--no-cache-dir", "--disable-pip-version-check", "-q"]
        command += ["--target", str(tmp_path), "--index-url", index.url, "tool", "plain==0.2"]
        done = subprocess.run(command, env=ISOLATED, capture_output=True, text=True, check=False)

    assert done.returncode == 0, done.stderr
    assert {path.name for path in tmp_path.glob("*.dist-info")} >= {"tool-1.0.dist-info", "plain-0.2.dist-info"}
