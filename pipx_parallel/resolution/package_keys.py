"""What the solver calls packages: a project by its name, an extra of it ``name[extra]``. No other module spells or splits these."""

from __future__ import annotations


def package_key(name: str, extra: str) -> str:
    """Return the key of an extra of a project."""
    return f"{name}[{extra}]"


def is_extra(key: str) -> bool:
    """Return whether a key stands for an extra, not for a project."""
    return key[-1] == "]"


def base_of(key: str) -> str:
    """Return the project that a key belongs to."""
    return key.partition("[")[0]


def extra_of(key: str) -> str:
    """Return the extra that a key stands for; "" for a project."""
    return key.partition("[")[2][:-1]
