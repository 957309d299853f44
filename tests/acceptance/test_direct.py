"""Direct references: archives, repositories, folders; locked, pinned, offline again, and installed by the script."""

from __future__ import annotations

import os
import shutil
import subprocess
from pathlib import Path

import pytest

from tests.support.dists import sdist, wheel
from tests.support.index_server import LoopbackIndex
from tests.support.workspace import Workspace, check_refused

PROJECT = """\
[project]
name = "{name}"
version = "{version}"
dependencies = {dependencies!r}
[project.optional-dependencies]
more = ["base"]
[build-system]
requires = []
build-backend = "in_tree"
backend-path = ["."]
"""


def tree(folder: Path, name: str, version: str, dependencies: list[str], *, dynamic: bool = False) -> Path:
    """Lay out a project that builds without a network; with ``dynamic`` only its backend knows what it needs."""
    import io
    import tarfile

    made = sdist(name, version, dependencies)
    with tarfile.open(fileobj=io.BytesIO(made.body)) as archive:
        for member in archive:
            reader = archive.extractfile(member)
            path = folder / member.name.partition("/")[2]
            path.parent.mkdir(parents=True, exist_ok=True)
            if reader is not None and path.name != "PKG-INFO":
                path.write_bytes(reader.read())
    if not dynamic:
        text = PROJECT.format(name=name, version=version, dependencies=dependencies)
        (folder / "pyproject.toml").write_text(text, encoding="utf-8")
    return folder


def git(folder: Path, *arguments: str) -> str:
    """Run git in a folder, with an invented author and without the user's configuration; skip the test without git."""
    if shutil.which("git") is None:
        pytest.skip("git is not installed")
    environment = {
        **os.environ, "GIT_AUTHOR_NAME": "n", "GIT_AUTHOR_EMAIL": "n@example", "GIT_COMMITTER_NAME": "n",
        "GIT_COMMITTER_EMAIL": "n@example", "GIT_CONFIG_GLOBAL": os.devnull, "GIT_CONFIG_SYSTEM": os.devnull,
    }  # fmt: skip
    done = subprocess.run(["git", *arguments], cwd=folder, env=environment, capture_output=True, text=True, check=True)
    return done.stdout.strip()


def repository(folder: Path) -> str:
    """Make a repository of a project: tag v1.0 needs lib<2, branch main needs lib; return the commit of main."""
    folder.mkdir(parents=True)
    git(folder, "init", "--quiet", "--initial-branch=main")
    tree(folder, "tool", "1.0", ["lib<2"])
    tree(folder / "part", "part", "0.5", ["base"])
    git(folder, "add", "-A")
    git(folder, "commit", "--quiet", "-m", "one")
    git(folder, "tag", "-a", "v1.0", "-m", "one")
    tree(folder, "tool", "2.0", ["lib"])
    git(folder, "commit", "--quiet", "-am", "two")
    return git(folder, "rev-parse", "HEAD")


def names(workspace: Workspace) -> dict[str, str]:
    """Return the version of every package of the lock, also of those that PEP 751 gives none."""
    return {
        entry["name"]: entry.get("version") or entry["tool"]["pipx-parallel"]["version"]
        for entry in workspace.packages()
    }


def package(workspace: Workspace, name: str) -> dict[str, object]:
    """Return one package of the lock."""
    return next(entry for entry in workspace.packages() if entry["name"] == name)


@pytest.fixture
def site() -> LoopbackIndex:
    """Serve the files that references point to."""
    files = [
        wheel("tool", "1.0", ["lib"], {"more": ["base"]}),
        sdist("src", "1.0", ["lib"]),
        sdist("dyn", "1.0", ["base"], static=False),
    ]
    return LoopbackIndex({"files": files})


