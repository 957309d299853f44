"""The solver's package keys: ``name`` for a project, ``name[extra]`` for an extra. Only this module creates or splits them."""

from __future__ import annotations


def package_key(name: str, extra: str) -> str:
    """Return the key of an extra of a project."""
    return f"{name}[{extra}]"


def is_extra(key: str) -> bool:
    """Return whether a key is that of an extra."""
    return key[-1] == "]"


def base_of(key: str) -> str:
    """Return the project of a key."""
    return key.partition("[")[0]


def extra_of(key: str) -> str:
    """Return the extra of a key; "" for a project."""
    return key.partition("[")[2][:-1]
