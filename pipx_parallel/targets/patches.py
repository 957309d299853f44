"""The patch releases of Python that a target stands for, and where they stop being alike.

Markers on ``python_full_version`` and Requires-Python such as ``>=3.9.2`` can part the releases of one minor series: what was
resolved with 3.11.0 need not hold for 3.11.4. They change their value only at the releases that they name, or at the next.
"""

from __future__ import annotations

import re
from functools import cache, partial
from itertools import pairwise
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from collections.abc import Callable, Iterable

    from pipx_parallel.model import Target
    from pipx_parallel.targets.rules import TargetRules

_PATCH = r"(\d+)\.(\d+)\.(\d+)"
_FULL = ("python_full_version", "implementation_version")
_LAST = 1000  # patch releases of a series: no series has as many


def patches_named(series: str, text: str) -> set[int]:
    """Return the patch numbers at which a specifier or marker could change its value: those that it names, and the next."""
    if f"{series}." not in text:
        return set()
    named = {int(patch) for major, minor, patch in re.findall(_PATCH, text) if f"{major}.{minor}" == series}
    return {number for patch in named for number in (patch, patch + 1) if number}


def with_range(target: Target, first: str, until: str) -> Target:
    """Return the target for the patch releases from ``first`` on, without ``until``; "" is an end of the minor series.

    Its markers are those of its own Python if that is one of these, else of the first.
    """
    series = target.markers["python_version"]
    first = "" if first == f"{series}.0" else first
    if not first and not until:
        return target
    low, high = _patch(first) or 0, _patch(until) or _LAST
    own = _patch(target.python_full_version)
    target = target if own is not None and low <= own < high else _with_patch(target, low)
    head, *rest = target.label.split(" ")
    words = f"{series}.{low}+" if high == _LAST else f"{series}.{low}" + f"-{series}.{high - 1}" * (high - 1 > low)
    return target._replace(label=" ".join([head, words, *rest[1:]]), python_from=first, python_until=until)


def parts_of(
    rules: TargetRules, markers: Iterable[tuple[str, str]], specifiers: Iterable[str], *, around: bool
) -> list[Target]:
    """Return a target cut wherever a marker or a Requires-Python specifier changes its value.

    Args:
        rules: The rules of the target.
        markers: Markers, each with the extra that it is evaluated with.
        specifiers: Requires-Python values.
        around: Keep only the part that the target's own Python is in.
    """
    target = rules.target
    series = target.markers["python_version"]
    low, high = _patch(target.python_from) or 0, _patch(target.python_until) or _LAST
    rules_of = cache(lambda patch: rules.for_patch(_with_patch(target, patch)))
    cuts: set[int] = set()
    for text, extra in {row for row in markers if "_version" in row[0]}:
        values = partial(_marker_value, rules_of, text, extra)
        cuts |= _changes(patches_named(series, text), low, high, values)
    for text in {text for text in specifiers if text}:
        cuts |= _changes(patches_named(series, text), low, high, partial(_python_value, rules_of, text))
    if not cuts:
        return [target]
    bounds = [target.python_from, *[f"{series}.{cut}" for cut in sorted(cuts)], target.python_until]
    own = _patch(target.python_full_version) or 0
    return [
        with_range(target, first, until)
        for first, until in pairwise(bounds)
        if not around or (_patch(first) or 0) <= own < (_patch(until) or _LAST)
    ]


def _marker_value(rules: Callable[[int], TargetRules], text: str, extra: str, patch: int) -> bool:
    return rules(patch).marker_holds(text, extra)


def _python_value(rules: Callable[[int], TargetRules], text: str, patch: int) -> bool:
    return rules(patch).python_allowed(text)


def _changes(patches: set[int], low: int, high: int, value: Callable[[int], bool]) -> set[int]:
    """Return the patch releases above ``low`` at which the value is not that of the ones before."""
    steps = [low, *sorted(patch for patch in patches if low < patch < high)]
    return {after for before, after in pairwise(steps) if value(before) != value(after)}


def _with_patch(target: Target, patch: int) -> Target:
    full = f"{target.markers['python_version']}.{patch}"
    changed = {name: full for name in _FULL if target.markers.get(name) == target.python_full_version}
    return target._replace(python_full_version=full, markers={**target.markers, **changed})


def _patch(version: str) -> int | None:
    """Return the patch number of ``3.11.7`` (7), None if it has none."""
    match = re.match(_PATCH, version)
    return int(match[3]) if match else None
