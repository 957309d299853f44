"""Programs of a build: their output, and nothing of the supervisor in it."""

from __future__ import annotations

import os
import sys
from pathlib import Path

import pytest

from mirror.errors import BuildFailed, BuildProblem
from pipx_parallel.builds.processes import Processes

needs_posix = pytest.mark.skipif(os.name != "posix", reason="the supervisor runs on POSIX only")


@needs_posix
@pytest.mark.parametrize("milliseconds", range(0, 200, 5))
def test_a_program_stopped_at_any_moment_leaves_an_empty_log(milliseconds: int) -> None:
    """The limits run from before the supervisor has started to after its program has."""
    with pytest.raises(BuildFailed) as caught:
        Processes(milliseconds / 1000).run(
            [sys.executable, "-S", "-c", "import time; time.sleep(60)"], environ=os.environ
        )

    assert caught.value.problem is BuildProblem.TIMEOUT
    assert caught.value.log == ()


@needs_posix
def test_both_streams_of_a_program_are_its_output(tmp_path: Path) -> None:
    """In the order in which they were written; the exit code is the program's."""
    script = tmp_path / "script"
    script.write_text("#!/bin/sh\necho first\necho second >&2\necho third\nexit 3\n", encoding="utf-8")
    script.chmod(0o755)

    assert tuple(Processes(20).run([str(script)], environ=os.environ)) == (3, "first\nsecond\nthird\n")


@needs_posix
def test_a_program_that_the_system_cannot_start_says_so(tmp_path: Path) -> None:
    """One line and the exit code that a shell gives, not a traceback of the supervisor."""
    script = tmp_path / "script"
    script.write_bytes(b"\x7fnot a program")
    script.chmod(0o755)

    done = Processes(20).run([str(script)], environ=os.environ)

    assert done.code == 127
    assert done.output.startswith(f"{script} cannot be run: ")
    assert done.output.count("\n") == 1
