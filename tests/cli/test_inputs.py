"""Inputs that other lists and locks are made of: files at a URL, and our own locks as constraints and requirements."""

from __future__ import annotations

import threading
from collections.abc import Iterator
from functools import partial
from http.server import SimpleHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path

import pytest

from tests.cli.conftest import Run
from tests.support.index_server import LoopbackIndex


class _Quiet(SimpleHTTPRequestHandler):
    def log_message(self, format: str, *args: object) -> None:  # noqa: A002 - http.server's name
        """Say nothing."""


@pytest.fixture
def site(tmp_path: Path) -> Iterator[tuple[str, Path]]:
    """Serve a folder; yield its URL and path."""
    folder = tmp_path / "www"
    folder.mkdir()
    server = ThreadingHTTPServer(("127.0.0.1", 0), partial(_Quiet, directory=str(folder)))
    threading.Thread(target=server.serve_forever, daemon=True).start()
    yield f"http://127.0.0.1:{server.server_address[1]}", folder
    server.shutdown()
    server.server_close()


def test_constraints_and_requirements_are_read_at_a_url(home: Path, run: Run, site: tuple[str, Path]) -> None:
    """In a file, as -r and -c, and as a source; a relative path in one counts from its URL."""
    url, folder = site
    (folder / "c.txt").write_text("lib<2\n", encoding="utf-8")
    (folder / "r.txt").write_text("-r sub/more.txt\n", encoding="utf-8")
    (folder / "sub").mkdir()
    (folder / "sub" / "more.txt").write_text("app\n", encoding="utf-8")
    (home / "r.in").write_text(f"-c {url}/c.txt\n-r {url}/r.txt\n", encoding="utf-8")

    outputs = [
        run("lock", "r.in", "-o", "-", "--no-hashes"),
        run("lock", "-r", f"{url}/r.txt", "-c", f"{url}/c.txt", "-o", "-", "--no-hashes"),
        run("lock", f"{url}/r.txt", "-c", f"{url}/c.txt", "--no-hashes"),
    ]

    for ran in outputs:
        assert ran.code == 0, ran.err
        assert "app==2.0" in ran.out
        assert "lib==1.0" in ran.out


def test_a_text_at_a_url_is_there_offline(home: Path, run: Run, site: tuple[str, Path]) -> None:
    """It is kept in the mirror; one that is not is named, with exit code 4, and one that does not exist with 1."""
    url, folder = site
    (folder / "c.txt").write_text("lib<2\n", encoding="utf-8")
    (home / "r.in").write_text(f"-c {url}/c.txt\nlib\n", encoding="utf-8")
    (home / "other.in").write_text(f"-c {url}/other.txt\nlib\n", encoding="utf-8")

    online = run("lock", "r.in", "-o", "r.txt", "--no-hashes")
    gone = run("lock", "other.in", "-o", "o.txt")
    (folder / "c.txt").unlink()
    offline = run("lock", "r.in", "-o", "r.txt", "--no-hashes", "--offline")
    lacking = run("lock", "other.in", "-o", "o.txt", "--offline")

    assert [ran.code for ran in (online, gone, offline, lacking)] == [0, 1, 0, 4]
    assert "/other.txt: there is no such file" in gone.err
    assert "/other.txt: not in the mirror, and offline" in lacking.err


@pytest.mark.parametrize("hashes", [(), ("--no-hashes",)])
@pytest.mark.parametrize("word", ["-c", "-r"])
def test_lists_are_layered_on_our_own_locks(home: Path, run: Run, hashes: tuple[str, ...], word: str) -> None:
    """With hashes beside lines without, and with extras in constraints; the new lock has a hash for everything."""
    (home / "base.in").write_text("app[none]\nlib<2\n", encoding="utf-8")
    assert run("lock", "base.in", "-o", "base.txt", *hashes).code == 0
    (home / "dev.in").write_text(f"{word} base.txt\napp\npicky\n", encoding="utf-8")

    ran = run("lock", "dev.in", "-o", "dev.txt")

    text = Path("dev.txt").read_text(encoding="utf-8")
    assert ran.code == 0, ran.err
    assert "app" in text
    assert "lib==1.0" in text
    assert text.count("--hash=sha256:") >= 3
    assert "NO HASH" not in text


def test_variables_of_index_urls_are_kept(
    home: Path, run: Run, index: LoopbackIndex, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Whoever has the same variables can install from the lock; their values are in no output and no record."""
    host = index.url.removeprefix("http://")
    secrets = {"INDEX_USER": "someb0dy", "INDEX_TOKEN": "s3krit+token"}
    for name, value in secrets.items():
        monkeypatch.setenv(name, value)
    urls = [
        "http://${INDEX_USER}:${INDEX_TOKEN}@" + host,
        "http://name:${INDEX_TOKEN}@" + host,
        "http://${INDEX_TOKEN}@" + host,
        "http://${INDEX_USER}:pl4in@" + host,
    ]

    for number, url in enumerate(urls):
        (home / "r.in").write_text(f"--index-url {url}\n--extra-index-url {url}more/\napp\n", encoding="utf-8")
        outputs = [f"{number}.txt", f"pylock.{number}.toml", f"{number}.sh", f"{number}.json"]
        ran = run("lock", "r.in", *[word for name in outputs for word in ("-o", name)])

        assert ran.code == 0, ran.err
        shown = url if "pl4in" not in url else f"http://{host}"
        assert f"--index-url {shown}\n" in (home / outputs[0]).read_text(encoding="utf-8")
        assert f"--extra-index-url {shown}more/\n" in (home / outputs[0]).read_text(encoding="utf-8")
        paths = [*(home / name for name in outputs), *[path for path in home.parent.rglob("*") if path.is_file()]]
        written = b"".join(path.read_bytes() for path in paths if path.name != "r.in")
        assert [value for value in (*secrets.values(), "pl4in") if value.encode() in written] == []
        assert run("lock", "r.in", "-o", outputs[0], "--check").code == 0
