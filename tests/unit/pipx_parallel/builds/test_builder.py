"""Builds: what a backend says, what it may not do, and what is given when it fails."""

from __future__ import annotations

import contextlib
import io
import json
import os
import sys
from pathlib import Path
from typing import Any

import pytest

from mirror.errors import BuildFailed, NeedsBuild
from mirror.metadata.core_metadata import parse_core_metadata
from mirror.ports import SourceTree
from pipx_parallel.builds.builder import BackendBuilder, BuildPolicy
from pipx_parallel.builds.processes import Processes
from pipx_parallel.builds.unpack import unpack
from tests.support.dists import sdist, tarred, zipped

TABLE = '[build-system]\nrequires = []\nbuild-backend = "in_tree"\nbackend-path = ["."]\n'


def builder(logs: Path | None = None, **policy: Any) -> BackendBuilder:
    """Return a builder without isolation: no pip is run."""
    settings = BuildPolicy(isolated=False, timeout=20.0, logs=str(logs or ""))._replace(**policy)
    return BackendBuilder(settings, os.environ, lambda: ("s3cret",))


def archive(backend: str) -> SourceTree:
    """Return an sdist with a backend of these lines."""
    body = tarred({"a-1.0/pyproject.toml": TABLE.encode(), "a-1.0/in_tree.py": backend.encode()})
    return SourceTree("a", "a-1.0.tar.gz", archive=io.BytesIO(body))


def test_the_backend_says_what_is_needed() -> None:
    """From the archive's bytes to METADATA."""
    made = sdist("a", "1.0", ["lib"], static=False)

    body = builder().build(SourceTree("a", made.filename, archive=io.BytesIO(made.body)))

    assert parse_core_metadata(body).requires_dist == ("lib",)


def test_a_backend_that_only_builds_wheels_will_do() -> None:
    """PEP 517: prepare_metadata_for_build_wheel is optional."""
    text = (
        "import zipfile\n\ndef build_wheel(folder, config_settings=None, metadata_directory=None):\n"
        "    with zipfile.ZipFile(folder + '/a-1.0-py3-none-any.whl', 'w') as wheel:\n"
        "        wheel.writestr('a-1.0.dist-info/METADATA', 'Name: a\\nVersion: 1.0\\nRequires-Dist: x\\n\\n')\n"
        "        wheel.writestr('a-1.0.dist-info/WHEEL', 'Wheel-Version: 1.0\\n')\n"
        "    return 'a-1.0-py3-none-any.whl'\n"
    )
    assert parse_core_metadata(builder().build(archive(text))).requires_dist == ("x",)


def test_a_folder_is_never_written_to(tmp_path: Path) -> None:
    """The backend sees a copy."""
    (tmp_path / "pyproject.toml").write_text(TABLE, encoding="utf-8")
    (tmp_path / "in_tree.py").write_text("open('made', 'w').write('x')\nraise SystemExit('no')\n", encoding="utf-8")
    before = sorted(tmp_path.iterdir())

    with pytest.raises(BuildFailed):
        builder().build(SourceTree("a", "folder", folder=str(tmp_path)))
    assert [path for path in sorted(tmp_path.iterdir()) if path.name != "__pycache__"] == before


def test_a_failure_shows_the_end_of_its_log_without_secrets(tmp_path: Path) -> None:
    """Twenty lines here, all of them in the file; no secret in either."""
    tree = archive("for n in range(50):\n    print('line', n, 's3cret')\nraise SystemExit('the end')\n")

    with pytest.raises(BuildFailed) as caught:
        builder(tmp_path).build(tree)

    text = str(caught.value)
    assert text.startswith("a-1.0.tar.gz: the build backend in_tree failed (the whole log: ")
    assert "the end" in text
    assert "line 49 ****" in text
    assert "line 5 " not in text
    (log,) = tmp_path.iterdir()
    assert "line 5 ****" in log.read_text(encoding="utf-8")
    assert "s3cret" not in log.read_text(encoding="utf-8") + text


