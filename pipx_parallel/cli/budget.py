"""The limits of a long run: requests and seconds after which it stops; the next run continues."""

from __future__ import annotations

import re
import time
from typing import TYPE_CHECKING

from pipx_parallel.config.option import Option
from pipx_parallel.errors import UsageError

if TYPE_CHECKING:
    from pipx_parallel.cli.context import CommandContext

MAX_REQUESTS = Option(("--max-requests",), "Stop after about this many requests; the next run continues.", metavar="N")
MAX_TIME = Option(("--max-time",), "Stop after this many seconds; the next run continues.", metavar="SECONDS")


class Budget:
    """How many requests and seconds a run may use; ``spent`` is set once the limit has stopped a request."""

    def __init__(self, requests: int | None, seconds: float | None, began: float) -> None:
        """Take the limits, None for none, and the monotonic time of the start."""
        self.requests = requests
        self.seconds = seconds
        self.began = began
        self.spent = False

    def lasts(self, requests: int) -> bool:
        """Return whether the run may go on after this many requests."""
        over = self.requests is not None and requests >= self.requests
        over = over or (self.seconds is not None and time.monotonic() - self.began >= self.seconds)
        self.spent = self.spent or over
        return not over


def budget_of(context: CommandContext) -> Budget:
    """Return the budget that the options give, which begins now. Raises ``UsageError``."""
    return Budget(_number(context, "max_requests"), number_of(context, "max_time"), time.monotonic())


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
