"""Validate project names and split lists of extras."""

from __future__ import annotations

import re

from mirror.names import normalize_name

# A string, compiled on first use (0.2 to 0.5 ms): most inputs do not need it.
_PLAIN = r"[A-Za-z0-9](?:[A-Za-z0-9._-]*[A-Za-z0-9])?"


def is_name(text: str) -> bool:
    """Return whether the text is a valid project name (core metadata, "Name")."""
    return re.fullmatch(_PLAIN, text) is not None


def normalize_extras(extras: str) -> tuple[str, ...]:
    """Return the names of a comma-separated list, normalised, sorted, without duplicates."""
    return tuple(sorted({normalize_name(extra.strip()) for extra in extras.split(",") if extra.strip()}))
