"""The outputs in the hands of the tools they are for: real pip, uv and pipx install exactly the locked set from them.

Wheels are built in the test and reached by ``file:`` URLs: no index, no network.
"""

from __future__ import annotations

import os
import shutil
import subprocess
import sys
from pathlib import Path
from typing import NamedTuple

import pytest
from packaging.markers import default_environment

from mirror.records.model import DistFile
from pipx_parallel.emitters.registry import emitter_for
from pipx_parallel.model import IndexOptions, Pin, Resolution, Target
from tests.support import dists
from tests.support.resolutions import context, pin, resolution, root

pytestmark = pytest.mark.tools
ISOLATED = {
    "PIP_CONFIG_FILE": os.devnull,
    "PIP_NO_INDEX": "1",
    "PIP_DISABLE_PIP_VERSION_CHECK": "1",
    "UV_OFFLINE": "1",
    "UV_NO_CONFIG": "1",
}


class Projects(NamedTuple):
    """A folder with wheels, and a resolution of them for the running interpreter."""

    folder: Path
    resolution: Resolution


def running_target() -> Target:
    """Return the target that is this interpreter."""
    markers = {name: str(value) for name, value in default_environment().items() if name != "extra"}
    return Target("running", markers["python_full_version"], markers, ("py3-none-any",))


def placed(folder: Path, *made: dists.Dist) -> Pin:
    """Write the files and return the pin of that release, by ``file:`` URLs."""
    files = []
    for dist in made:
        (folder / dist.filename).write_bytes(dist.body)
        url = (folder / dist.filename).as_uri()
        files.append(DistFile(dist.filename, url, (("sha256", dist.sha256),), len(dist.body), dist.upload_time))
    return pin(made[0].name, made[0].version, *files, index=None)


@pytest.fixture
def projects(tmp_path: Path) -> Projects:
    """Build an app with a command, its extra's library with a local version, and a library with a source archive beside it."""
    folder = tmp_path / "my wheels"
    folder.mkdir()
    app = dists.wheel("the-app", "1.0", ["lib>=1"], {"fast": ["turbo"]}, scripts={"the-app": "the_app:main"})
    pins = [
        placed(folder, app),
        placed(folder, dists.wheel("lib", "2.0"), dists.sdist("lib", "2.0")),
        placed(folder, dists.wheel("turbo", "1.0+local.1")),
    ]
    edges = [("the-app", "lib", "lib>=1"), ("the-app", "turbo", "turbo")]
    return Projects(folder, resolution(pins, [root("the-app[fast]")], edges, for_target=running_target()))


def written(projects: Projects, name: str, *, options: IndexOptions | None = None) -> Path:
    """Render an output beside the wheels' folder."""
    path = projects.folder.parent / name
    (artifact,) = emitter_for(name).render(name, [projects.resolution], context(options=options))
    path.write_bytes(artifact.text.encode())
    path.chmod(artifact.mode)
    return path


def run(*command: str | Path, **variables: str) -> str:
    """Run a tool in isolation; fail with what it said."""
    environ = {name: value for name, value in os.environ.items() if not name.startswith(("PIP_", "UV_", "PIPX_"))}
    done = subprocess.run(
        [str(word) for word in command], env={**environ, **ISOLATED, **variables}, capture_output=True, text=True,
        check=False, timeout=180,
    )  # fmt: skip
    assert done.returncode == 0, done.stdout + done.stderr
    return done.stdout


def tool(name: str) -> str:
    """Return a tool's path; skip where it is not installed."""
    path = shutil.which(name) or shutil.which(name, path=str(Path(sys.executable).parent))
    if path is None:
        pytest.skip(f"{name} is not installed")
    return path


def installed(folder: Path) -> list[str]:
    """Return name-version of what is in a folder of packages."""
    return sorted(path.name.removesuffix(".dist-info") for path in folder.glob("*.dist-info"))


LOCKED = ["lib-2.0", "the_app-1.0", "turbo-1.0+local.1"]


def test_pip_installs_from_the_pylock(projects: Projects, tmp_path: Path) -> None:
    """Pip 26.1 and later read PEP 751."""
    version = run(sys.executable, "-m", "pip", "--version").split()[1]
    if tuple(map(int, version.split(".")[:2])) < (26, 1):
        pytest.skip(f"pip {version} does not read pylock.toml")

    run(sys.executable, "-m", "pip", "install", "-r", written(projects, "pylock.toml"), "--target", tmp_path / "out")

    assert installed(tmp_path / "out") == LOCKED


def test_pip_installs_from_the_hashed_requirements(projects: Projects, tmp_path: Path) -> None:
    """With dependencies resolved by pip itself: the set is complete, extras included."""
    lock = written(projects, "locked.txt", options=IndexOptions(no_index=True, find_links=(str(projects.folder),)))

    run(sys.executable, "-m", "pip", "install", "--require-hashes", "-r", lock, "--target", tmp_path / "out")

    assert installed(tmp_path / "out") == LOCKED


def test_pip_refuses_a_file_that_was_changed(projects: Projects, tmp_path: Path) -> None:
    """The hashes are real: one more byte and nothing is installed."""
    lock = written(projects, "locked.txt", options=IndexOptions(no_index=True, find_links=(str(projects.folder),)))
    with (projects.folder / "lib-2.0-py3-none-any.whl").open("ab") as file:
        file.write(b"x")
    with (projects.folder / "lib-2.0.tar.gz").open("ab") as file:
        file.write(b"x")

    with pytest.raises(AssertionError, match="DO NOT MATCH THE HASHES"):
        run(sys.executable, "-m", "pip", "install", "--require-hashes", "-r", lock, "--target", tmp_path / "out")


