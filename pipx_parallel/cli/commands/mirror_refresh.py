"""``mirror refresh``: ask the indexes what has changed since their pages were stored."""

from __future__ import annotations

import json
import time
from collections import Counter
from contextlib import closing
from typing import TYPE_CHECKING

from mirror.keys import VIEWS, project_of
from mirror.names import is_project_name, normalize_name
from pipx_parallel.cli import failures_code
from pipx_parallel.cli.budget import MAX_REQUESTS, MAX_TIME, budget_of
from pipx_parallel.cli.cache_folder import cache_folder
from pipx_parallel.cli.commands.mirror_diff import FORMAT, change_lines
from pipx_parallel.cli.context import begin
from pipx_parallel.cli.numbers import number
from pipx_parallel.cli.output import show
from pipx_parallel.cli.package_lists import PACKAGES_FILE, listed_names
from pipx_parallel.cli.request import settings_of
from pipx_parallel.cli.wording import count, size
from pipx_parallel.config.mirror_location import mirror_settings
from pipx_parallel.config.option import Option
from pipx_parallel.config.options import INDEX, MIRROR, NETWORK
from pipx_parallel.errors import UsageError

if TYPE_CHECKING:
    from collections.abc import Mapping, Sequence

    from mirror.session.refresh import RefreshProgress, RefreshReport
    from pipx_parallel.cli.context import CommandContext

RATE = Option(("--requests-per-second",), "Start at most this many requests each second.", metavar="N")
OPTIONS = (PACKAGES_FILE, RATE, MAX_REQUESTS, MAX_TIME, FORMAT, *INDEX, *NETWORK, *MIRROR)
ARGUMENTS = ()
_SHOWN = 20


def run(values: Mapping[str, object]) -> int:
    """Ask the indexes for the projects of --packages-file, or for all of the mirror, and show what changed.

    A page that has not changed takes one conditional request. If the run is stopped, by a limit, by Ctrl-C or by a failure, the
    next run with the same projects continues it, and shows the changes of both.
    """
    from mirror.session.mirror import open_mirror
    from mirror.session.open_store import open_store, refuse_fixed  # here and below: only what this command needs
    from mirror.session.refresh import Refresh, RefreshProgress

    context = begin(values, OPTIONS)
    settings = settings_of(context)
    refuse_fixed(settings.mirror.location)
    if settings.mirror.offline:
        raise UsageError("mirror refresh asks the indexes, which --offline forbids")
    began, budget = time.monotonic(), budget_of(context.chosen)
    settings = settings._replace(mirror=settings.mirror._replace(refresh=True, keep_whole=True, budget=budget))
    asked = mirror_settings(settings)._replace(
        cache=cache_folder(), requests_per_second=number(context.chosen, "requests_per_second", above_zero=True) or 0.0
    )
    with closing(open_store(asked.location)) as store:
        names = _names(values) or sorted({project_of(key) for key, _ in store.scan(VIEWS.prefix)})
        progress = RefreshProgress(names, asked.indexes)
        progress.load(store, time.time())
    if progress.done:
        context.printer.say(
            f"going on with a refresh that was stopped: {len(progress.done):,} of {len(names):,} are done"
        )
    with open_mirror(asked, observer=context.progress) as mirror:
        try:
            refresh = Refresh(mirror, progress, time.time)
            report = refresh.run(names)
        finally:
            context.progress.close()
        counts = mirror.report.counts()
    if report.finished and not report.failures:
        with closing(open_store(asked.location)) as store:
            progress.delete(store)
    _show(context, report, progress, {**counts, "seconds": round(time.monotonic() - began, 1)})
    return failures_code(tuple(failure.error for failure in report.failures))


def _names(values: Mapping[str, object]) -> list[str]:
    """Return the projects of the files, each once, sorted. Raises ``UsageError`` for a line that is no project's name."""
    names = set()
    for origin, name in listed_names(values):
        if not is_project_name(name):
            raise UsageError(
                f"{origin}: {name!r} is no project name", "give one name on each line, without a specifier"
            )
        names.add(normalize_name(name))
    return sorted(names)


def _show(
    context: CommandContext, report: RefreshReport, progress: RefreshProgress, counts: Mapping[str, float]
) -> None:
    kinds: Counter[str] = Counter()
    lines: list[str] = []
    as_json = context.chosen.text("format") == "json"
    for change in progress.changes():
        kinds[change.kind] += 1
        lines += [json.dumps(change.to_json())] if as_json else change_lines(change, context.paint)
    if as_json:
        head = {
            "done": report.done,
            "finished": report.finished,
            "unknown": report.unknown,
            "failed": {failure.project: str(failure.error) for failure in report.failures},
            **{name: counts[name] for name in ("requests", "revalidated", "bytes", "seconds")},
        }
        show(json.dumps(head)[:-1] + ', "changes": [\n' + ",\n".join(lines) + "\n]}\n")
    elif lines:
        show("\n".join(lines) + "\n")
    if report.unknown:
        context.printer.warn(f"no index has {_some(report.unknown)}")
    if report.failures:
        names = [failure.project for failure in report.failures]
        context.printer.error(f"could not ask for {_some(names)} ({report.failures[0].error}); run again to go on")
    changed = ", ".join(f"{changed:,} {kind}" for kind, changed in sorted(kinds.items())) or "nothing changed"
    context.printer.say(
        f"{'refreshed' if report.finished else 'stopped after'} {count(report.done, 'project')}: {changed};"
        f" {count(int(counts['requests']), 'request')}, {counts['revalidated']:,} unchanged by their validators,"
        f" {size(int(counts['bytes']))}, {counts['seconds']:.1f} s"
        + ("" if report.finished else "; run again to go on")
    )


def _some(names: Sequence[str]) -> str:
    more = f" and {len(names) - _SHOWN:,} more" if len(names) > _SHOWN else ""
    return ", ".join(names[:_SHOWN]) + more
