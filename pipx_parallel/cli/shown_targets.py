"""What ``tree`` and ``why`` show of several targets: equal texts once, and those targets of a lock that have a package."""

from __future__ import annotations

from typing import TYPE_CHECKING

from mirror.names import normalize_name
from pipx_parallel.cli.shown_lock import lock_text, locked_for
from pipx_parallel.emitters.plain_text import one_line
from pipx_parallel.errors import UsageError
from pipx_parallel.locks.lock_reader import read_targets

if TYPE_CHECKING:
    from collections.abc import Callable, Sequence

    from pipx_parallel.cli.request import LockRequest
    from pipx_parallel.model import Resolution


def holders(request: LockRequest, resolutions: Sequence[Resolution], name: str) -> Sequence[Resolution]:
    """Return the resolutions that have a project; else those of other targets of the lock that is shown; else all.

    Raises ``UsageError`` if lines require the project only in other environments.
    """
    plain = normalize_name(name.partition("[")[0].strip())
    held = _holding(resolutions, plain) or _holding(_of_other_targets(request), plain)
    if held:
        return held
    lines = [root for root in request.inputs.roots if root.name == plain and root.marker]
    if lines:
        asked = ", ".join(f"{root.origin} requires it only where {root.marker}" for root in lines[:3])
        problem = f"{plain} is not needed on {resolutions[0].label}: {asked}"
        raise UsageError(one_line(problem), "--platform, --python-version and --universal name other targets")
    return resolutions


def drawn(held: Sequence[Resolution], resolutions: Sequence[Resolution], render: Callable[[Resolution], str]) -> str:
    """Return the texts of resolutions, equal ones once, each under the names of its targets if there are others."""
    texts: dict[str, list[Resolution]] = {}
    for row in held:
        texts.setdefault(render(row), []).append(row)
    if len(texts) == 1 and [row.label for row in held] == [row.label for row in resolutions]:
        return next(iter(texts))
    return "".join(f"# {_names(rows)}\n{text}" for text, rows in texts.items())


def _names(rows: Sequence[Resolution]) -> str:
    from pipx_parallel.locks.target_labels import labels  # only for several targets

    if any(row.fork for row in rows):
        return ", ".join(row.label for row in rows)
    return ", ".join(labels([row.target for row in rows]))


def _holding(resolutions: Sequence[Resolution], name: str) -> list[Resolution]:
    return [row for row in resolutions if any(pin.name == name for pin in row.pins)]


def _of_other_targets(request: LockRequest) -> Sequence[Resolution]:
    """Return the pins of the one SOURCE, if it is a lock that names its targets, for each of these."""
    text = lock_text(request)
    if text is None:
        return ()
    from pipx_parallel.targets.targets import labelled_targets  # only if this target lacks a package

    targets = [row for label in read_targets(text) for row in labelled_targets(label, request.targets[0])]
    return locked_for(request, text, targets) or ()
