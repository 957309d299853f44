"""Hashes of files that the index states none of, or none that pip accepts: the tool computes them, as pip-compile does."""

from __future__ import annotations

import hashlib
import json
import subprocess
import sys
from pathlib import Path

import pytest

from tests.cli.conftest import Run
from tests.support.dists import wheel
from tests.support.index_pages import Page
from tests.support.index_server import LoopbackIndex

WHEEL = wheel("bare", "1.0", ["lib"])
USELESS: dict[str, dict[str, str | None]] = {
    "none": {},
    "md5": {"md5": hashlib.md5(WHEEL.body, usedforsecurity=False).hexdigest()},
    "sha224": {"sha224": hashlib.sha224(WHEEL.body).hexdigest()},
    "blake2b": {"blake2b_256": hashlib.blake2b(WHEEL.body, digest_size=32).hexdigest()},
    "empty": {"sha256": ""},
    "null": {"sha256": None},
    "junk": {"sha256": "zzzz"},
    "unknown": {"crc32c": "00000000"},
}


def publish(index: LoopbackIndex, hashes: dict[str, str | None]) -> None:
    """List one wheel with these hashes; its bytes are served as a file of another project."""
    index.publish("store", WHEEL)
    file = {"filename": WHEEL.filename, "url": f"{index.root}/files/store/{WHEEL.filename}", "hashes": hashes}
    page = {"meta": {"api-version": "1.0"}, "name": "bare", "files": [file]}
    index.publish_page("bare", Page(json.dumps(page).encode()))


@pytest.mark.parametrize("kind", sorted(USELESS))
def test_a_file_without_a_usable_hash_is_hashed(home: Path, index: LoopbackIndex, run: Run, kind: str) -> None:
    """Every output that needs a hash has the right one, no other beside it, and pip installs from each."""
    publish(index, USELESS[kind])
    (home / "r.in").write_text("bare\n", encoding="utf-8")

    ran = run("lock", "r.in", "-o", "r.txt", "-o", "pylock.r.toml", "-o", "r.sh")

    assert ran.code == 0, ran.err
    texts = [Path(name).read_text(encoding="utf-8") for name in ("r.txt", "pylock.r.toml", "r.sh")]
    assert "hashed 1 file" in ran.err
    assert [WHEEL.sha256 in text for text in texts] == [True] * 3
    for word in ("NO HASH", "md5", "sha224", "blake2b_256", "zzzz", "crc32c"):
        assert word not in "".join(texts)


@pytest.mark.parametrize("lock", ["r.txt", "pylock.r.toml"])
def test_pip_installs_from_computed_hashes(home: Path, index: LoopbackIndex, run: Run, lock: str) -> None:
    """A hash of a kind that pip does not know stands beside a good one on the index, and not in the lock."""
    publish(index, {"blake2b_256": "0" * 64, "sha256": WHEEL.sha256})
    (home / "r.in").write_text("bare\n", encoding="utf-8")
    assert run("lock", "r.in", "-o", lock).code == 0

    pip = [sys.executable, "-m", "pip", "install", "--dry-run", "--ignore-installed", "-i", index.url, "-r", lock]
    done = subprocess.run(pip, capture_output=True, text=True, check=False)

    assert done.returncode == 0, done.stderr
    assert "bare-1.0" in done.stdout


def test_offline_a_hash_that_is_not_known_ends_the_run_before_anything_is_written(
    home: Path, index: LoopbackIndex, run: Run
) -> None:
    """With a remedy that works; a file that was downloaded once needs no network any more."""
    publish(index, {})
    (home / "r.in").write_text("bare\n", encoding="utf-8")
    assert run("lock", "r.in", "-o", "first.txt", "--no-hashes").code == 0

    refused = run("lock", "r.in", "-o", "r.sh", "--offline")
    plain = run("lock", "r.in", "-o", "plain.txt", "--offline", "--no-hashes")
    online = run("lock", "r.in", "-o", "second.txt")
    again = run("lock", "r.in", "-o", "r.sh", "--offline")

    assert [ran.code for ran in (refused, plain, online, again)] == [4, 0, 0, 0]
    assert "--no-hashes" in refused.err
    assert WHEEL.sha256 in Path("r.sh").read_text(encoding="utf-8")


def test_a_bundle_of_files_without_hashes_has_them_in_its_lock(home: Path, index: LoopbackIndex, run: Run) -> None:
    """No file of the bundle is missing in the pylock.toml beside it."""
    import zipfile

    publish(index, {})

    ran = run("bundle", "--packages", "bare", "-o", str(home / "b.zip"))

    assert ran.code == 0, ran.err
    with zipfile.ZipFile(home / "b.zip") as archive:
        assert WHEEL.sha256 in archive.read("pylock.toml").decode()
