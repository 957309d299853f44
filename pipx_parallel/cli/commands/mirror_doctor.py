"""``mirror doctor``: find what is wrong with the mirror, and repair what can be repaired."""

from __future__ import annotations

from typing import TYPE_CHECKING

from mirror.errors import MirrorError
from pipx_parallel.cli import MISMATCH
from pipx_parallel.cli.context import begin
from pipx_parallel.cli.request import settings_of
from pipx_parallel.cli.wording import count as counted
from pipx_parallel.config.option import Argument, Option, rare
from pipx_parallel.config.options import INDEX, MIRROR, NETWORK

if TYPE_CHECKING:
    from collections.abc import Mapping

REPAIR = Option(("--repair",), "Delete damaged records; they are fetched again when needed.", "flag")
OPTIONS = (REPAIR, *MIRROR, *rare(*INDEX, *NETWORK))
ARGUMENTS: tuple[Argument, ...] = ()


def run(values: Mapping[str, object]) -> int:
    """Check permissions, disk space, foreign (pickled) rows, schema versions and the digest of every record.

    Exit code 0: no damage, or repaired; 6: damage found.
    """
    from mirror.exchange.maintenance import check, old_schemas, repair
    from mirror.session.open_store import open_store, refuse_fixed  # here and below: only what this command needs

    context = begin(values, OPTIONS)
    location = settings_of(context).mirror.location
    repairs = context.chosen.flag("repair")
    if repairs:
        refuse_fixed(location)
    problems, warned = 0, list[str]()
    if _is_folder(location):
        from mirror.store.repair import examine, warnings

        warned = warnings(location)
        for line in warned:
            context.printer.warn(line)
        for line in examine(location, repairs=repairs):
            context.printer.warn(line)
            problems += not repairs
    store = open_store(location)
    try:
        for schema, count in sorted(old_schemas(store).items()):
            context.printer.say(f"{count} records are of schema {schema}: they are fetched again when they are needed")
        damages = list(check(store))
        for damage in damages:
            context.printer.warn(f"{damage.key}: {damage.problem}")
        gone = repair(store, damages) if repairs else 0
    except MirrorError as error:
        context.printer.error(str(error))
        return MISMATCH
    finally:
        store.close()
    if repairs and damages:
        context.printer.say(f"deleted {counted(gone, 'record')}")
    problems += 0 if repairs else len(damages)
    context.printer.say(
        ("no record is damaged" if warned else "all is well")
        if not problems
        else f"{counted(problems, 'problem')}; repair: mirror doctor --repair"
    )
    return MISMATCH if problems else 0


def _is_folder(location: str) -> bool:
    import os  # loaded by every interpreter; named where it is used

    return os.path.isdir(location)  # as elsewhere
