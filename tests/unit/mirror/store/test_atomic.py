"""Stage and rename: files are written atomically, and no staged file is left behind."""

from __future__ import annotations

import errno
import os
import stat
import sys
from pathlib import Path

import pytest

from mirror.store import atomic
from mirror.store.atomic import AtomicWriteError, Batch, write_all, write_file

posix_only = pytest.mark.skipif(sys.platform == "win32", reason="POSIX permissions and devices")


def names(folder: Path) -> list[str]:
    """Return the names of all files in a folder, with hidden files."""
    return sorted(os.listdir(folder))


def test_a_file_is_written_whole(tmp_path: Path) -> None:
    """The bytes arrive unchanged and no staged file stays."""
    write_file(tmp_path / "lock", b"a\r\nb\0")

    assert (tmp_path / "lock").read_bytes() == b"a\r\nb\0"
    assert names(tmp_path) == ["lock"]


@posix_only
def test_a_new_file_has_the_mode_asked_for_within_the_umask(tmp_path: Path) -> None:
    """An executable script is executable; the user's umask is honoured."""
    before = os.umask(0o027)
    try:
        write_file(tmp_path / "install.sh", b"", 0o755)
    finally:
        os.umask(before)

    assert stat.S_IMODE((tmp_path / "install.sh").stat().st_mode) == 0o750


@posix_only
def test_an_old_file_keeps_its_permissions_and_gains_execution(tmp_path: Path) -> None:
    """A private file stays private."""
    (tmp_path / "lock").write_bytes(b"old")
    (tmp_path / "lock").chmod(0o600)

    write_file(tmp_path / "lock", b"new", 0o644)
    assert stat.S_IMODE((tmp_path / "lock").stat().st_mode) == 0o600

    write_file(tmp_path / "lock", b"new", 0o755)
    assert stat.S_IMODE((tmp_path / "lock").stat().st_mode) & 0o100


@posix_only
def test_a_link_stays_a_link(tmp_path: Path) -> None:
    """The target of a symbolic link is replaced, not the link."""
    (tmp_path / "real").write_bytes(b"old")
    (tmp_path / "link").symlink_to("real")

    write_file(tmp_path / "link", b"new")

    assert (tmp_path / "link").is_symlink()
    assert (tmp_path / "real").read_bytes() == b"new"


@posix_only
def test_a_pipe_is_written_in_place(tmp_path: Path) -> None:
    """Renaming over a pipe or a device would replace it by a file."""
    pipe = tmp_path / "pipe"
    os.mkfifo(pipe)
    reader = os.open(pipe, os.O_RDONLY | os.O_NONBLOCK)

    write_all([(pipe, b"through", 0o644), (tmp_path / "file", b"beside", 0o644)])

    assert os.read(reader, 100) == b"through"
    os.close(reader)
    assert stat.S_ISFIFO(pipe.stat().st_mode)
    assert (tmp_path / "file").read_bytes() == b"beside"


def test_when_one_of_several_cannot_be_staged_nothing_changes(tmp_path: Path) -> None:
    """The files before the bad one keep their content; no staged file stays."""
    (tmp_path / "a").write_bytes(b"old")

    with pytest.raises(AtomicWriteError, match=r"cannot write .*: the folder does not exist"):
        write_all([(tmp_path / "a", b"new", 0o644), (tmp_path / "nowhere" / "b", b"new", 0o644)])

    assert (tmp_path / "a").read_bytes() == b"old"
    assert names(tmp_path) == ["a"]


def test_a_folder_is_refused_before_anything_is_renamed(tmp_path: Path) -> None:
    """A target that is a folder is found while staging."""
    (tmp_path / "folder").mkdir()

    with pytest.raises(AtomicWriteError, match="it is a folder") as caught:
        write_all([(tmp_path / "a", b"new", 0o644), (tmp_path / "folder", b"new", 0o644)])

    assert caught.value.errno == errno.EISDIR
    assert caught.value.filename == str(tmp_path / "folder")
    assert names(tmp_path) == ["folder"]


@posix_only
def test_a_full_disk_is_named() -> None:
    """/dev/full answers as a full disk does; the message says so."""
    if not Path("/dev/full").exists():
        pytest.skip("no /dev/full here")

    with pytest.raises(AtomicWriteError, match="the disk is full"):
        write_file("/dev/full", b"new")


def test_when_a_rename_fails_those_before_it_are_put_back(tmp_path: Path) -> None:
    """The third target becomes a folder after staging: the first gets its old content back, the new file is removed."""
    (tmp_path / "old").write_bytes(b"old")
    batch = Batch()
    for name in ("old", "fresh", "taken"):
        batch.stage(tmp_path / name, b"new")
    (tmp_path / "taken").mkdir()

    with pytest.raises(AtomicWriteError):
        batch.commit()
    batch.discard()

    assert (tmp_path / "old").read_bytes() == b"old"
    assert names(tmp_path) == ["old", "taken"]


def test_an_interrupt_while_staging_leaves_nothing(tmp_path: Path) -> None:
    """Ctrl-C between two files removes the staged ones and keeps the old ones."""
    (tmp_path / "a").write_bytes(b"old")

    def interrupted() -> None:
        with Batch() as batch:
            batch.stage(tmp_path / "a", b"new")
            raise KeyboardInterrupt

    with pytest.raises(KeyboardInterrupt):
        interrupted()

    assert (tmp_path / "a").read_bytes() == b"old"
    assert names(tmp_path) == ["a"]


def test_a_file_can_be_written_in_pieces(tmp_path: Path) -> None:
    """A large file need not be in memory; it appears at the commit."""
    with Batch() as batch:
        with batch.open(tmp_path / "big") as stream:
            stream.write(b"one ")
            stream.write(b"two")
        assert not (tmp_path / "big").exists()
        batch.commit()

    assert (tmp_path / "big").read_bytes() == b"one two"


def test_the_name_may_be_as_long_as_the_file_system_allows(tmp_path: Path) -> None:
    """The staged name does not grow with the target's."""
    name = "n" * 255

    write_file(tmp_path / name, b"x")

    assert names(tmp_path) == [name]


def test_a_bare_name_goes_to_the_current_folder(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """A relative path without a folder is staged beside its target."""
    monkeypatch.chdir(tmp_path)

    write_file("lock", b"x")

    assert names(tmp_path) == ["lock"]


def test_the_error_is_one_sentence_and_an_oserror() -> None:
    """Callers may catch OSError; users see no error number."""
    error = AtomicWriteError("x", OSError(errno.ENOSPC, "No space left on device"))

    assert isinstance(error, OSError)
    assert str(error) == "cannot write x: the disk is full"
    assert atomic.AtomicWriteError("x", OSError("odd")).reason == "odd"
