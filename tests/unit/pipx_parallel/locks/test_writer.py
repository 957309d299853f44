"""The writer: all or nothing, standard output last, messages with a remedy."""

from __future__ import annotations

import io
import os
import subprocess
import sys
from pathlib import Path

import pytest
from typing_extensions import Buffer

from pipx_parallel.errors import OutputError, UsageError
from pipx_parallel.locks.writer import write
from pipx_parallel.model import Artifact


class BrokenPipe(io.BytesIO):
    """A standard output whose reader has gone."""

    def write(self, data: object) -> int:  # noqa: ARG002 - the signature is the stream's
        """Fail as a closed pipe does."""
        raise BrokenPipeError(32, "Broken pipe")


class Raw(io.BytesIO):
    """An unbuffered standard output: it takes a few bytes at a time."""

    def write(self, data: Buffer) -> int:
        """Take three bytes and say so."""
        return super().write(memoryview(data)[:3])


def test_files_and_standard_output_get_their_bytes(tmp_path: Path) -> None:
    """UTF-8 and line feeds everywhere."""
    stdout = io.BytesIO()

    write([Artifact(str(tmp_path / "a.txt"), "é\n"), Artifact("-", "out\n")], stdout)

    assert (tmp_path / "a.txt").read_bytes() == "é\n".encode()
    assert stdout.getvalue() == b"out\n"


def test_an_unbuffered_standard_output_gets_every_byte() -> None:
    """PYTHONUNBUFFERED: one write may be a part, and the rest must not be lost without a word."""
    stdout = Raw()

    write([Artifact("-", "0123456789")], stdout)

    assert stdout.getvalue() == b"0123456789"


def test_a_standard_output_that_is_closed_is_named(tmp_path: Path) -> None:
    """No output at all is written then; files alone need none."""
    with pytest.raises(OutputError, match="standard output: it is closed; nothing was changed; give a file with -o"):
        write([Artifact("-", "out"), Artifact(str(tmp_path / "a.txt"), "a")], None)
    assert os.listdir(tmp_path) == []  # hidden names too

    write([Artifact(str(tmp_path / "a.txt"), "a")], None)
    assert os.listdir(tmp_path) == ["a.txt"]


def test_standard_output_stays_empty_when_a_file_cannot_be_written(tmp_path: Path) -> None:
    """Nothing is printed and nothing is changed; the message names the path and what to do."""
    stdout = io.BytesIO()
    good, bad = tmp_path / "a.txt", tmp_path / "nowhere" / "b.txt"

    with pytest.raises(OutputError) as caught:
        write([Artifact("-", "out"), Artifact(str(good), "a"), Artifact(str(bad), "b")], stdout)

    remedy = "make the folder first, or choose another with -o"
    assert str(caught.value) == f"cannot write {bad}: the folder does not exist; nothing was changed; {remedy}"
    assert stdout.getvalue() == b""
    assert not good.exists()


def test_no_file_appears_when_standard_output_is_closed(tmp_path: Path) -> None:
    """A reader that went away must not leave half of the outputs."""
    with pytest.raises(OutputError, match="standard output: broken pipe"):
        write([Artifact("-", "out"), Artifact(str(tmp_path / "a.txt"), "a")], BrokenPipe())

    assert os.listdir(tmp_path) == []  # hidden names too


def test_a_folder_as_output_is_refused(tmp_path: Path) -> None:
    """The remedy is to name a file."""
    with pytest.raises(OutputError, match="it is a folder; nothing was changed; give the name of a file inside it"):
        write([Artifact(str(tmp_path), "a")], io.BytesIO())


@pytest.mark.skipif(sys.platform == "win32", reason="POSIX permissions")
def test_a_folder_without_write_permission_is_explained(tmp_path: Path) -> None:
    """Run as another user where the tests run as root, for whom nothing is forbidden."""
    if os.geteuid() == 0:
        pytest.skip("root may write everywhere")
    tmp_path.chmod(0o500)

    with pytest.raises(OutputError, match="permission is denied; choose a folder with write permission"):
        write([Artifact(str(tmp_path / "a.txt"), "a")], io.BytesIO())


@pytest.mark.skipif(sys.platform == "win32", reason="POSIX file size limits")
def test_a_disk_that_fills_half_way_leaves_the_old_lock(tmp_path: Path) -> None:
    """A limit on file size stands for the full disk: the write fails after some bytes were written."""
    (tmp_path / "lock.txt").write_text("old")
    program = (
        "import io, resource, signal, sys\n"
        "from pipx_parallel.model import Artifact\n"
        "from pipx_parallel.errors import OutputError\n"
        "from pipx_parallel.locks.writer import write\n"
        "signal.signal(signal.SIGXFSZ, signal.SIG_IGN)\n"
        "resource.setrlimit(resource.RLIMIT_FSIZE, (1000, 1000))\n"
        "try:\n"
        "    write([Artifact(sys.argv[1], 'x' * 5000)], io.BytesIO())\n"
        "except OutputError as error:\n"
        "    sys.exit(9)\n"
    )
    environment = {**os.environ, "PYTHONPATH": os.pathsep.join(sys.path), "PYTHONDONTWRITEBYTECODE": "1"}

    done = subprocess.run(
        [sys.executable, "-c", program, str(tmp_path / "lock.txt")], env=environment, check=False, timeout=60
    )

    assert done.returncode == 9
    assert os.listdir(tmp_path) == ["lock.txt"]  # hidden names too
    assert (tmp_path / "lock.txt").read_text() == "old"


def test_two_outputs_of_one_name_are_a_usage_error(tmp_path: Path) -> None:
    """The second would silently replace the first."""
    twice = Artifact(str(tmp_path / "a.txt"), "a")

    with pytest.raises(UsageError, match="two outputs are called"):
        write([twice, twice], io.BytesIO())


def test_a_lone_surrogate_does_not_break_the_write(tmp_path: Path) -> None:
    """Text that no encoding can write becomes a question mark, never a traceback."""
    write([Artifact(str(tmp_path / "a.txt"), "\udcff")], io.BytesIO())

    assert (tmp_path / "a.txt").read_bytes() == b"?"
