"""``mirror prune``: make the mirror smaller."""

from __future__ import annotations

import re
import time
from contextlib import closing
from typing import TYPE_CHECKING

from pipx_parallel.cli.context import begin
from pipx_parallel.cli.numbers import number
from pipx_parallel.cli.request import settings_of
from pipx_parallel.cli.wording import count as counted
from pipx_parallel.cli.wording import size as sized
from pipx_parallel.config.option import Argument, Option, rare
from pipx_parallel.config.options import INDEX, MIRROR, NETWORK
from pipx_parallel.errors import UsageError

if TYPE_CHECKING:
    from collections.abc import Mapping

MAX_SIZE = Option(("--max-size",), "Maximum size of the mirror: 500M, 2G.", metavar="SIZE")
MAX_AGE = Option(("--max-age",), "Delete records that no index has confirmed for this many days.", metavar="DAYS")
WITHDRAWN = Option(("--withdrawn",), "Delete projects that their index does not list any more.", "flag")
DRY = Option(("--dry-run",), "Show what would be deleted, without deleting it.", "flag")
OPTIONS = (MAX_SIZE, MAX_AGE, WITHDRAWN, DRY, *MIRROR, *rare(*INDEX, *NETWORK))
ARGUMENTS: tuple[Argument, ...] = ()
_UNITS = {"": 1, "K": 1000, "M": 1000**2, "G": 1000**3}


def run(values: Mapping[str, object]) -> int:
    """Delete the records that have not been confirmed for longest, until the rest fits. What a certificate covers is kept."""
    from mirror.exchange.maintenance import prune
    from mirror.keys import VIEWS
    from mirror.session.open_store import open_store, refuse_fixed  # here and below: only what this command needs

    context = begin(values, OPTIONS)
    size, age = context.chosen.text("max_size"), number(context.chosen, "max_age", "days")
    withdrawn = context.chosen.flag("withdrawn")
    if size is None and age is None and not withdrawn:
        raise UsageError("say how much may stay: --max-size 500M, --max-age 90, --withdrawn, or several")
    dry = context.chosen.flag("dry_run")
    location = settings_of(context).mirror.location
    refuse_fixed(location)
    days = age * 86400 if age is not None else None
    with closing(open_store(location)) as store:
        done = prune(store, time.time(), max_bytes=_bytes(size), max_age=days, withdrawn=withdrawn, dry=dry)
    projects = sum(VIEWS.owns(key) for key in done.keys)
    note = f"; {done.retained} stay because a certificate covers them" if done.retained else ""
    context.printer.say(
        f"{'would delete' if dry else 'deleted'} {counted(projects, 'project')}, {sized(done.freed)}{note}"
    )
    return 0


def _bytes(text: str | None) -> int | None:
    if text is None:
        return None
    match = re.fullmatch(r"(\d{1,12})\s*([KMG]?)B?", text.strip().upper())
    if match is None:
        raise UsageError(f"--max-size: {text!r} cannot be used", "give a size such as 500M or 2G")
    return int(match[1]) * _UNITS[match[2]]
