"""Bundles, installed by their own scripts with plain pip where there is no network."""

from __future__ import annotations

import json
import subprocess
import sys
import zipfile
from collections.abc import Callable
from pathlib import Path

import pytest

from tests.support.dists import wheel
from tests.support.index_server import LoopbackIndex
from tests.support.sandbox import Sandbox

pytestmark = pytest.mark.tools

TARGETS = ("--target", "3.13 windows", "--target", "3.13 macos", "--target", "3.13 linux")


def unpack(sandbox: Sandbox, name: str = "bundle.zip") -> Path:
    """Unpack a bundle and return its folder."""
    folder = sandbox.folder / "bundle"
    with zipfile.ZipFile(sandbox.folder / name) as archive:
        archive.extractall(folder)
    return folder


def without_network() -> list[str]:
    """Return the words that take a command's network away, where this system can."""
    try:
        can = subprocess.run(["unshare", "-rn", "true"], capture_output=True, check=False).returncode == 0
    except FileNotFoundError:
        can = False
    return ["unshare", "-rn"] if can else []


def test_a_bundle_installs_where_there_is_no_network(sandbox: Sandbox) -> None:
    """Its script, plain pip, nothing else: just the lock's set, and nothing is broken."""
    sandbox.write("requirements.in", "flask\n")
    sandbox.must("pipx-parallel", "bundle", "requirements.in")
    bundle = unpack(sandbox)

    done = sandbox.must(
        *without_network(), "sh", str(bundle / "install.sh"), "--venv", "env", PIP_INDEX_URL="http://index.example"
    )

    assert "No broken requirements found" in done.out
    listed = sandbox.must("env/bin/python", "-m", "pip", "list", "--format", "json").out
    names = {row["name"].lower() for row in json.loads(listed)} - {"pip", "setuptools", "wheel"}
    assert names == {"flask", "werkzeug", "click", "markupsafe"}


def test_the_files_of_other_platforms_are_what_pip_there_would_take(sandbox: Sandbox) -> None:
    """Plain pip, told to be that platform, finds each file and no other by hash."""
    sandbox.write("requirements.in", "flask\nwintools\n")
    sandbox.must("pipx-parallel", "bundle", "requirements.in", *TARGETS)
    bundle = unpack(sandbox)
    facts = {row["platform"]: row for row in json.loads((bundle / "bundle.json").read_text())["targets"]}

    assert set(facts) == {"win32", "darwin", "linux"}
    for platform, tag in (("win32", "win_amd64"), ("darwin", "macosx_13_0_arm64"), ("linux", "manylinux_2_17_x86_64")):
        sandbox.must(
            sys.executable, "-m", "pip", "download", "-q", "--isolated", "--no-index", "--no-deps", "--require-hashes",
            "--only-binary", ":all:", "--platform", tag, "--python-version", "3.13", "--implementation", "cp",
            "--find-links", str(bundle / "wheels"), "-d", f"got-{platform}", "-r", str(bundle / facts[platform]["requirements"]),
        )  # fmt: skip
        got = sorted(path.name for path in (sandbox.folder / f"got-{platform}").iterdir())
        assert got == facts[platform]["files"]
    assert "colorama-0.4.6-py3-none-any.whl" in facts["win32"]["files"]
    assert "colorama-0.4.6-py3-none-any.whl" not in facts["linux"]["files"]
    assert "markupsafe-3.0.2-cp313-cp313-macosx_11_0_arm64.whl" in facts["darwin"]["files"]


def test_a_second_bundle_fetches_nothing_and_has_the_same_bytes(sandbox: Sandbox, index: LoopbackIndex) -> None:
    """Downloads are kept in the mirror, and nothing of the clock gets into the archive."""
    sandbox.write("requirements.in", "flask\n")
    sandbox.must("pipx-parallel", "bundle", "requirements.in", "-o", "one.zip")
    index.requests_seen.clear()

    sandbox.must("pipx-parallel", "bundle", "requirements.in", "-o", "two.zip", "--offline")

    assert index.requests_seen == []
    assert (sandbox.folder / "one.zip").read_bytes() == (sandbox.folder / "two.zip").read_bytes()


