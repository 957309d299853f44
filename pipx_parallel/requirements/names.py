"""Names: their one normal form, and how a list of them is split."""

from __future__ import annotations

import re

# Patterns as texts: re compiles each when it is first used, which for most inputs is never (0.2 to 0.5 ms each).
_SEPARATORS = r"[-_.]+"
_PLAIN = r"[A-Za-z0-9](?:[A-Za-z0-9._-]*[A-Za-z0-9])?"


def normalize(name: str) -> str:
    """Return the normal form of a project's or an extra's name (PEP 503, PEP 685)."""
    name = name.lower()
    if "_" in name or "." in name or "--" in name:
        return re.sub(_SEPARATORS, "-", name)
    return name


def is_name(text: str) -> bool:
    """Say whether the text is a valid project name (core metadata, "Name")."""
    return re.fullmatch(_PLAIN, text) is not None


def normalize_extras(extras: str) -> tuple[str, ...]:
    """Return the names of a comma-separated list, normalised, sorted, each once."""
    return tuple(sorted({normalize(extra.strip()) for extra in extras.split(",") if extra.strip()}))
