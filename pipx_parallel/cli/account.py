"""What a command says of its answer: how much, how good, at what cost."""

from __future__ import annotations

import re
import time
from typing import TYPE_CHECKING

from pipx_parallel.cli.wording import count, size

if TYPE_CHECKING:
    from collections.abc import Mapping, Sequence

    from pipx_parallel.cli.request import LockRequest
    from pipx_parallel.model import Resolution

_WRITING = ("render", "keep", "write")


def measure(request: LockRequest, resolutions: Sequence[Resolution]) -> str:
    """Return in a few words how much was resolved, for what, and how long it took so far."""
    return f"{counted(resolutions)} in {time.perf_counter() - request.context.began:.2f} s"


def counted(resolutions: Sequence[Resolution]) -> str:
    """Return in a few words how much was resolved, and for what."""
    from pipx_parallel.emitters.merge import target_labels  # loaded by the emitters

    names = {pin.name for resolution in resolutions for pin in resolution.pins}
    targets = shortened(target_labels([resolution.target for resolution in resolutions]))
    return f"{count(len(names), 'package')} for {targets}"


def shortened(labels: Sequence[str]) -> str:
    """Return the labels of targets with the platforms of each Python counted: ``cpython 3.10-3.14 on 5 platforms``."""
    platforms: dict[str, list[str]] = {}
    for label in labels:
        words = re.match(r"(\S+ [0-9][^a-z]*) (.+)", label)
        head, platform = (words[1], words[2]) if words else (label, "")
        platforms.setdefault(head, []).append(platform)
    return ", ".join(
        f"{head} on {count(len(names), 'platform')}" if len(names) > 1 else f"{head} {names[0]}".strip()
        for head, names in platforms.items()
    )


def tell_quality(request: LockRequest, resolutions: Sequence[Resolution]) -> None:
    """Say how good the answer is: with -v in figures and pin by pin; always if a direct pin is years behind."""
    from pipx_parallel.locks import quality  # only once there is an answer

    for line in dict.fromkeys(line for resolution in resolutions for line in quality.notable(resolution)):
        request.context.printer.warn(line)
    if len(resolutions) > 1:
        _tell_splits(request, resolutions)
    for resolution in resolutions:
        if len(resolutions) > 1:
            request.context.printer.detail(f"{resolution.label}:")
        if not resolution.optimal:
            request.context.printer.detail("not every release was looked at: a better answer may exist")
        request.context.printer.detail(quality.sentence(quality.quality_of(resolution)))
        for line in quality.held_back(resolution):
            request.context.printer.detail(f"  {line}")


def _tell_splits(request: LockRequest, resolutions: Sequence[Resolution]) -> None:
    """Name the projects with several releases; with -v say which targets have which, and why."""
    from pipx_parallel.locks.splits import apart_by, split_lines, splits_of  # only with several targets

    splits = splits_of(resolutions)
    if splits:
        names = ", ".join(split.name for split in splits)
        request.context.printer.say(f"different releases for some {apart_by(resolutions)}: {names} (-v shows why)")
    for line in split_lines(splits):
        request.context.printer.detail(line)


def tell_cost(request: LockRequest, resolutions: Sequence[Resolution]) -> None:
    """Print with -v where the time went and what was fetched; with -vv every count as well."""
    seconds = dict(request.context.seconds)
    counts: dict[str, int] = {}
    stats = [resolution.stats for resolution in resolutions if resolution.stats is not None]
    for row in stats:
        for name, spent in row.seconds.items():
            seconds[name] = seconds.get(name, 0.0) + spent
        counts = {name: max(number, counts.get(name, 0)) for name, number in row.counts.items()}
    seconds["total"] = time.perf_counter() - request.context.began
    printer = request.context.printer
    printer.detail(_cost(seconds, counts))
    rows = [f"{name} {seconds[name]:.2f} s" for name in sorted(seconds)]
    rows += [f"{name.replace('_', ' ')} {number}" for name, number in counts.items()]
    rows += [f"{row.purpose} {row.requests} ({size(row.bytes)})" for row in (stats[-1].requests if stats else ())]
    printer.trace(", ".join(rows))
    for build in stats[-1].builds if stats else ():
        printer.detail(f"{build.name} {build.version} {build.outcome.value}")


def _cost(seconds: Mapping[str, float], counts: Mapping[str, int]) -> str:
    """Return the cost as one line: "fetched 321 responses (49.0 MB) in 6.1 s; solved in 0.9 s; wrote in 0.2 s; 7.3 s in all"."""
    requests, fetched = counts.get("requests", 0), counts.get("bytes", 0)
    responses = count(requests, "response")
    words = f"fetched {responses} ({size(fetched)})" if fetched else "fetched nothing"
    if requests and not fetched:
        words += f" ({responses} confirmed what the mirror has)"
    parts = [f"{words} in {seconds.get('fill', 0.0):.1f} s", f"solved in {seconds.get('solve', 0.0):.1f} s"]
    parts.append(f"wrote in {sum(seconds.get(name, 0.0) for name in _WRITING):.1f} s")
    parts.append(f"{seconds['total']:.1f} s in all")
    if hits := counts.get("hits", 0):
        parts.append(f"{count(hits, 'project')} read from the mirror")
    return "; ".join(parts)
