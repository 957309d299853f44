"""``resolve``: as ``lock``, but to stdout, and it goes on if single projects fail."""

from __future__ import annotations

from typing import TYPE_CHECKING

from pipx_parallel.cli import account, locks
from pipx_parallel.cli.context import begin
from pipx_parallel.cli.output import save
from pipx_parallel.cli.request import read_request
from pipx_parallel.cli.session import missing_code, resolving
from pipx_parallel.config.options import FORMAT, INPUT_FILE, OUTPUT, RESOLVE, SOURCES, STYLE

if TYPE_CHECKING:
    from collections.abc import Mapping

OPTIONS = (*OUTPUT, *STYLE, FORMAT, INPUT_FILE, *RESOLVE)
ARGUMENTS = (SOURCES,)


def run(values: Mapping[str, object]) -> int:
    """Resolve requirements and print the result. Missing projects are reported, and the rest is resolved.

    If projects are missing, the exit code is not 0. Existing pins are not kept. With -o, files are written instead.
    """
    context = begin(values, OPTIONS)
    names = locks.names_of(context.chosen, ()) if context.chosen.texts("output") else (locks.STDOUT,)
    locks.check_names(names, context.chosen)
    request = read_request(context, keep_going=True)
    locks.refuse_conflicts(names, request)
    hashed, licensed = locks.need_hashes(names, context.chosen), locks.need_licences(names, context.chosen)
    with resolving(request, hashed=hashed, licensed=licensed) as resolutions:
        artifacts = locks.render(request, resolutions, names, figures=True)
    save(artifacts, context.seconds)
    account.tell_quality(request, resolutions)
    account.tell_cost(request, resolutions)
    return missing_code(resolutions)
