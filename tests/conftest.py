"""Tests import the installed packages, find the tools installed beside them, and can interrupt what they start.

``python -m pytest`` puts the checkout first on the path, where its packages would hide the installed ones. It goes last: only
``tests`` and ``benchmarks``, which are not installed, are found there. The interpreter's folder goes first on ``PATH``, because the
test extra's tools (uv, pipx) are there and the environment need not be activated. A shell that starts the tests in the background
makes them ignore SIGINT, which every process they start would inherit.
"""

from __future__ import annotations

import os
import signal
import sys
import sysconfig
from pathlib import Path

_CHECKOUT = Path(__file__).resolve().parents[1]

sys.path[:] = [*(entry for entry in sys.path if Path(entry).resolve() != _CHECKOUT), str(_CHECKOUT)]
os.environ["PATH"] = os.pathsep.join([sysconfig.get_path("scripts"), os.environ.get("PATH", os.defpath)])
if signal.getsignal(signal.SIGINT) is signal.SIG_IGN:
    signal.signal(signal.SIGINT, signal.default_int_handler)
