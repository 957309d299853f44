"""``mirror warm``: fill the mirror with what the sources touch, or with all that they ever could."""

from __future__ import annotations

import re
import time
from typing import TYPE_CHECKING

from pipx_parallel.cli import account, failures_code
from pipx_parallel.cli.commands.mirror_verify import ARCHIVES, hole_lines
from pipx_parallel.cli.context import CommandContext, begin
from pipx_parallel.cli.mirror_opening import opened
from pipx_parallel.cli.request import LockRequest, read_request
from pipx_parallel.cli.session import missing_code, resolved
from pipx_parallel.cli.wording import count, size
from pipx_parallel.config.option import Option
from pipx_parallel.config.options import CHOICE, INDEX, INPUT, INPUT_FILE, MIRROR, NETWORK, SOURCES, TARGET
from pipx_parallel.errors import UsageError

if TYPE_CHECKING:
    from collections.abc import Mapping

DEPTH = Option(
    ("--depth",),
    'What to fetch: "chosen" (what a resolve reads; the default), "window:N" (the newest N releases of everything reachable) '
    'or "closure" (everything that any re-resolve could need).',
    metavar="DEPTH",
)
PACKAGES_FILE = Option(
    ("--packages-file",), "File of project names, one per line, each fetched by itself.", "path", "FILE", multiple=True
)
MAX_REQUESTS = Option(("--max-requests",), "Stop after about this many requests; the next run continues.", metavar="N")
MAX_TIME = Option(("--max-time",), "Stop after this many seconds; the next run continues.", metavar="SECONDS")
OPTIONS = (
    DEPTH,
    ARCHIVES,
    PACKAGES_FILE,
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


class Budget:
    """How many requests and seconds a run may use; ``spent`` is set once the limit has stopped a request."""

    def __init__(self, requests: int | None, seconds: float | None, began: float) -> None:
        """Take the limits, None for none, and the monotonic time of the start."""
        self.requests = requests
        self.seconds = seconds
        self.began = began
        self.spent = False

    def lasts(self, requests: int) -> bool:
        """Return whether the run may go on after this many requests."""
        over = self.requests is not None and requests >= self.requests
        over = over or (self.seconds is not None and time.monotonic() - self.began >= self.seconds)
        self.spent = self.spent or over
        return not over


def run(values: Mapping[str, object]) -> int:
    """Fill the mirror with everything that a lock of the SOURCES needs, so that it works offline.

    What is not available is listed at the end; everything else is stored. If it is stopped by a limit, by Ctrl-C or by a failure,
    the next run continues; what has not changed takes one conditional request per project.
    """
    names = _named(values)
    if names:
        message = values.get("packages") or ()
        values = {**values, "packages": (*(message if isinstance(message, tuple) else (str(message),)), *names)}
    context = begin(values, OPTIONS)
    depth, window = _depth(context)
    budget = Budget(_number(context, "max_requests"), _seconds(context), time.monotonic())
    if depth != "chosen" or names:
        return _warm_closure(context, 1 if depth == "chosen" else window, budget)
    if budget.requests is None and budget.seconds is None:
        return _warm_chosen(context)
    # A resolve cannot be stopped half-way, the walk to the newest releases can: it fetches most of what a resolve reads.
    code = _warm_closure(context, 1, budget)
    return code if budget.spent else _warm_chosen(context)


def _warm_chosen(context: CommandContext) -> int:
    request = _keeping_whole(read_request(context))
    request = request._replace(settings=request.settings._replace(keep_going=True))
    resolutions = resolved(request)
    context.printer.say(f"warmed {account.measure(request, resolutions)}")
    account.tell_cost(request, resolutions)
    return missing_code(resolutions)


def _keeping_whole(request: LockRequest) -> LockRequest:
    """Return the request with all files of every page kept, so that the mirror has old releases too.

    Raises ``StoreError`` if the mirror can only be read.
    """
    from mirror.session.open_store import refuse_fixed  # loaded by now

    refuse_fixed(request.settings.mirror.location)
    return request._replace(
        settings=request.settings._replace(mirror=request.settings.mirror._replace(keep_whole=True))
    )


def _warm_closure(context: CommandContext, window: int | None, budget: Budget) -> int:
    from pipx_parallel.resolution.closure import walk  # only these depths walk

    request = _keeping_whole(read_request(context))
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
                may_go_on=lambda: budget.lasts(mirror.report.counts()["requests"]),
            )
        finally:
            context.progress.close()
        counts = mirror.report.counts()
    for line in hole_lines(reach)[:_SHOWN]:
        context.printer.warn(line)
    if len(reach.holes) > _SHOWN:
        context.printer.warn(f"and {len(reach.holes) - _SHOWN} more; `mirror verify` lists all")
    seconds = time.monotonic() - budget.began
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
    kind, mark, number = text.partition(":")
    if kind == "window" and number.isdecimal() and 0 < int(number) < 1_000_000:
        return kind, int(number)
    if text in {"chosen", "closure"} and not mark:
        return text, None
    raise UsageError(f"--depth: {text!r} cannot be used; give chosen, window:N or closure")


def _number(context: CommandContext, name: str) -> int | None:
    text = context.chosen.text(name)
    if text is None:
        return None
    if not text.isdecimal() or not int(text):
        raise UsageError(f"--{name.replace('_', '-')}: {text!r} cannot be used; give a whole number above 0")
    return int(text)


def _seconds(context: CommandContext) -> float | None:
    text = context.chosen.text("max_time")
    if text is None:
        return None
    if not re.fullmatch(r"\d{1,6}(\.\d+)?", text) or not float(text):
        raise UsageError(f"--max-time: {text!r} cannot be used; give a number of seconds above 0")
    return float(text)


def _named(values: Mapping[str, object]) -> tuple[str, ...]:
    """Return the names in the files of ``--packages-file``; blank lines and comments are passed over."""
    files = values.get("packages_file") or ()
    names: list[str] = []
    for path in files if isinstance(files, tuple) else (str(files),):
        try:
            with open(str(path), encoding="utf-8") as file:
                names += [word for line in file if (word := line.partition("#")[0].strip())]
        except (OSError, UnicodeDecodeError) as error:
            raise UsageError(f"{path}: cannot be read ({error})") from None
    return tuple(names)