def test_uv_installs_from_the_pylock_and_the_requirements(projects: Projects, tmp_path: Path) -> None:
    """``uv pip sync`` and ``uv pip install`` take both."""
    uv = tool("uv")
    run(uv, "venv", "--python", sys.executable, tmp_path / "venv")
    (packages,) = (tmp_path / "venv").glob("[Ll]ib/**/site-packages")

    run(uv, "pip", "sync", written(projects, "pylock.toml"), VIRTUAL_ENV=str(tmp_path / "venv"))
    assert installed(packages) == LOCKED

    run(uv, "pip", "uninstall", "lib", "the-app", "turbo", VIRTUAL_ENV=str(tmp_path / "venv"))
    lock = written(projects, "locked.txt", options=IndexOptions(no_index=True, find_links=(str(projects.folder),)))
    run(uv, "pip", "sync", "--require-hashes", lock, VIRTUAL_ENV=str(tmp_path / "venv"))
    assert installed(packages) == LOCKED


def test_pipx_installs_from_the_pylock(projects: Projects, tmp_path: Path) -> None:
    """``pipx install --lock`` (1.16 and later): the command works afterwards."""
    pipx = tool("pipx")
    if "--lock" not in run(pipx, "install", "--help"):
        pytest.skip("this pipx has no --lock")
    variables = {"PIPX_HOME": str(tmp_path / "home"), "PIPX_BIN_DIR": str(tmp_path / "bin")}

    run(pipx, "install", "--lock", written(projects, "pylock.toml"), "--python", sys.executable, "the-app", **variables)

    assert run(tmp_path / "bin" / "the-app") == "the-app 1.0\n"


@pytest.mark.skipif(sys.platform == "win32", reason="a POSIX shell")
def test_the_script_installs_into_a_new_environment(projects: Projects, tmp_path: Path) -> None:
    """Environment made, everything installed, ``pip check`` clean, in a folder whose name has a space and a quote."""
    script = written(projects, "install.sh", options=IndexOptions(no_index=True, find_links=(str(projects.folder),)))
    venv = tmp_path / "my 'venv"

    run("sh", script, "--venv", venv, "--python", sys.executable)

    assert run(venv / "bin" / "the-app") == "the-app 1.0\n"
    assert "No broken requirements found" in run(venv / "bin" / "python", "-m", "pip", "check")


def test_direct_references_are_installed_from_the_pylock(projects: Projects, tmp_path: Path) -> None:
    """An archive by hash and a folder: pip takes each, uv both at once (pip refuses a folder beside anything hashed)."""
    shutil.unpack_archive(projects.folder / "lib-2.0.tar.gz", tmp_path / "source", filter="data")
    folder = pin("lib", "2.0", url=(tmp_path / "source" / "lib-2.0").as_uri(), files=(), installable=(), index=None)
    (app,) = (pinned for pinned in projects.resolution.pins if pinned.name == "the-app")
    archive = app._replace(url=app.files[0].url, index=None)

    def lock(*pins: Pin) -> Path:
        direct = projects._replace(resolution=resolution(pins, for_target=running_target()))
        return written(direct, "pylock.toml")

    run(sys.executable, "-m", "pip", "install", "-r", lock(archive), "--target", tmp_path / "a", "--no-deps")
    assert installed(tmp_path / "a") == ["the_app-1.0"]

    run(sys.executable, "-m", "pip", "install", "-r", lock(folder), "--target", tmp_path / "b")
    assert installed(tmp_path / "b") == ["lib-2.0"]

    run(
        tool("uv"),
        "pip",
        "install",
        "-r",
        lock(archive, folder),
        "--target",
        tmp_path / "c",
        "--python",
        sys.executable,
    )
    assert installed(tmp_path / "c") == ["lib-2.0", "the_app-1.0"]


@pytest.mark.skipif(sys.platform == "win32", reason="a POSIX shell")
def test_the_script_installs_a_repository_at_its_commit(projects: Projects, tmp_path: Path) -> None:
    """A git repository cannot be hashed; its commit is in the lock. Everything else in the same lock is still hashed."""
    tool("git")
    repository = tmp_path / "repository"
    shutil.unpack_archive(projects.folder / "lib-2.0.tar.gz", tmp_path / "unpacked", filter="data")
    shutil.move(tmp_path / "unpacked" / "lib-2.0", repository)
    who = ("-c", "user.name=t", "-c", "user.email=t@example.invalid")
    run("git", "-C", repository, "init", "-q")
    run("git", "-C", repository, "add", ".")
    run("git", "-C", repository, *who, "commit", "-q", "-m", "x")
    commit = run("git", "-C", repository, "rev-parse", "HEAD").strip()
    lib = pin("lib", "2.0", url=f"git+{repository.as_uri()}@{commit}", files=(), installable=(), index=None)
    others = [pinned for pinned in projects.resolution.pins if pinned.name != "lib"]
    mixed = projects._replace(resolution=resolution([*others, lib], for_target=running_target()))
    script = written(mixed, "install.sh", options=IndexOptions(no_index=True, find_links=(str(projects.folder),)))

    run("sh", script, "--venv", tmp_path / "venv", "--python", sys.executable)

    frozen = run(tmp_path / "venv" / "bin" / "python", "-m", "pip", "freeze")
    assert f"lib @ git+{repository.as_uri()}@{commit}" in frozen
    assert "the-app==1.0" in frozen
