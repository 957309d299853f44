"""``lock``: resolve sources and write lock files; existing pins are kept."""

from __future__ import annotations

from typing import TYPE_CHECKING

from pipx_parallel.cli import account, changes, locks
from pipx_parallel.cli.context import begin
from pipx_parallel.cli.output import save, show
from pipx_parallel.cli.request import read_request
from pipx_parallel.cli.session import missing_code, resolving
from pipx_parallel.config.options import (
    CHECK,
    DIFF,
    DIFF_FORMAT,
    FORMAT,
    INPUT_FILE,
    KEEP_GOING,
    OUTPUT,
    RESOLVE,
    SOURCES,
    UPGRADE,
)
from pipx_parallel.errors import StaleLock

if TYPE_CHECKING:
    from collections.abc import Mapping

OPTIONS = (*OUTPUT, FORMAT, CHECK, DIFF, DIFF_FORMAT, KEEP_GOING, *UPGRADE, INPUT_FILE, *RESOLVE)
ARGUMENTS = (SOURCES,)


def run(values: Mapping[str, object]) -> int:
    """Lock what the SOURCES ask for, and write the locks.

    A SOURCE is a requirements file, a pyproject.toml, a setup.cfg, a script with inline metadata, a folder, or - for
    standard input. Without one, the first of requirements.in, requirements.txt and pyproject.toml in this folder is read.

    Each output's name says its format: pylock.toml and pylock.NAME.toml, *.txt, *.sh, *.ps1, *.json. Without -o,
    pylock.toml is written beside the first source. All outputs are written, or none.
    """
    context = begin(values, OPTIONS)
    request = read_request(context)
    chosen = context.chosen
    names = locks.names_of(chosen.texts("output"), request.sources)
    checks, shows = chosen.flag("check"), chosen.flag("diff")
    locks.check_names(names, chosen, written=not (checks or shows))
    locks.refuse_inputs(names, request)
    before = changes.read_before(names)
    if checks and not shows and changes.all_fresh(request, before):
        context.printer.say(f"fresh: {', '.join(names)}")
        return 0
    request = changes.keeping_pins(request, before)
    with resolving(request) as resolutions:
        locks.refuse_bare(names, chosen, resolutions)
        artifacts = locks.render(request, resolutions, names)
    if shows:
        show(changes.difference(request, before, artifacts, resolutions))
    if checks and (reasons := changes.stale_reasons(before, artifacts)):
        raise StaleLock(reasons)
    done = changes.summary(before, artifacts)
    if not checks and not shows:
        save(artifacts, context.seconds)
        context.printer.say(f"locked {account.measure(request, resolutions)}{done and '; '}{done}")
    account.tell_quality(request, resolutions)
    context.printer.detail(account.cost(request, resolutions))
    return missing_code(resolutions)
