"""Measure what parallel fetching saves: the order of runs, and the figures. It starts no process itself."""

from __future__ import annotations

import json
from statistics import median
from typing import TYPE_CHECKING

from mirror.equality import NamedTuple

if TYPE_CHECKING:
    from collections.abc import Callable, Mapping, Sequence


class Run(NamedTuple):
    """One measured run, in seconds."""

    whole: float  # the process from start to end
    waiting: float  # of that, the time spent waiting for the index


class WorkerFigures(NamedTuple):
    """The figures of one worker count: medians over the rounds, in seconds.

    Speed-up and savings (percent; below 0 if it is slower) are relative to the first count, usually 1.
    """

    workers: int
    seconds: float  # the whole process
    fastest: float
    slowest: float
    speedup: float  # 2.0: twice as fast
    saving: float
    waiting: float  # for the index: the part that parallel fetching can save
    waiting_saving: float


def measure(run: Callable[[int], Run], workers: Sequence[int], rounds: int) -> dict[int, list[Run]]:
    """Run every worker count in every round and return the times of each run.

    The order alternates between rounds, so that drift (a busy machine, a cache on the way to the index) favours no worker count.
    Errors of ``run`` are not caught.
    """
    runs: dict[int, list[Run]] = {count: [] for count in workers}
    for turn in range(rounds):
        for count in workers if turn % 2 == 0 else reversed(workers):
            runs[count].append(run(count))
    return runs


def rows(runs: Mapping[int, Sequence[Run]]) -> tuple[WorkerFigures, ...]:
    """Return one row per worker count, in the order measured; the first is the baseline of the others."""
    wholes = {count: median([run.whole for run in measured]) for count, measured in runs.items()}
    waits = {count: median([run.waiting for run in measured]) for count, measured in runs.items()}
    base, base_wait = next(iter(wholes.values()), 0.0), next(iter(waits.values()), 0.0)
    return tuple(
        WorkerFigures(
            workers=count,
            seconds=wholes[count],
            fastest=min(run.whole for run in measured),
            slowest=max(run.whole for run in measured),
            speedup=base / wholes[count] if wholes[count] else 0.0,
            saving=_saved(wholes[count], base),
            waiting=waits[count],
            waiting_saving=_saved(waits[count], base_wait),
        )
        for count, measured in runs.items()
    )


def _saved(seconds: float, base: float) -> float:
    return 100 * (1 - seconds / base) if base else 0.0


def as_table(figures: Sequence[WorkerFigures]) -> str:
    """Return the rows as text for a terminal: the whole process, then the part of it that waited for the index."""
    heads = ("workers", "median", "fastest", "slowest", "speed-up", "saved", "waiting", "saved")
    lines = ["  ".join([f"{head:>{width}}" for head, width in zip(heads, (7, 8, 8, 8, 8, 6, 8, 6), strict=True)])]
    lines += [
        f"{row.workers:>7}  {row.seconds:>6.2f} s  {row.fastest:>6.2f} s  {row.slowest:>6.2f} s"
        f"  {row.speedup:>7.2f}x  {row.saving:>5.0f}%  {row.waiting:>6.2f} s  {row.waiting_saving:>5.0f}%"
        for row in figures
    ]
    return "\n".join(lines) + "\n"


def as_json(figures: Sequence[WorkerFigures], details: Mapping[str, object]) -> str:
    """Return the rows and ``details`` as JSON; seconds to the millisecond."""
    results = [{name: round(value, 3) for name, value in row._asdict().items()} for row in figures]
    return json.dumps({**details, "results": results}, indent=2) + "\n"