@pytest.mark.parametrize(
    ("file", "pins"),
    [
        ("tool-1.0-py3-none-any.whl", {"base": "1.0", "lib": "1.0", "tool": "1.0"}),
        ("src-1.0.tar.gz", {"lib": "1.0", "src": "1.0"}),
        ("dyn-1.0.tar.gz", {"base": "1.0", "dyn": "1.0", "lib": "1.0"}),
    ],
)
def test_an_archive_is_locked_by_its_hash(
    workspace: Workspace, site: LoopbackIndex, file: str, pins: dict[str, str]
) -> None:
    """A wheel's METADATA, a static PKG-INFO or a build say what it needs; the lock holds URL and hash; offline the same."""
    name = file.partition("-")[0]
    with site:
        url = f"{site.root}/files/files/{file}"
        extra = "[more]" if name == "tool" else ""
        ran = workspace.lock(f"{name}{extra} @ {url}", "lib<2")
        assert ran.code == 0, ran.err
        assert names(workspace) == pins
        archive = package(workspace, name)["archive"]
        assert isinstance(archive, dict)
        assert archive["url"] == url
        assert len(archive["hashes"]["sha256"]) == 64
    first = workspace.read("pylock.toml")
    again = workspace.lock(f"{name}{extra} @ {url}", "lib<2", flags=["--offline"])
    assert (again.code, workspace.read("pylock.toml")) == (0, first), again.err


def test_a_bare_url_finds_its_name(workspace: Workspace, site: LoopbackIndex) -> None:
    """An archive without a name in front tells it itself."""
    with site:
        ran = workspace.lock(f"{site.root}/files/files/src-1.0.tar.gz")
    assert ran.code == 0, ran.err
    assert names(workspace) == {"base": "1.0", "lib": "2.0", "src": "1.0"}


def test_a_wrong_hash_is_an_integrity_error(workspace: Workspace, site: LoopbackIndex) -> None:
    """The fragment's hash and ``--hash`` are checked."""
    with site:
        ran = workspace.lock(f"tool @ {site.root}/files/files/tool-1.0-py3-none-any.whl#sha256={'0' * 64}")
    check_refused(workspace, ran, 6, "tool-1.0-py3-none-any.whl", "hashes")


def test_a_missing_archive_is_named(workspace: Workspace, site: LoopbackIndex) -> None:
    """With the line that asked for it."""
    with site:
        ran = workspace.lock(f"tool @ {site.root}/files/files/tool-9.whl.tar.gz")
    assert ran.code == 1, ran.err
    assert "tool-9.whl.tar.gz" in ran.err
    assert "r.txt:1" in ran.err


@pytest.mark.parametrize("line", ["file:gone", "mine @ file:///nowhere/mine"])
def test_a_missing_folder_is_named_with_its_line(workspace: Workspace, line: str) -> None:
    """Also where the line has no name; it is the input that is wrong."""
    ran = workspace.lock(line)

    check_refused(
        workspace, ran, 2, "there is no project, neither pyproject.toml nor setup.py", "check the path", "(r.txt:1)"
    )


@pytest.mark.parametrize("line", ["file:gone-1.0.tar.gz", "mine @ file:///nowhere/mine-1.0-py3-none-any.whl"])
def test_a_missing_file_is_named_with_its_line(workspace: Workspace, line: str) -> None:
    """As a missing folder."""
    check_refused(workspace, workspace.lock(line), 2, "there is no such file", "check the path", "(r.txt:1)")


def test_another_project_than_the_line_says_is_refused(workspace: Workspace, site: LoopbackIndex) -> None:
    """File and line, both names."""
    with site:
        ran = workspace.lock(f"wrong @ {site.root}/files/files/src-1.0.tar.gz")
    check_refused(workspace, ran, 2, "r.txt:1", "src", "wrong")


def test_two_references_to_one_project_are_a_conflict(workspace: Workspace, site: LoopbackIndex) -> None:
    """Both places are named."""
    with site:
        url = f"{site.root}/files/files"
        ran = workspace.lock(f"tool @ {url}/tool-1.0-py3-none-any.whl", f"tool @ {url}/other/tool-1.0-py3-none-any.whl")
        assert ran.code in {1, 2}, ran.err
        tree(workspace.folder / "a", "tool", "1.0", [])
        ran = workspace.lock(f"tool @ {url}/tool-1.0-py3-none-any.whl", "./a")
    assert ran.code == 2
    assert "r.txt:2: tool is asked for as file://" in ran.err
    assert "r.txt:1" in ran.err
    assert not (workspace.folder / "pylock.toml").exists()


def test_editable_and_not_are_a_conflict(workspace: Workspace) -> None:
    """Two lines, both named; what another project asks for may be installed as editable."""
    (workspace.folder.parent / "mine").mkdir()
    workspace.write("../mine/pyproject.toml", "[project]\nname = 'mine'\nversion = '1'\n")
    ran = workspace.lock("../mine", "-e ../mine")

    check_refused(
        workspace, ran, 2, "r.txt:2: mine is asked for editable here and as it is at r.txt:1", "hint: keep one of them"
    )


