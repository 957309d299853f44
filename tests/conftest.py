"""Tests import the installed packages.

``python -m pytest`` puts the checkout first on the path, where its packages would hide the installed ones. It goes last: only
``tests`` and ``benchmarks``, which are not installed, are found there.
"""

from __future__ import annotations

import sys
from pathlib import Path

_CHECKOUT = Path(__file__).resolve().parents[1]

sys.path[:] = [*(entry for entry in sys.path if Path(entry).resolve() != _CHECKOUT), str(_CHECKOUT)]
