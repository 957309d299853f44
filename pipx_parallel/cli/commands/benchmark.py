"""``benchmark``: the same list with each number of workers, each time by a new process on an empty mirror."""

from __future__ import annotations

import json
import os
import subprocess  # this command exists to start processes
import sys
import tempfile
import time
from typing import TYPE_CHECKING

import pipx_parallel
from pipx_parallel.cli import worker_figures
from pipx_parallel.cli.context import begin, sources_of
from pipx_parallel.cli.output import save, show
from pipx_parallel.config.checks import MOST_WORKERS
from pipx_parallel.config.option import Option, format_option
from pipx_parallel.config.options import CHOICE, INDEX, INPUT, INPUT_FILE, NETWORK, SOURCES, TARGET
from pipx_parallel.errors import UsageError
from pipx_parallel.locks.writer import check
from pipx_parallel.model import Artifact

if TYPE_CHECKING:
    from collections.abc import Mapping, Sequence

    from pipx_parallel.config.layers import Chosen

WORKERS = Option(("--workers",), 'Numbers of workers to compare ("1,5,10,20").', metavar="LIST")
ROUNDS = Option(("--rounds",), "Number of measured rounds [default: 3].", metavar="N")
FORMAT = format_option("table", "json")
SVG = Option(("--svg",), "Also write a chart to this SVG file.", "path", "FILE")
_PASSED = tuple(
    option for option in (*INPUT, INPUT_FILE, *INDEX, *NETWORK, *CHOICE, *TARGET) if option.dest != "max_workers"
)
OPTIONS = (WORKERS, ROUNDS, FORMAT, SVG, *_PASSED)
ARGUMENTS = (SOURCES,)


class _Failed(Exception):
    """A measured process did not do its request; ``code`` is how it ended, the text its own message."""

    def __init__(self, code: int, text: str) -> None:
        self.code = code
        super().__init__(text)


def run(values: Mapping[str, object]) -> int:
    """Measure how long a lock takes with each number of workers.

    Each run is a whole process (start-up, fetching, resolving, writing) with an empty mirror of its own. The table also shows the
    time in which the process only waited for the index, which is what more workers can save. One run that is not counted warms
    caches between here and the index. The order alternates between rounds. Figures are medians; the first number of workers is
    the baseline.
    """
    context = begin(values, OPTIONS)
    workers = _numbers(context.chosen, "workers", "1,5,10,20")
    rounds = _numbers(context.chosen, "rounds", "3")[0]
    svg = context.chosen.text("svg")
    check([svg] if svg else [])
    sources = sources_of(context)
    if "-" in sources:
        raise UsageError(
            "the benchmark reads its input several times, which - (standard input) does not allow", "give a file"
        )
    flags = [*passed(values), "-q", "--no-progress", "--", *sources]

    def once(count: int) -> worker_figures.Run:
        taken = _measured([f"--max-workers={count}", *flags])
        context.printer.say(f"{count} workers: {taken.whole:.2f} s, {taken.waiting:.2f} s of it waiting for the index")
        return taken

    context.printer.say("one run that is not counted, then the measured ones")
    try:
        once(max(workers))
        figures = worker_figures.rows(worker_figures.measure(once, workers, rounds))
    except _Failed as error:
        context.printer.error(f"a measured run failed: {error}")
        return error.code
    details = {"rounds": rounds, "sources": list(sources), "packages": list(context.chosen.texts("packages"))}
    as_json = context.chosen.text("format") == "json"
    show(worker_figures.as_json(figures, details) if as_json else worker_figures.as_table(figures))
    if svg:
        _draw(svg, figures)
        context.printer.say(f"wrote {svg}")
    return 0


def passed(values: Mapping[str, object]) -> list[str]:
    """Return the flags that every measured process gets: those of this command line that say what to resolve and where."""
    flags: list[str] = []
    for option in _PASSED:
        value = values.get(option.dest)
        name = next(name for name in option.names if name.startswith("--"))
        if value is True:
            flags.append(name)
        elif isinstance(value, tuple):
            flags += [f"{name}={item}" for item in value]
        elif value is not None:
            flags.append(f"{name}={value}")
    return flags


def _measured(flags: Sequence[str]) -> worker_figures.Run:
    """Return what one ``resolve`` takes on an empty mirror. Raises ``_Failed`` with its message."""
    with tempfile.TemporaryDirectory(prefix="pipx-parallel-benchmark-", ignore_cleanup_errors=True) as folder:
        outputs = [f"--mirror={folder}/mirror", f"--output={folder}/locked.txt", f"--output={folder}/r.json"]
        command = [sys.executable, "-P", "-m", "pipx_parallel", "resolve", *outputs, *flags]
        began = time.perf_counter()
        done = subprocess.run(  # noqa: S603 - our own module, flags as the user gave them
            command, stdin=subprocess.DEVNULL, capture_output=True, text=True, check=False, env=_environment()
        )
        seconds = time.perf_counter() - began
        if done.returncode:
            raise _Failed(done.returncode, done.stderr.strip().removeprefix("error: "))
        with open(f"{folder}/r.json", encoding="utf-8") as report:
            targets = json.load(report)["targets"]
    return worker_figures.Run(seconds, targets[-1]["counts"]["waited_ms"] / 1000)


def _environment() -> dict[str, str]:
    """Return the environment in which a new process finds this very tool, wherever it was imported from."""
    root = os.path.dirname(os.path.dirname(os.path.abspath(pipx_parallel.__file__)))  # as text
    return {**os.environ, "PYTHONPATH": os.pathsep.join(filter(None, (root, os.environ.get("PYTHONPATH"))))}


def _numbers(chosen: Chosen, name: str, default: str) -> list[int]:
    text = chosen.text(name) or default
    words = [word.strip() for word in text.split(",")]
    if not all(word.isdecimal() and 1 <= int(word) <= MOST_WORKERS for word in words):
        raise UsageError(f"{chosen.called(name)}: {text!r} cannot be used", f'give 1 to {MOST_WORKERS}, as "{default}"')
    return list(dict.fromkeys(map(int, words)))


def _draw(path: str, figures: Sequence[worker_figures.WorkerFigures]) -> None:
    from pipx_parallel.emitters.svg_chart import bar_chart  # only with --svg

    bars = [
        (f"{row.workers} worker{'s' * (row.workers != 1)} ({row.saving:.0f}% saved)", row.seconds) for row in figures
    ]
    save((Artifact(path, bar_chart("Time to resolve on an empty mirror, by workers", bars, "s")),))
