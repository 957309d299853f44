"""``mirror advisories update``: take advisories into the mirror."""

from __future__ import annotations

import time
from contextlib import closing
from typing import TYPE_CHECKING

from pipx_parallel.cli.context import begin
from pipx_parallel.cli.mirror_opening import opened
from pipx_parallel.cli.request import settings_of
from pipx_parallel.cli.wording import count
from pipx_parallel.config.option import Argument, rare
from pipx_parallel.config.options import INDEX, MIRROR, NETWORK
from pipx_parallel.errors import UsageError

if TYPE_CHECKING:
    from collections.abc import Generator, Mapping

    from mirror.ports import Exchange, Request
    from pipx_parallel.cli.context import CommandContext

OPTIONS = (*MIRROR, *rare(*INDEX, *NETWORK))
ARGUMENTS = (Argument("location", "FILE-OR-URL"),)


def run(values: Mapping[str, object]) -> int:
    """Replace the advisories of the mirror by those of an export: the ZIP file of OSV documents for the ecosystem PyPI."""
    from mirror.exchange.advisory_update import update  # here and below: only what this command needs
    from mirror.session.open_store import open_store, refuse_fixed

    location = str(values["location"])
    context = begin(values, OPTIONS)
    refuse_fixed(settings_of(context).mirror.location)
    data = _fetched(context, location) if "://" in location else _read(location)
    with closing(open_store(settings_of(context).mirror.location)) as store:
        done = update(store, data, location, time.time())
    context.printer.say(f"{count(done.advisories, 'advisory entry')} for {count(done.projects, 'project')}")
    if done.skipped:
        context.printer.warn(f"{count(done.skipped, 'document')} of {location} could not be read and were left out")
    return 0


def _read(path: str) -> bytes:
    try:
        with open(path, "rb") as file:
            return file.read()
    except OSError as error:
        raise UsageError(
            f"{path}: cannot be read ({error.strerror})", "name a ZIP file of OSV documents, or its URL"
        ) from None


def _fetched(context: CommandContext, url: str) -> bytes:
    from mirror.errors import Offline  # here and below: only for a URL

    settings = settings_of(context)
    if settings.mirror.offline:
        raise Offline(f"{url}: not fetched, because --offline forbids it", remedy="leave out --offline, or name a file")
    with opened(settings, context.progress) as mirror:
        body = mirror.run({url: _download(url)})[url]
    if isinstance(body, bytes):
        return body
    raise body


def _download(url: str) -> Generator[Request, Exchange, bytes]:
    from mirror.errors import Unreachable  # as above
    from mirror.exchange.advisory_update import LARGEST_EXPORT
    from mirror.ports import Request

    exchange = yield Request(url, limit=LARGEST_EXPORT)
    if exchange.status != 200 or exchange.problem is not None:
        raise Unreachable(f"{url}: {exchange.trouble}")
    return exchange.body
