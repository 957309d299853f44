"""A function in a forked process: what ends a program ends this process and not the other one."""

from __future__ import annotations

import os
import subprocess
import sys

import pytest

pytestmark = pytest.mark.skipif(not hasattr(os, "fork"), reason="the system has no fork")

_AT_FORK = """
import os, signal
from mirror.http.forked import forked

os.register_at_fork(after_in_parent=lambda: os.kill(os.getpid(), signal.SIGINT))
try:
    forked(lambda: None)
except KeyboardInterrupt:
    print("interrupted")
"""


def test_a_signal_during_the_fork_is_not_lost() -> None:
    """The interpreter ignores what is raised by functions that run at a fork."""
    ran = subprocess.run([sys.executable, "-c", _AT_FORK], capture_output=True, text=True, check=False, timeout=60)

    assert (ran.stdout, ran.stderr) == ("interrupted\n", "")


_STATES = """
import os, signal
from mirror.http.forked import forked

def run():
    os.kill(os.getpid(), signal.SIGTERM)
    os.kill(os.getpid(), signal.SIGINT)
    print("alive", flush=True)
    {last}

print(os.waitstatus_to_exitcode(os.waitpid(forked(run), 0)[1]), signal.pthread_sigmask(signal.SIG_BLOCK, ()))
"""


@pytest.mark.parametrize(("last", "code"), [("pass", 0), ("raise ValueError", 1)])
def test_the_process_ignores_signals_and_ends_with_its_function(last: str, code: int) -> None:
    """It runs no code of the caller, and prints no traceback; the caller's signals are as before."""
    script = _STATES.format(last=last)
    ran = subprocess.run([sys.executable, "-c", script], capture_output=True, text=True, check=False, timeout=60)

    assert (ran.stdout, ran.stderr) == (f"alive\n{code} set()\n", "")