@pytest.mark.parametrize(
    ("files", "words"),
    [
        ({"a/x": b""}, "neither pyproject.toml nor setup.py"),
        ({"a/pyproject.toml": b"["}, "cannot be read"),
        ({"a/pyproject.toml": b"[build-system]\nrequires = 3"}, "malformed"),
        ({"a/pyproject.toml": b"build-system = 3"}, "no table"),
        ({"a/pyproject.toml": b"[build-system]\nrequires = []\nbuild-backend = 'not.there'"}, "cannot be used"),
    ],
)
def test_a_tree_that_cannot_be_built_is_reported(files: dict[str, bytes], words: str) -> None:
    """Each in words."""
    with pytest.raises(BuildFailed, match=words):
        builder().build(SourceTree("a", "a.zip", archive=io.BytesIO(zipped(files))))


def test_a_subdirectory_must_be_inside() -> None:
    """It comes from a URL."""
    tree = SourceTree("a", "a.zip", archive=io.BytesIO(zipped({"a/x": b""})), subdirectory="../..")

    with pytest.raises(BuildFailed, match="no folder"):
        builder().build(tree)


def test_where_nothing_may_be_built_nothing_is() -> None:
    """The archive is not even unpacked."""
    with pytest.raises(NeedsBuild, match="--no-build"):
        builder(allowed=False).build(SourceTree("a", "a.zip", archive=io.BytesIO(b"no archive")))


@pytest.mark.parametrize("name", ["../out", "/abs/out", "a/../../out"])
@pytest.mark.parametrize("pack", [tarred, zipped])
def test_nothing_leaves_the_folder(tmp_path: Path, name: str, pack: object) -> None:
    """Paths that lead out are refused, or kept inside."""
    inside = tmp_path / "deep" / "inside"
    inside.mkdir(parents=True)
    body = pack({"a/ok": b"x", name: b"x"})  # type: ignore[operator]  # one of two functions

    with contextlib.suppress(BuildFailed):
        unpack(io.BytesIO(body), "a", str(inside))
    assert not (tmp_path / "out").exists()
    assert not (tmp_path / "deep" / "out").exists()
    assert not Path("/abs/out").exists()


def test_programs_end_with_their_owner() -> None:
    """Nothing runs on after close, and nothing is started any more."""
    processes = Processes(30.0)
    processes.close()

    with pytest.raises(BuildFailed, match="cancelled"):
        processes.run(["true"], environ={})


def test_what_a_program_left_behind_is_ended(tmp_path: Path) -> None:
    """Its time is over when it is over, also for a program of another session that still holds its output."""
    left = "import pathlib, time; time.sleep(20); pathlib.Path('lived').touch()"
    text = (
        "import subprocess, sys, time\n"
        f"left = subprocess.Popen([sys.executable, '-c', {left!r}], start_new_session=True)\n"
        "print(f'left {left.pid}.', flush=True)\n"
        "time.sleep(30)\n"
    )
    with pytest.raises(BuildFailed, match="given up after 3 seconds") as caught:
        Processes(3.0).run([sys.executable, "-c", text], cwd=str(tmp_path), environ=os.environ)

    assert not (tmp_path / "lived").exists()
    number = int(str(caught.value).rpartition("left ")[2].partition(".")[0])
    if sys.platform == "linux":
        with pytest.raises(ProcessLookupError):
            os.kill(number, 0)


@pytest.mark.skipif(os.name != "posix", reason="signals")
@pytest.mark.parametrize(("text", "code"), [("raise SystemExit(7)", 7), ("import os; os.kill(os.getpid(), 9)", 137)])
def test_how_a_program_ended_is_reported(text: str, code: int) -> None:
    """Its exit code, or 128 and the signal that ended it."""
    assert Processes(20.0).run([sys.executable, "-c", text], environ=os.environ).code == code


