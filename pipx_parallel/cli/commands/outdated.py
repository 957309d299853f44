"""``outdated``: which pins of a lock are not the newest."""

from __future__ import annotations

from contextlib import closing
from typing import TYPE_CHECKING

from pipx_parallel.cli import changes, locks
from pipx_parallel.cli.context import begin
from pipx_parallel.cli.output import show, show_json
from pipx_parallel.cli.request import read_request
from pipx_parallel.cli.session import missing_code, resolved
from pipx_parallel.cli.shown_lock import lock_text
from pipx_parallel.config.option import format_option
from pipx_parallel.config.options import INPUT_FILE, OUTPUT, RESOLVE, SOURCES

if TYPE_CHECKING:
    from collections.abc import Mapping, Sequence

    from pipx_parallel.config.settings import ResolveSettings
    from pipx_parallel.locks.outdated import OutdatedPin
    from pipx_parallel.model import Resolution

FORMAT = format_option("table", "json")
_LOCK = OUTPUT[0]._replace(help="Lock whose pins are shown, if it is not the one that `lock` would write.")
OPTIONS = (FORMAT, _LOCK, INPUT_FILE, *RESOLVE)
ARGUMENTS = (SOURCES,)


def run(values: Mapping[str, object]) -> int:
    """Show the pins that are not the newest: current, wanted (what the same lines allow), newest, age in libyears, and status.

    The lock is the one that `lock` would write (-o names another); without a lock the current pins are those of a new one.
    """
    context = begin(values, OPTIONS)
    request = read_request(context, keep_going=True)
    if lock_text(request) is not None:
        source = request.sources[0]
        context.printer.say(
            f"{source} is a lock: 'wanted' is its own pin; name the requirements file to see what its lines allow"
        )
    before = changes.read_before(locks.names_of(context.chosen, request.sources))
    current = resolved(changes.keeping_pins(request, before))
    wanted = resolved(request) if any(before.values()) else current
    pins = _outdated(request.settings, current, wanted)
    if context.chosen.text("format") == "json":
        show_json([_json(pin) for pin in pins])
    else:
        from pipx_parallel.locks.outdated import render_table  # only for a table

        show(render_table(pins, context.paint))
    return missing_code(current)


def _outdated(
    settings: ResolveSettings, current: Sequence[Resolution], wanted: Sequence[Resolution]
) -> list[OutdatedPin]:
    from mirror.policy.stored_knowledge import StoredKnowledge  # here and below: only what this command needs
    from mirror.session.open_store import open_store
    from pipx_parallel.locks.outdated import outdated

    with closing(open_store(settings.mirror.location)) as store:
        knowledge = StoredKnowledge.of_store(store)
        return outdated(current, wanted, lambda name, version: knowledge.advisories(name, version) or ())


def _json(pin: OutdatedPin) -> dict[str, object]:
    return {
        "name": pin.name,
        "current": pin.current,
        "wanted": pin.wanted,
        "newest": pin.newest,
        "libyears": pin.libyears,
        "status": list(pin.status),
        "advisories": list(pin.advisories),
        "held-by": pin.held_by,
    }
