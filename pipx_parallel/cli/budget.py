"""The limits of a long run: requests and seconds after which it stops; the next run continues."""

from __future__ import annotations

import time
from typing import TYPE_CHECKING

from pipx_parallel.cli.numbers import number, whole_number
from pipx_parallel.config.option import Option

if TYPE_CHECKING:
    from mirror.limits import RequestBudget
    from pipx_parallel.config.layers import Chosen

MAX_REQUESTS = Option(("--max-requests",), "Stop after this many requests; the next run continues.", metavar="N")
MAX_TIME = Option(("--max-time",), "Stop after this many seconds; the next run continues.", metavar="SECONDS")


def budget_of(chosen: Chosen) -> RequestBudget | None:
    """Return the budget that the options give, which begins now; None for none. Raises ``UsageError``."""
    requests = whole_number(chosen, "max_requests")
    seconds = number(chosen, "max_time", "seconds", above_zero=True)
    if requests is None and seconds is None:
        return None
    from mirror.limits import RequestBudget  # few runs are limited

    return RequestBudget(requests, None if seconds is None else time.monotonic() + seconds)
