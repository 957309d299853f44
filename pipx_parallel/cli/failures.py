"""All that could not be had, told together: what, who asked for it, why, and the nearest name that exists."""

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

    ``known_names`` are the projects that exist as far as we know; asked only where a name was not found.
    """
    lines = [_line(failure, inputs) for failure in failures[:_SHOWN]]
    known: list[str] | None = None
    for at, failure in enumerate(failures[:_SHOWN]):
        if isinstance(failure.error, NotFound) and failure.release is None:
            if known is None:
                lost = {one.project for one in failures}
                known = [name for name in (*known_names(), *(root.name for root in inputs.roots)) if name not in lost]
            near = nearest(failure.project, known)
            lines[at] += f"; did you mean {near!r}?" if near else ""
    hidden = len(failures) - len(lines)
    lines += [f"and {hidden} more"] * bool(hidden)
    count = len(failures)
    return "\n  ".join([f"{count} project{'s' * (count > 1)} could not be had:", *lines]) if count > 1 else lines[0]


def _line(failure: FetchFailure, inputs: Inputs) -> str:
    rows = (*inputs.roots, *inputs.overrides)
    places = [str(root.origin) for root in rows if (root.name or root.text) == failure.project]
    asked = f" ({', '.join(dict.fromkeys(places))})" if places else ""
    text = str(failure.error)
    return f"{text}{asked}" if failure.project in text else f"{failure.project}: {text}{asked}"
