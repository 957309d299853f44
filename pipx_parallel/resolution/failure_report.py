"""All failures in one message: which projects, where they are required, why, and the nearest name that exists."""

from __future__ import annotations

from typing import TYPE_CHECKING

from mirror.errors import NotFound
from pipx_parallel.nearest_names import nearest

if TYPE_CHECKING:
    from collections.abc import Callable, Iterable, Sequence

    from mirror.records.model import FetchFailure
    from pipx_parallel.model import Inputs

_SHOWN = 200  # of a warm gone wrong; the rest is a number


def report(failures: Sequence[FetchFailure], inputs: Inputs, known_names: Callable[[], Iterable[str]]) -> str:
    """Return a text that names every failure, a line each.

    ``known_names`` returns the projects in the mirror; it is called only if a name was not found.
    """
    lines = [_line(failure, inputs) for failure in failures[:_SHOWN]]
    existing: list[str] | None = None
    for number, failure in enumerate(failures[:_SHOWN]):
        if isinstance(failure.error, NotFound) and failure.release is None:
            if existing is None:
                missing = {failure.project for failure in failures}
                names = (*known_names(), *(root.name for root in inputs.roots))
                existing = [name for name in names if name not in missing]
            near = nearest(failure.project, existing)
            lines[number] += f"; did you mean {near!r}?" if near else ""
    hidden = len(failures) - len(lines)
    lines += [f"and {hidden} more"] * bool(hidden)
    if len(failures) == 1:
        return lines[0]
    return "\n  ".join([f"{len(failures):,} projects not available", *lines])


def _line(failure: FetchFailure, inputs: Inputs) -> str:
    rows = (*inputs.roots, *inputs.overrides)
    origins = [str(root.origin) for root in rows if (root.name or root.text) == failure.project]
    asked = f" ({', '.join(dict.fromkeys(origins))})" if origins else ""
    return f"{failure.message}{asked}"