def test_source_archives_are_refused_built_or_included(sandbox: Sandbox) -> None:
    """Nothing is built unless it is asked for; what was built installs like the rest."""
    sandbox.write("requirements.in", "plain\n")

    refused = sandbox.run("pipx-parallel", "bundle", "requirements.in")
    sandbox.must("pipx-parallel", "bundle", "requirements.in", "--sdists", "include", "-o", "included.zip")
    sandbox.must("pipx-parallel", "bundle", "requirements.in", "--sdists", "build")

    assert (refused.code, (sandbox.folder / "bundle.zip").exists()) == (2, True)
    assert "plain 1.0 has only a source archive" in refused.err
    with zipfile.ZipFile(sandbox.folder / "included.zip") as archive:
        assert "wheels/plain-1.0.tar.gz" in archive.namelist()
    bundle = unpack(sandbox)
    assert [path.name for path in (bundle / "wheels").iterdir()] == ["plain-1.0-py3-none-any.whl"]
    sandbox.must(
        sys.executable, "-m", "pip", "install", "-q", "--isolated", "--no-index", "--require-hashes", "--target", "env",
        "--find-links", str(bundle / "wheels"), "-r", str(next((bundle / "requirements").iterdir())),
    )  # fmt: skip
    assert list((sandbox.folder / "env").glob("plain-1.0.dist-info")) != []


def test_a_damaged_file_is_not_bundled(sandbox: Sandbox, index: LoopbackIndex) -> None:
    """Exit code 6, the file named, no archive."""
    index.publish("damaged", wheel("damaged", "1.0")._replace(listed_sha256="0" * 64))
    sandbox.write("requirements.in", "damaged\n")

    done = sandbox.run("pipx-parallel", "bundle", "requirements.in")

    assert done.code == 6, done.err
    assert "damaged-1.0-py3-none-any.whl: the downloaded file has" in done.err
    assert not (sandbox.folder / "bundle.zip").exists()


def test_a_failing_download_is_tried_again(sandbox: Sandbox, index: LoopbackIndex) -> None:
    """As every other request."""
    index.fail("/files/textlib/*.whl", status=503, times=2)
    sandbox.write("requirements.in", "textlib\n")

    sandbox.must("pipx-parallel", "bundle", "requirements.in")

    assert (sandbox.folder / "bundle.zip").exists()


def test_the_script_says_which_pythons_it_serves(sandbox: Sandbox) -> None:
    """Exit code 3, and no environment is made."""
    sandbox.write("requirements.in", "textlib\n")
    sandbox.must("pipx-parallel", "bundle", "requirements.in", "--target", "3.13 windows")
    bundle = unpack(sandbox)

    done = sandbox.run("sh", str(bundle / "install.sh"), "--venv", "env")

    assert (done.code, (sandbox.folder / "env").exists()) == (3, False)
    assert "it serves cpython-3.13-win32-amd64" in done.err


def test_a_dry_run_changes_nothing(sandbox: Sandbox) -> None:
    """It prints what would be run."""
    sandbox.write("requirements.in", "textlib\n")
    sandbox.must("pipx-parallel", "bundle", "requirements.in")
    bundle = unpack(sandbox)

    done = sandbox.must("sh", str(bundle / "install.sh"), "--venv", "env", "--dry-run")

    assert "--require-hashes" in json.loads(done.out.splitlines()[0])
    assert not (sandbox.folder / "env").exists()


def test_the_shell_script_passes_shellcheck(sandbox: Sandbox, needs_tool: Callable[..., None]) -> None:
    """For any POSIX shell."""
    needs_tool("shellcheck")
    sandbox.write("requirements.in", "textlib\n")
    sandbox.must("pipx-parallel", "bundle", "requirements.in")

    sandbox.must("shellcheck", "-s", "sh", str(unpack(sandbox) / "install.sh"))


def test_pins_of_a_lock_are_kept(sandbox: Sandbox, index: LoopbackIndex) -> None:
    """A bundle of a locked project is a bundle of that lock."""
    sandbox.write("requirements.in", "textlib<2\n")
    sandbox.must("pipx-parallel", "lock", "requirements.in")
    sandbox.write("requirements.in", "textlib\n")

    sandbox.must("pipx-parallel", "bundle", "requirements.in")

    assert [path.name for path in (unpack(sandbox) / "wheels").iterdir()] == ["textlib-1.0-py3-none-any.whl"]
    assert index.paths("/files/textlib/textlib-2.0*.whl") == []