def test_a_program_that_is_not_there_is_reported() -> None:
    """By name."""
    with pytest.raises(BuildFailed, match="no-such-program cannot be run"):
        Processes(20.0).run(["no-such-program"], environ=os.environ)


@pytest.mark.parametrize(
    "line",
    [
        "-r /etc/passwd", "--index-url=https://index.example/", "-e .", "./folder", "lib\n-r /etc/passwd", "lib --hash=sha256:0",
        "lib @ https://index.example/${HOME}", "", "# lib", "lib; " + "(" * 5000, "x" * 100_000,
    ],
)  # fmt: skip
def test_a_build_requirement_is_no_option(line: str) -> None:
    """What pip would read as an option, a path or a variable is refused before pip sees it, in both places that name some."""
    backend = f"def get_requires_for_build_wheel(config_settings=None):\n    return [{line!r}]\n"
    body = tarred({
        "a-1.0/pyproject.toml": f"[build-system]\nrequires = [{json.dumps(line)}]\n".encode(), "a-1.0/setup.py": b"",
    })  # fmt: skip
    for tree in (archive(backend), SourceTree("a", "a-1.0.tar.gz", archive=io.BytesIO(body))):
        with pytest.raises(BuildFailed, match="build requirement") as caught:
            builder().build(tree)

        assert "root:" not in str(caught.value)


@pytest.mark.parametrize("name", ["../source", "..", "/etc", "a-1.0.dist-info", "nothing"])
def test_metadata_is_read_in_its_folder_only(tmp_path: Path, name: str) -> None:
    """Neither a path nor a link leads out of the folder that a backend writes its metadata to."""
    (tmp_path / "METADATA").write_text("Name: a\nVersion: 1\n\n", encoding="utf-8")
    text = (
        "import os\n\ndef prepare_metadata_for_build_wheel(folder, config_settings=None):\n"
        "    open(os.path.join(folder, '..', 'source', 'METADATA'), 'w').write('Name: a\\nVersion: 1\\n\\n')\n"
        "    os.mkdir(os.path.join(folder, 'a-1.0.dist-info'))\n"
        f"    os.symlink({str(tmp_path / 'METADATA')!r}, os.path.join(folder, 'a-1.0.dist-info', 'METADATA'))\n"
        f"    return {name!r}\n"
    )
    with pytest.raises(BuildFailed):
        builder().build(archive(text))


def test_a_backend_sees_no_secret(monkeypatch: pytest.MonkeyPatch) -> None:
    """Its own process, with the variables of this one."""
    monkeypatch.setenv("PIPX_PARALLEL_TOKEN", "t0p")
    monkeypatch.setenv("HTTPS_PROXY", "http://proxy.example")
    text = (
        "import os\n\ndef prepare_metadata_for_build_wheel(folder, config_settings=None):\n"
        "    os.mkdir(os.path.join(folder, 'a-1.0.dist-info'))\n"
        "    seen = ' '.join(sorted(name for name in os.environ if 'TOKEN' in name or 'PROXY' in name))\n"
        "    open(os.path.join(folder, 'a-1.0.dist-info', 'METADATA'), 'w').write('Name: a\\nVersion: 1\\n'"
        " + 'Requires-Python: ' + seen + '\\n\\n')\n"
        "    return 'a-1.0.dist-info'\n"
    )

    assert parse_core_metadata(builder().build(archive(text))).requires_python == "HTTPS_PROXY"


def test_an_archive_that_unpacks_to_too_much_is_refused(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """Counted while it is unpacked, over all of its files."""
    monkeypatch.setattr("mirror.limits.ARCHIVE_BYTES", 2500)
    for pack in (tarred, zipped):
        folder = tmp_path / pack.__name__
        folder.mkdir()
        with pytest.raises(
            BuildFailed, match=r"a-1: cannot be unpacked \(it unpacks to more than 2500 bytes, far more"
        ):
            unpack(io.BytesIO(pack({f"a-1/{number}": bytes(1000) for number in range(3)})), "a-1", str(folder))