def test_a_reference_must_satisfy_the_others(workspace: Workspace, site: LoopbackIndex, index: LoopbackIndex) -> None:
    """What an index project asks of it is an argument like any other."""
    index.publish("needy", wheel("needy", "1.0", ["tool>=2"]))
    with site:
        ran = workspace.lock(f"tool @ {site.root}/files/files/tool-1.0-py3-none-any.whl", "needy")
    check_refused(workspace, ran, 1, "tool", "needy")


@pytest.mark.parametrize(
    ("revision", "version", "lib"),
    [
        ("", "2.0", "2.0"),
        ("@main", "2.0", "2.0"),
        ("@v1.0", "1.0", "1.0"),
        ("@{commit}", "2.0", "2.0"),
        ("@{short}", "2.0", "2.0"),
    ],
)
def test_a_repository_is_pinned_to_a_commit(
    workspace: Workspace, tmp_path: Path, revision: str, version: str, lib: str
) -> None:
    """A branch, a tag, a commit and the start of one; the lock has the commit, and offline gives the same bytes."""
    commit = repository(tmp_path / "repo")
    wanted = commit if version == "2.0" else git(tmp_path / "repo", "rev-parse", "v1.0^{commit}")
    line = f"tool @ git+file://{tmp_path}/repo{revision.format(commit=commit, short=commit[:9])}"

    ran = workspace.lock(line)

    assert ran.code == 0, ran.err
    assert (names(workspace)["tool"], names(workspace)["lib"]) == (version, lib)
    vcs = package(workspace, "tool")["vcs"]
    assert isinstance(vcs, dict)
    assert (vcs["type"], vcs["commit-id"]) == ("git", wanted)
    first = workspace.read("pylock.toml")
    again = workspace.lock(line, flags=["--offline"])
    assert (again.code, workspace.read("pylock.toml")) == (0, first), again.err


def test_a_part_of_a_repository_is_a_project(workspace: Workspace, tmp_path: Path) -> None:
    """``#subdirectory=`` and ``#egg=``, also editable."""
    repository(tmp_path / "repo")
    ran = workspace.lock(f"-e git+file://{tmp_path}/repo#egg=part&subdirectory=part")

    assert ran.code == 0, ran.err
    assert names(workspace) == {"base": "1.0", "part": "0.5"}
    vcs = package(workspace, "part")["vcs"]
    assert isinstance(vcs, dict)
    assert vcs["subdirectory"] == "part"


def test_a_revision_there_is_not_is_named(workspace: Workspace, tmp_path: Path) -> None:
    """And nothing is written."""
    repository(tmp_path / "repo")
    ran = workspace.lock(f"tool @ git+file://{tmp_path}/repo@nowhere")
    check_refused(workspace, ran, 1, "nowhere", "r.txt:1")


@pytest.mark.parametrize("dynamic", [False, True], ids=["static", "built"])
@pytest.mark.parametrize("line", ["./mine", "-e ./mine", "./mine[more]", "mine @ file://{folder}/mine"])
def test_a_folder_is_a_project(workspace: Workspace, line: str, dynamic: bool) -> None:
    """Its metadata is read where it is static and built where not, and known anew when the folder changes."""
    if dynamic and "more" in line:
        pytest.skip("the in-tree backend knows no extras")
    tree(workspace.folder / "mine", "mine", "1.0", ["lib<2"], dynamic=dynamic)
    text = line.format(folder=workspace.folder)

    ran = workspace.lock(text)
    assert ran.code == 0, ran.err
    expected = {"lib": "1.0", "mine": "1.0"} | ({"base": "1.0"} if "more" in line else {})
    assert names(workspace) == expected
    directory = package(workspace, "mine")["directory"]
    assert isinstance(directory, dict)
    assert directory.get("editable", False) == line.startswith("-e")

    tree(workspace.folder / "mine", "mine", "1.1", ["lib"], dynamic=dynamic)
    if dynamic:
        (workspace.folder / "mine" / "setup.cfg").write_text("# changed\n", encoding="utf-8")
    assert workspace.lock(text, flags=["-U"]).code == 0
    assert (names(workspace)["mine"], names(workspace)["lib"]) == ("1.1", "2.0")


