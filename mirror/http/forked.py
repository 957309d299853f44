"""Runs a function in a forked process. Only for systems that have ``os.fork``."""

from __future__ import annotations

import os
import signal
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from collections.abc import Callable


def forked(run: Callable[[], object]) -> int:
    """Run a function in a process of its own, which ends with it; return the number of that process.

    The process ends with ``os._exit``: nothing that this one has open (its store above all) may be flushed or closed there. It
    ignores the signals that end a program: they are for this process. Raises ``OSError`` if the system refuses a new process.
    """
    ending = (signal.SIGINT, signal.SIGTERM, signal.SIGHUP)
    # The interpreter runs functions at a fork and ignores what they raise: a signal that came meanwhile would be lost.
    mask = signal.pthread_sigmask(signal.SIG_BLOCK, ending)
    try:
        child = os.fork()
        if child == 0:
            _run(run, ending, mask)
    finally:
        signal.pthread_sigmask(signal.SIG_SETMASK, mask)
    return child


def _run(run: Callable[[], object], ending: tuple[int, ...], mask: set[int | signal.Signals]) -> None:
    """Run the function in the forked process. Never returns."""
    code = 1
    try:
        for number in ending:
            signal.signal(number, signal.SIG_IGN)
        signal.pthread_sigmask(signal.SIG_SETMASK, mask)
        run()
        code = 0
    finally:
        os._exit(code)
