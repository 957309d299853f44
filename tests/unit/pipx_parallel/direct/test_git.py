"""How git is run: what it is reported, and by which way a secret reaches it."""

from __future__ import annotations

import base64
import os
import shutil
import stat
import sys
from pathlib import Path

import pytest

from mirror.errors import MirrorError, NotFound, Unreachable
from pipx_parallel.direct.git import Git

pytestmark = pytest.mark.skipif(sys.platform == "win32", reason="the fake git is a shell script")
COMMIT = "c" * 40


def fake(folder: Path, script: str) -> dict[str, str]:
    """Put a ``git`` of these lines first on the path; it notes its arguments and variables."""
    program = folder / "bin" / "git"
    program.parent.mkdir()
    program.write_text(f'#!/bin/sh\necho "$@" >> {folder}/argv\nenv >> {folder}/env\n{script}\n', encoding="utf-8")
    program.chmod(program.stat().st_mode | stat.S_IXUSR)
    return {"PATH": f"{program.parent}:{os.environ['PATH']}", "GIT_DIR": "/elsewhere"}


def test_a_secret_reaches_git_by_variable_and_only_its_host(tmp_path: Path) -> None:
    """Never by argument: those are seen by every user of the machine."""
    environ = fake(tmp_path, f"printf '{COMMIT}\\tHEAD\\n'")
    git = Git(str(tmp_path / "clones"), environ, lambda url: ("u", "s3cret") if "h.example" in url else None)

    assert git.commit_of("https://h.example/r", None) == COMMIT
    signed = base64.b64encode(b"u:s3cret").decode()
    assert signed not in (tmp_path / "argv").read_text(encoding="utf-8")
    variables = (tmp_path / "env").read_text(encoding="utf-8").splitlines()
    assert f"GIT_CONFIG_VALUE_0=Authorization: Basic {signed}" in variables
    assert "GIT_CONFIG_KEY_0=http.https://h.example/.extraHeader" in variables
    assert "GIT_TERMINAL_PROMPT=0" in variables
    assert [line for line in variables if line.startswith("GIT_DIR=")] == []

    (tmp_path / "env").unlink()
    git.commit_of("https://other.example/r", None)
    assert signed not in (tmp_path / "env").read_text(encoding="utf-8")


def test_ssh_is_missed_by_name(tmp_path: Path) -> None:
    """Unless the user named another program."""
    environ = fake(tmp_path, f"printf '{COMMIT}\\tHEAD\\n'")
    environ["PATH"] = f"{tmp_path / 'bin'}:{tmp_path / 'nothing'}"
    for tool in ("env", "cat"):
        (tmp_path / "bin" / tool).symlink_to(str(shutil.which(tool)))

    with pytest.raises(MirrorError, match="there is no ssh on this machine"):
        Git(str(tmp_path / "clones"), environ, None).commit_of("ssh://git@h.example/r", None)
    named = Git(str(tmp_path / "clones"), {**environ, "GIT_SSH": "/opt/plink"}, None)
    assert named.commit_of("ssh://git@h.example/r", None) == COMMIT


def test_the_reason_is_said_without_the_advice(tmp_path: Path) -> None:
    """What git adds to every failure leaves no room for it."""
    shell = "echo 'kex: reset'; echo 'fatal: Could not read.'; echo; echo 'Please make sure you have the correct access rights'"
    environ = fake(tmp_path, f"{shell}; echo 'and the repository exists.'; exit 128")

    with pytest.raises(Unreachable, match=r"kex: reset; Could not read\.$"):
        Git(str(tmp_path / "clones"), environ, None).commit_of("https://h.example/r", None)


def test_a_whole_commit_needs_no_question(tmp_path: Path) -> None:
    """It names itself."""
    git = Git(str(tmp_path), fake(tmp_path, "exit 1"), None)

    assert git.commit_of("https://h.example/r", COMMIT) == COMMIT
    assert not (tmp_path / "argv").exists()


@pytest.mark.parametrize(
    ("listed", "commit"),
    [
        ("a refs/heads/v1|b refs/tags/v1|c refs/tags/v1^{}", "c"),
        ("a refs/heads/v1|b refs/tags/v1", "b"),
        ("a refs/heads/v1", "a"),
        ("x refs/heads/feature/v1|a refs/heads/v1", "a"),
    ],
)
def test_a_tag_goes_before_a_branch_and_means_its_commit(tmp_path: Path, listed: str, commit: str) -> None:
    """And a branch whose name only ends alike is another."""
    lines = "\\n".join(line.replace(" ", "\\t") for line in listed.split("|"))
    git = Git(str(tmp_path), fake(tmp_path, f"printf '{lines}\\n'"), None)

    assert git.commit_of("https://h.example/r", "v1") == commit


def test_errors_of_git_have_different_classes(tmp_path: Path) -> None:
    """A revision there is not; a repository that does not answer; no git at all."""
    with pytest.raises(NotFound, match="no branch, tag or commit 'nowhere'"):
        Git(str(tmp_path), fake(tmp_path, "true"), None).commit_of("https://h.example/r", "nowhere")
    (tmp_path / "two").mkdir()
    environ = fake(tmp_path / "two", "echo 'fatal: could not connect' >&2; exit 128")
    with pytest.raises(Unreachable, match="could not connect"):
        Git(str(tmp_path), environ, None).commit_of("https://h.example/r", "main")
    with pytest.raises(MirrorError, match="there is no git"):
        Git(str(tmp_path), {"PATH": "/nowhere"}, None).commit_of("https://h.example/r", "main")
