"""How sets of targets are called: in headers and messages, and in scripts that have no markers. Pure."""

from __future__ import annotations

from typing import TYPE_CHECKING

from pipx_parallel.locks.target_markers import SYSTEM_VARIABLES, joined_ranges, python_range, short_version

if TYPE_CHECKING:
    from collections.abc import Sequence

    from pipx_parallel.locks.target_markers import Range
    from pipx_parallel.model import Target


def labels(targets: Sequence[Target]) -> list[str]:
    """Return how the targets are called, those that differ only in their Python as one: ``cpython 3.10-3.14 linux x86_64``."""
    groups: dict[tuple[str, str], list[Target]] = {}
    for target in targets:
        head, _, rest = target.label.partition(" ")
        groups.setdefault((head, rest.partition(" ")[2]), []).append(target)
    return [
        members[0].label if len(members) == 1 else " ".join(filter(None, (head, version_words(members), rest)))
        for (head, rest), members in groups.items()
    ]


def version_words(targets: Sequence[Target]) -> str:
    """Return the Python versions of targets in a few characters: ``3.10-3.14``, ``3.11.0-3.11.2, 3.12``."""
    words = []
    for low, high in joined_ranges([python_range(target) for target in targets]):
        first = short_version(low)
        last = f"{high[0]}.{high[1] - 1}" if high[2] == 0 else f"{high[0]}.{high[1]}.{high[2] - 1}"
        if low[2] == 0 and high[2]:
            first = ".".join(map(str, low))
        elif low[2] and high[2] == 0:
            last = f"{last}.*"
        words.append(first if first == last else f"{first}-{last}")
    return ", ".join(words)


def environment_rows(targets: Sequence[Target]) -> list[str]:
    """Return the environments for a script that has no markers: ``cpython,linux,x86_64,3.10.0,3.15.0``; ``*`` is any value."""
    rows: dict[tuple[str, ...], list[Range]] = {}
    for target in targets:
        system, machine, implementation = (target.markers.get(name, "") or "*" for name in SYSTEM_VARIABLES)
        rows.setdefault((implementation, system, machine), []).append(python_range(target))
    return [
        ",".join([*values, *(".".join(map(str, bound)) for bound in part)])
        for values, parts in rows.items()
        for part in joined_ranges(parts)
    ]
