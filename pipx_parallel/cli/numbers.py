"""Options of one command that take a number."""

from __future__ import annotations

import re
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from pipx_parallel.config.layers import Chosen


def whole_number(chosen: Chosen, name: str, *, least: int = 1) -> int | None:
    """Return a whole number, None if the option was not given. Raises ``UsageError``."""
    text = chosen.text(name)
    if text is None:
        return None
    if not text.isdecimal() or not least <= int(text) < 1 << 31:
        raise chosen.refuse(name, text, f"a whole number from {least} up")
    return int(text)


def number(chosen: Chosen, name: str, unit: str = "", *, above_zero: bool = False) -> float | None:
    """Return a number of some unit, None if the option was not given. Raises ``UsageError``."""
    text = chosen.text(name)
    if text is None:
        return None
    if not re.fullmatch(r"\d{1,9}(\.\d+)?", text) or (above_zero and not float(text)):
        raise chosen.refuse(name, text, f"a number{' of ' * bool(unit)}{unit}{' above 0' * above_zero}")
    return float(text)
