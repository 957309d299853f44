"""What a command says of its answer: how much, how good, at what cost."""

from __future__ import annotations

import time
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from collections.abc import Sequence

    from pipx_parallel.cli.request import LockRequest
    from pipx_parallel.model import Resolution

_SPANS = ("read", "fill", "solve", "render", "keep", "write", "total")  # in the order in which they happen


def measure(request: LockRequest, resolutions: Sequence[Resolution]) -> str:
    """Return in a few words how much was resolved, for what, and how long it took so far."""
    return f"{counted(resolutions)} in {time.perf_counter() - request.context.began:.2f} s"


def counted(resolutions: Sequence[Resolution]) -> str:
    """Return in a few words how much was resolved, and for what."""
    count = len({pin.name for resolution in resolutions for pin in resolution.pins})
    targets = ", ".join(resolution.target.label for resolution in resolutions)
    return f"{count} package{'s' * (count != 1)} for {targets}"


def tell_quality(request: LockRequest, resolutions: Sequence[Resolution]) -> None:
    """Say how good the answer is: with -v in figures and pin by pin; always if a direct pin is years behind."""
    from pipx_parallel.locks import quality  # only once there is an answer

    for resolution in resolutions:
        for line in quality.notable(resolution):
            request.context.printer.warn(line)
        if not resolution.optimal:
            request.context.printer.detail("not every release was looked at: a better answer may exist")
        request.context.printer.detail(quality.sentence(quality.quality_of(resolution)))
        for line in quality.held_back(resolution):
            request.context.printer.detail(f"  {line}")


def cost(request: LockRequest, resolutions: Sequence[Resolution]) -> str:
    """Return in one line where the time went and what was asked of the mirror and the index."""
    seconds = dict(request.context.seconds)
    counts: dict[str, int] = {}
    for resolution in resolutions:
        if resolution.stats is not None:
            for name, spent in resolution.stats.seconds.items():
                seconds[name] = seconds.get(name, 0.0) + spent
            counts = {name: max(count, counts.get(name, 0)) for name, count in resolution.stats.counts.items()}
    seconds["total"] = time.perf_counter() - request.context.began
    order = sorted(seconds, key=lambda name: _SPANS.index(name) if name in _SPANS else len(_SPANS) - 1)
    spans = ", ".join(f"{name} {seconds[name]:.2f} s" for name in order)
    stats = [resolution.stats for resolution in resolutions if resolution.stats is not None]
    rows = [f"{name.replace('_', ' ')} {count}" for name, count in counts.items()]
    rows += [
        f"{row.purpose} {row.requests} ({row.bytes / 1e6:.1f} MB)" for row in (stats[-1].requests if stats else ())
    ]
    rows += [f"{build.name} {build.version} {build.outcome.value}" for build in (stats[-1].builds if stats else ())]
    return f"{spans}; " + ", ".join(rows)