def test_references_of_references_are_followed(workspace: Workspace, site: LoopbackIndex, index: LoopbackIndex) -> None:
    """A project named by URL may name others by URL; a release of an index may not."""
    with site:
        url = f"{site.root}/files/files/tool-1.0-py3-none-any.whl"
        tree(workspace.folder / "mine", "mine", "1.0", [f"tool @ {url}"])
        ran = workspace.lock("./mine")
        assert ran.code == 0, ran.err
        assert names(workspace) == {"base": "1.0", "lib": "2.0", "mine": "1.0", "tool": "1.0"}
        assert "archive" in package(workspace, "tool")

        index.publish("sneaky", wheel("sneaky", "1.0", [f"tool @ {url}"]))
        ran = workspace.lock("sneaky")
        assert ran.code == 1
        assert "sneaky" in ran.err
        assert "at a URL, which an index may not ask for" in ran.err


MANY = [word for system in ("linux", "macos", "windows") for word in ("--target", f"3.12 {system}")]


@pytest.mark.parametrize("flags", [MANY, [*MANY, "--target", "3.13 linux"], [*MANY[4:], *MANY[:4]]])
def test_targets_have_different_references(workspace: Workspace, index: LoopbackIndex, flags: list[str]) -> None:
    """A marker decides which archive a target gets, and what it needs with it."""
    two = wheel("tool", "2.0", ["base"])
    with LoopbackIndex({"files": [wheel("tool", "1.0", ["lib<2"]), two]}) as site:
        url = f"{site.root}/files/files/tool-{{}}-py3-none-any.whl"
        lines = (
            f"tool @ {url.format('1.0')} ; sys_platform == 'linux'",
            f"tool @ {url.format('2.0')} ; sys_platform != 'linux'",
        )
        ran = workspace.lock(*lines, flags=flags)
    assert ran.code == 0, ran.err
    rows = {(entry["name"], entry.get("version"), entry.get("marker")) for entry in workspace.packages()}
    on, off = 'sys_platform == "linux"', 'sys_platform != "linux"'
    assert rows == {("tool", "1.0", on), ("lib", "1.0", on), ("tool", "2.0", off), ("base", "1.0", off)}
    assert index.paths("/simple/tool*") == []


def test_one_target_has_a_reference_and_others_the_index(workspace: Workspace, index: LoopbackIndex) -> None:
    """A reference for some targets does not hide the releases of the index from the others."""
    with LoopbackIndex({"files": [wheel("lib", "9.0", [])]}) as site:
        url = f"{site.root}/files/files/lib-9.0-py3-none-any.whl"
        lines = (f"lib @ {url} ; sys_platform == 'linux'", "lib<2 ; sys_platform != 'linux'", "base")
        ran = workspace.lock(*lines, flags=MANY)
    assert ran.code == 0, ran.err
    rows = {(entry["name"], entry.get("version"), entry.get("marker")) for entry in workspace.packages()}
    on, off = 'sys_platform == "linux"', 'sys_platform != "linux"'
    assert rows == {("lib", "9.0", on), ("lib", "1.0", off), ("base", "1.0", None)}
    assert index.paths("/simple/lib*") != []


@pytest.mark.tools
def test_the_script_installs_all_of_them(
    workspace: Workspace, site: LoopbackIndex, index: LoopbackIndex, tmp_path: Path
) -> None:
    """Archive, repository, folder and editable, by plain pip, and ``pip check`` is clean."""
    repository(tmp_path / "repo")
    tree(workspace.folder / "mine", "mine", "1.0", ["lib"])
    with site:
        lines = [f"tool @ git+file://{tmp_path}/repo@main", f"src @ {site.root}/files/files/src-1.0.tar.gz", "./mine"]
        workspace.write("r.txt", "\n".join(lines) + "\n")
        ran = workspace.run("lock", "r.txt", "-o", "pylock.toml", "-o", "install.sh")
        assert ran.code == 0, ran.err
        environment = {**workspace.environment, "PIP_INDEX_URL": index.url}
        done = subprocess.run(
            ["bash", "install.sh", "--venv", "env"],
            cwd=workspace.folder,
            env=environment,
            capture_output=True,
            text=True,
            check=False,
            timeout=180,
        )
        assert done.returncode == 0, done.stdout + done.stderr
    command = [str(workspace.folder / "env" / "bin" / "python"), "-I", "-m", "pip", "check"]
    check = subprocess.run(command, capture_output=True, text=True, check=False)
    assert check.returncode == 0, check.stdout
