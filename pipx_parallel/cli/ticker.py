"""A timer that redraws the progress line while nothing else happens."""

from __future__ import annotations

import threading
import time
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from collections.abc import Callable


def every_second(turn: Callable[[], bool]) -> None:
    """Call ``turn`` at once and each second, in a thread that ends with the process, until it returns False."""

    def run() -> None:
        while turn():
            time.sleep(1)

    threading.Thread(target=run, name="progress", daemon=True).start()
