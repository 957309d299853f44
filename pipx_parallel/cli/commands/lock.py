"""``lock``: from sources to locks on disk, keeping what is pinned already."""

from __future__ import annotations

from typing import TYPE_CHECKING

from pipx_parallel.cli import account, changes, locks
from pipx_parallel.cli import session as job
from pipx_parallel.cli.options import (
    CHECK,
    DIFF,
    DIFF_FORMAT,
    FORMAT,
    INPUT_FILE,
    KEEP,
    KEEP_GOING,
    OUTPUT,
    RESOLVE,
    SOURCES,
)
from pipx_parallel.errors import StaleLock

if TYPE_CHECKING:
    from collections.abc import Mapping

OPTIONS = (*OUTPUT, FORMAT, CHECK, DIFF, DIFF_FORMAT, KEEP_GOING, *KEEP, INPUT_FILE, *RESOLVE)
ARGUMENTS = (SOURCES,)


def run(values: Mapping[str, object]) -> int:
    """Lock what the SOURCES ask for, and write the locks.

    A SOURCE is a requirements file, a pyproject.toml, a setup.cfg, a script with inline metadata, a folder, or - for
    standard input. Without one, the first of requirements.in, requirements.txt and pyproject.toml in this folder is read.

    Each output's name says its format: pylock.toml and pylock.NAME.toml, *.txt, *.sh, *.ps1, *.json. Without -o,
    pylock.toml is written beside the first source. All outputs are written, or none.
    """
    context = job.begin(values, OPTIONS)
    work = job.read(context)
    chosen = context.chosen
    names = locks.names_of(chosen.texts("output"), work.sources)
    checks, shows = chosen.flag("check"), chosen.flag("diff")
    locks.check_names(names, chosen, written=not (checks or shows))
    locks.refuse_inputs(names, work)
    before = changes.read_before(names)
    if checks and not shows and changes.all_fresh(work, before):
        context.printer.say(f"fresh: {', '.join(names)}")
        return 0
    work = changes.keeping_pins(work, before)
    with job.resolving(work) as resolutions:
        locks.refuse_bare(names, chosen, resolutions)
        artifacts = locks.render(work, resolutions, names)
    if shows:
        job.show(changes.difference(work, before, artifacts, resolutions))
    if checks and (reasons := changes.stale_reasons(before, artifacts)):
        raise StaleLock(reasons)
    done = changes.summary(before, artifacts)
    if not checks and not shows:
        job.save(artifacts, context.seconds)
        context.printer.say(f"locked {account.measure(work, resolutions)}{done and '; '}{done}")
    account.tell_quality(work, resolutions)
    context.printer.detail(account.cost(work, resolutions))
    return job.missing_code(resolutions)
