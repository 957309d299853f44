"""``mirror warm --shared``: one of many processes that fetch the projects of a list into one mirror in Redis."""

from __future__ import annotations

import time
from collections.abc import Sequence
from contextlib import closing
from typing import TYPE_CHECKING

from pipx_parallel.cli import failures_code
from pipx_parallel.cli.mirror_opening import opened
from pipx_parallel.cli.request import LockRequest
from pipx_parallel.cli.wording import count
from pipx_parallel.errors import UsageError

if TYPE_CHECKING:
    from mirror.records.model import FetchFailure
    from mirror.session.mirror import Mirror
    from pipx_parallel.resolution.closure import DependencyClosure

_AT_ONCE = 16  # projects that one process takes: what a process that dies leaves to the others
_SHOWN = 20


def warm_shared(request: LockRequest, window: int | None, takeover: float) -> int:
    """Fetch this process's share of a list, until all of it is fetched by somebody.

    The projects of the list are all that is fetched: what they depend on is not, so that no project is fetched by two processes.
    """
    from mirror.session.open_store import is_shared  # as below: only what this way of warming needs

    context, location = request.context, request.settings.mirror.location
    if not is_shared(location):
        raise UsageError("--shared needs a mirror in Redis: name it with --mirror redis://HOST/DATABASE")
    selection = request.settings.selection._replace(no_deps=True)
    request = request._replace(settings=request.settings._replace(selection=selection))
    names = sorted({root.name for root in request.inputs.roots})
    holes: list[FetchFailure] = []
    began, fetched = time.monotonic(), 0
    with opened(request.settings, context.progress) as mirror:
        from mirror.store.shared_work import SharedWork  # needs an extra, which the mirror has asked for

        with closing(SharedWork(location, names, takeover=takeover)) as work:
            try:
                for batch in work.batches(_AT_ONCE):
                    ours = [name for _, name in batch]
                    holes += _fetched(request, mirror, ours, window).holes
                    mirror.admin.release(ours)
                    work.done(batch)
                    fetched += len(batch)
            finally:
                context.progress.close()
        counts = mirror.report.counts()
    for hole in holes[:_SHOWN]:
        context.printer.warn(str(hole.error))
    context.printer.say(
        f"all {count(len(names), 'project')} are done, {fetched:,} of them here ({len(holes)} missing) in"
        f" {time.monotonic() - began:.1f} s: {count(counts['requests'], 'request')}, {counts['hits']} cached"
    )
    return failures_code(tuple(hole.error for hole in holes))


def _fetched(request: LockRequest, mirror: Mirror, names: Sequence[str], window: int | None) -> DependencyClosure:
    from pipx_parallel.resolution.closure import walk  # as above

    roots = tuple([root for root in request.inputs.roots if root.name in names])
    inputs = request.inputs._replace(roots=roots)
    return walk(inputs, request.targets, mirror, request.settings, window=window)
