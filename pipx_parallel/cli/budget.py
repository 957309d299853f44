"""The limits of a long run: requests and seconds after which it stops; the next run continues."""

from __future__ import annotations

import re
import time
from typing import TYPE_CHECKING

from pipx_parallel.config.option import Option
from pipx_parallel.errors import UsageError

if TYPE_CHECKING:
    from mirror.limits import RequestBudget
    from pipx_parallel.cli.context import CommandContext

MAX_REQUESTS = Option(("--max-requests",), "Stop after this many requests; the next run continues.", metavar="N")
MAX_TIME = Option(("--max-time",), "Stop after this many seconds; the next run continues.", metavar="SECONDS")


def budget_of(context: CommandContext) -> RequestBudget | None:
    """Return the budget that the options give, which begins now; None for none. Raises ``UsageError``."""
    requests, seconds = _number(context, "max_requests"), number_of(context, "max_time")
    if requests is None and seconds is None:
        return None
    from mirror.limits import RequestBudget  # few runs are limited

    return RequestBudget(requests, None if seconds is None else time.monotonic() + seconds)


def number_of(context: CommandContext, name: str) -> float | None:
    """Return a number above 0 that an option may give. Raises ``UsageError``."""
    text = context.chosen.text(name)
    if text is None:
        return None
    if not re.fullmatch(r"\d{1,6}(\.\d+)?", text) or not float(text):
        wanted = "a number of seconds above 0" if name == "max_time" else "a number above 0"
        raise UsageError(f"--{name.replace('_', '-')}: {text!r} cannot be used", f"give {wanted}")
    return float(text)


def _number(context: CommandContext, name: str) -> int | None:
    text = context.chosen.text(name)
    if text is None:
        return None
    if not text.isdecimal() or not int(text):
        raise UsageError(f"--{name.replace('_', '-')}: {text!r} cannot be used", "give a whole number above 0")
    return int(text)
