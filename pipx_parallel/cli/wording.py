"""Numbers in messages: counts with their noun, and sizes."""

from __future__ import annotations

_UNITS = ("kB", "MB", "GB")


def count(number: int, noun: str) -> str:
    """Return a number with its noun: "1 project", "2 projects", "3 dependencies"."""
    if number == 1:
        return f"1 {noun}"
    plural = f"{noun[:-1]}ies" if noun.endswith("y") else f"{noun}s"
    return f"{number:,} {plural}"


def age(seconds: float) -> str:
    """Return a span of time in the unit a person would choose: "12 s", "35 min", "5.2 h", "3 days"."""
    if seconds < 90:
        return f"{seconds:.0f} s"
    if seconds < 90 * 60:
        return f"{seconds / 60:.0f} min"
    return f"{seconds / 3600:.1f} h" if seconds < 48 * 3600 else count(round(seconds / 86400), "day")


def size(number: int) -> str:
    """Return a number of bytes in the unit a person would choose: "812 bytes", "8.3 MB"."""
    if number < 1000:
        return count(number, "byte")
    power = 1
    while power < len(_UNITS) and number >= 1000 ** (power + 1):
        power += 1
    return f"{number / 1000**power:.1f} {_UNITS[power - 1]}"
