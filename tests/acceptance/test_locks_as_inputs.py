"""Locks with direct references as inputs of ourselves and of pip, and locks that are moved with their folder."""

from __future__ import annotations

import shutil
import subprocess
import sys
from pathlib import Path

import pytest

from tests.acceptance.test_direct import repository, tree
from tests.support.dists import sdist, wheel
from tests.support.index_server import LoopbackIndex
from tests.support.workspace import Workspace

KINDS = ["index", "folder", "editable", "archive", "source archive", "url", "git", "find-links"]


@pytest.fixture
def lines(workspace: Workspace, index: LoopbackIndex) -> dict[str, str]:
    """Lay out a project of each kind in the user's folder; return the lines that name them."""
    folder = workspace.folder
    tree(folder / "part", "part", "0.5", ["base"])
    bb = wheel("bb", "1.0", ["base"], requires_python=">=3.8")
    source = sdist("cc", "1.0", ["base"], requires_python=">=3.8")
    for dist in (bb, source):
        (folder / dist.filename).write_bytes(dist.body)
    (folder / "wh").mkdir()
    aa = wheel("aa", "1.0")
    (folder / "wh" / aa.filename).write_bytes(aa.body)
    served = wheel("served", "1.0", requires_python=">=3.8")
    index.publish("served", served)
    repository(folder / "repo")
    return {
        "index": "app",
        "folder": "./part",
        "editable": "-e ./part",
        "archive": f"./{bb.filename}",
        "source archive": f"./{source.filename}",
        "url": f"served @ {index.root}/files/served/{served.filename}#sha256={served.sha256}",
        "git": f"tool @ git+{(folder / 'repo').as_uri()}@main",
        "find-links": "-f wh\naa",
    }


def pip_accepts(workspace: Workspace, name: str, *flags: str) -> str:
    """Have pip resolve a lock without installing anything; return what it says of failures."""
    words = ["install", "--dry-run", "--ignore-installed", "--quiet", "--no-build-isolation", *flags, "-r", name]
    environment = {**workspace.environment, "PIP_INDEX_URL": workspace.environment["PIPX_PARALLEL_INDEX_URL"]}
    done = subprocess.run(
        [sys.executable, "-m", "pip", *words],
        cwd=workspace.folder, env=environment, capture_output=True, text=True, check=False, timeout=120,
    )  # fmt: skip
    return "" if done.returncode == 0 else done.stderr


@pytest.mark.parametrize("kind", KINDS)
def test_our_locks_are_inputs(workspace: Workspace, lines: dict[str, str], kind: str) -> None:
    """Every kind of reference, in four outputs: read again by ourselves in both formats, and accepted by pip."""
    workspace.write("r.in", lines[kind] + "\n")
    workspace.write("layer.in", "-r r.txt\nbase\n")
    outputs = ["r.txt", "pylock.toml", "constraints.txt"]
    ran = workspace.run("lock", "r.in", *[word for name in outputs for word in ("-o", name)])
    assert ran.code == 0, ran.err
    layer = workspace.run("lock", "layer.in", "-o", "layer.txt")
    assert layer.code == 0, layer.err
    unhashed = ["--no-require-hashes"] if kind in {"folder", "editable", "git"} else []

    for name, form in (("r.txt", "pylock"), ("pylock.toml", "requirements")):
        again = workspace.run("lock", name, "-o", "-", "--format", form)
        assert again.code == 0, (name, form, again.err)
    for name in ("r.txt", "pylock.toml"):
        assert pip_accepts(workspace, name, *unhashed) == ""


@pytest.mark.parametrize("kind", ["folder", "editable", "find-links"])
def test_our_constraints_are_inputs(workspace: Workspace, lines: dict[str, str], kind: str) -> None:
    """Also of a local project that is editable where it is asked for: a constraint names it, and is never editable."""
    workspace.write("r.in", lines[kind] + "\n")
    assert workspace.run("lock", "r.in", "-o", "constraints.txt", "--no-hashes").code == 0

    again = workspace.run("lock", "r.in", "-c", "constraints.txt", "-o", "r.txt")

    assert again.code == 0, again.err
    assert ("-e " in workspace.read("r.txt").decode()) == (kind == "editable")
    assert pip_accepts(workspace, "r.in", "-c", "constraints.txt") == ""


@pytest.mark.parametrize("kind", ["folder", "editable", "archive", "source archive", "find-links"])
def test_a_lock_is_moved_with_its_folder(workspace: Workspace, lines: dict[str, str], kind: str) -> None:
    """Its paths are relative, so pip installs it elsewhere; if a path is gone there, --check says so."""
    (workspace.folder / "locks").mkdir()
    workspace.write("r.in", lines[kind] + "\n")
    outputs = ["-o", "r.txt", "-o", "pylock.toml", "-o", "locks/pylock.toml"]
    ran = workspace.run("lock", "r.in", *outputs)
    assert ran.code == 0, ran.err
    before = workspace.folder
    workspace.folder = before.parent / "moved"
    shutil.move(before, workspace.folder)

    assert workspace.run("lock", "r.in", *outputs, "--check").code == 0
    unhashed = ["--no-require-hashes"] if kind in {"folder", "editable"} else []
    own = "pylock.toml" if kind == "find-links" else "locks/pylock.toml"
    for name in ("r.txt", own):
        assert str(before) not in workspace.read(name).decode()
    assert pip_accepts(workspace, own, *unhashed) == ""
    if kind != "find-links":
        gone = Path(workspace.folder / lines[kind].removeprefix("-e "))
        gone.rename(gone.with_name("elsewhere"))
        assert workspace.run("lock", "r.in", *outputs, "--check").code == 2


def test_a_path_that_is_written_in_full_stays_so(workspace: Workspace, lines: dict[str, str], tmp_path: Path) -> None:
    """It does not belong to the folder of the lock, so it does not move with it."""
    assert lines
    far = shutil.move(workspace.folder / "part", tmp_path / "far")
    workspace.write("r.in", f"-e {far}\n")

    assert workspace.run("lock", "r.in", "-o", "r.txt", "-o", "pylock.toml").code == 0

    assert f"-e {Path(far).as_uri()}" in workspace.read("r.txt").decode()
    assert f'path = "{Path(far).as_posix()}"' in workspace.read("pylock.toml").decode()
