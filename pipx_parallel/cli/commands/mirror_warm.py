"""``mirror warm``: fill the mirror with what the sources touch, or with all that they ever could."""

from __future__ import annotations

import time
from typing import TYPE_CHECKING

from pipx_parallel.cli import DONE, account, failures_code
from pipx_parallel.cli.budget import MAX_REQUESTS, MAX_TIME, budget_of
from pipx_parallel.cli.commands.mirror_verify import ARCHIVES, hole_lines
from pipx_parallel.cli.context import CommandContext, begin
from pipx_parallel.cli.mirror_opening import opened
from pipx_parallel.cli.numbers import number
from pipx_parallel.cli.package_lists import PACKAGES_FILE, listed_names
from pipx_parallel.cli.request import LockRequest, read_request
from pipx_parallel.cli.session import missing_code, resolved
from pipx_parallel.cli.wording import count, size
from pipx_parallel.config.option import Option
from pipx_parallel.config.options import CHOICE, INDEX, INPUT, INPUT_FILE, MIRROR, NETWORK, SOURCES, TARGET
from pipx_parallel.errors import UsageError

if TYPE_CHECKING:
    from collections.abc import Mapping

    from mirror.limits import RequestBudget

DEPTH = Option(
    ("--depth",),
    'What to fetch: chosen, window:N or closure; "chosen" is what a resolve reads (the default; of each name of --packages-file by '
    'itself), "window:N" the newest N releases of everything reachable, "closure" everything that any re-resolve could need.',
    metavar="DEPTH",
)
SHARED = Option(
    ("--shared",),
    "Share --packages-file among processes, in Redis; one of those that do so on this mirror fetches each project.",
    "flag",
)
TAKEOVER = Option(
    ("--takeover",),
    "With --shared: seconds after which another process takes over what one has not finished (default 60).",
    metavar="SECONDS",
    rare=True,
)
OPTIONS = (
    DEPTH,
    ARCHIVES,
    PACKAGES_FILE,
    SHARED,
    TAKEOVER,
    MAX_REQUESTS,
    MAX_TIME,
    *INPUT,
    INPUT_FILE,
    *INDEX,
    *NETWORK,
    *MIRROR,
    *CHOICE,
    *TARGET,
)
ARGUMENTS = (SOURCES,)
_SHOWN = 20
_NOT_TOGETHER = "a lock of several of these may need older releases or pre-releases: --depth closure fetches those, too"


def run(values: Mapping[str, object]) -> int:
    """Fill the mirror with everything that a lock of the SOURCES needs, so that it works offline.

    What is not available is listed at the end; everything else is stored. If it is stopped by a limit, by Ctrl-C or by a failure,
    the next run continues; what has not changed takes one conditional request per project.
    """
    names = [name for _, name in listed_names(values)]
    if names:
        message = values.get("packages") or ()
        values = {**values, "packages": (*(message if isinstance(message, tuple) else (str(message),)), *names)}
    context = begin(values, OPTIONS)
    depth, window = _depth(context)
    budget = budget_of(context.chosen)
    if context.chosen.flag("shared"):
        from pipx_parallel.cli.shared_warm import warm_shared  # few mirrors are in Redis

        if not names:
            raise UsageError("--shared needs --packages-file: the list that the processes share")
        if budget is not None:
            raise UsageError(
                "--shared cannot be used with --max-requests or --max-time",
                "stop it with Ctrl-C; the next run continues",
            )
        return warm_shared(
            keeping_whole(read_request(context)),
            1 if depth == "chosen" else window,
            number(context.chosen, "takeover", "seconds", above_zero=True) or 60.0,
        )
    request = keeping_whole(read_request(context), budget)
    if depth != "chosen" or names:
        code = _warm_closure(request, 1 if depth == "chosen" else window)
        if depth == "chosen":
            context.printer.say(_NOT_TOGETHER)
        return code
    return _warm_chosen(request)


def _warm_chosen(request: LockRequest) -> int:
    from mirror.limits import BudgetSpentError  # only what reads the network

    context = request.context
    request = request._replace(settings=request.settings._replace(keep_going=True))
    try:
        resolutions = resolved(request)
    except BudgetSpentError:
        context.printer.say("stopped by the budget; what arrived is stored; run again to go on")
        return DONE
    context.printer.say(f"warmed {account.measure(request, resolutions)}")
    account.tell_cost(request, resolutions)
    return missing_code(resolutions)


def keeping_whole(request: LockRequest, budget: RequestBudget | None = None) -> LockRequest:
    """Return the request with all files of every page kept, so that the mirror has old releases too.

    ``budget`` has the limits of the run. Raises ``StoreError`` if the mirror can only be read.
    """
    from mirror.session.open_store import refuse_fixed  # loaded by now

    refuse_fixed(request.settings.mirror.location)
    access = request.settings.mirror._replace(keep_whole=True, budget=budget)
    return request._replace(settings=request.settings._replace(mirror=access))


def _warm_closure(request: LockRequest, window: int | None) -> int:
    from pipx_parallel.resolution.closure import walk  # only these depths walk

    context, began = request.context, time.monotonic()
    with opened(request.settings, context.progress) as mirror:
        try:
            archives = context.chosen.flag("archives")
            reach = walk(
                request.inputs,
                request.targets,
                mirror,
                request.settings,
                window=window,
                archives=archives,
            )
        finally:
            context.progress.close()
        counts = mirror.report.counts()
    for line in hole_lines(reach)[:_SHOWN]:
        context.printer.warn(line)
    if len(reach.holes) > _SHOWN:
        context.printer.warn(f"and {len(reach.holes) - _SHOWN} more; `mirror verify` lists all")
    seconds = time.monotonic() - began
    context.printer.say(
        f"{'warmed' if reach.finished else 'stopped by the budget after'} {count(len(reach.releases), 'project')},"
        f" {count(reach.size, 'release')} ({len(reach.holes)} missing) in {seconds:.1f} s:"
        f" {count(counts['requests'], 'request')}, {size(counts['bytes'])}, {counts['hits']} cached,"
        f" {counts['revalidated']} unchanged" + ("" if reach.finished else "; run again to go on")
    )
    if reach.left_out:
        context.printer.say(
            f"{reach.left_out} older releases are only source archives and were not looked at; --archives downloads and builds them"
        )
    return failures_code(tuple(failure.error for failure in reach.holes))


def _depth(context: CommandContext) -> tuple[str, int | None]:
    text = context.chosen.text("depth") or "chosen"
    kind, mark, size = text.partition(":")
    if kind == "window" and size.isdecimal() and 0 < int(size) < 1_000_000:
        return kind, int(size)
    if text in {"chosen", "closure"} and not mark:
        return text, None
    raise UsageError(f"--depth: {text!r} cannot be used", "give chosen, window:N or closure")
