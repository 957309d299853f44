"""``audit``: which advisories of the mirror concern the pins of locks."""

from __future__ import annotations

import json
from typing import TYPE_CHECKING

from pipx_parallel.cli import VIOLATED
from pipx_parallel.cli.context import begin
from pipx_parallel.cli.output import show
from pipx_parallel.cli.request import settings_of
from pipx_parallel.config.option import POLICY, Argument, Option, rare
from pipx_parallel.config.options import INDEX, MIRROR, NETWORK
from pipx_parallel.errors import UsageError
from pipx_parallel.version import VERSION

if TYPE_CHECKING:
    from collections.abc import Mapping

    from pipx_parallel.locks.lock_reader import Lock

FORMAT = Option(("--format",), "Format of standard output.", metavar="FORMAT", choices=("text", "json", "sarif"))
OPTIONS = (FORMAT, *MIRROR, *POLICY, *rare(*INDEX, *NETWORK))
ARGUMENTS = (Argument("locks", "LOCK", many=True),)


def run(values: Mapping[str, object]) -> int:
    """Show the advisories that concern the pins of LOCKs (pylock.toml, requirements files, JSON reports). Needs no network.

    Without a LOCK, pylock.toml of this folder is read. The advisories are those that `mirror advisories update` stored; withdrawn
    ones do not count. Exit code 7 if any concerns a pin. `lock --avoid-vulnerable --diff` shows a lock without them.
    """
    from mirror.errors import Offline  # here and below: only what this command needs
    from mirror.keys import ADVISORIES
    from mirror.policy.stored_knowledge import StoredKnowledge
    from mirror.session.open_store import open_store
    from pipx_parallel.locks.audit import audit, render_json, render_sarif, render_text

    given = values.get("locks") or ("pylock.toml",)
    paths = given if isinstance(given, tuple) else (str(given),)
    context = begin({name: value for name, value in values.items() if name != "locks"}, OPTIONS)
    locks = [(str(path), _lock(str(path))) for path in paths]
    settings = settings_of(context)
    store = open_store(settings.mirror.location)
    try:
        if not store.get_many((ADVISORIES.key(""),)):
            raise Offline("the mirror has no advisories: run `pipx-parallel mirror advisories update FILE-OR-URL`")
        knowledge = StoredKnowledge(lambda key: store.get_many((key,)).get(key))
        ignored = settings.policy.ignored_advisories if settings.policy is not None else frozenset()
        vulnerabilities = audit(locks, lambda name: knowledge.of_project(name) or (), ignored)
    finally:
        store.close()
    match context.chosen.text("format"):
        case "json":
            show(json.dumps(render_json(vulnerabilities), indent=2) + "\n")
        case "sarif":
            show(json.dumps(render_sarif(vulnerabilities, VERSION), indent=2) + "\n")
        case _:
            show(render_text(vulnerabilities))
    return VIOLATED if vulnerabilities else 0


def _lock(path: str) -> Lock:
    from pipx_parallel.locks.lock_reader import read_lock  # as above

    try:
        with open(path, encoding="utf-8") as file:
            return read_lock(file.read(), path)
    except (OSError, UnicodeDecodeError) as error:
        raise UsageError(
            f"{path}: cannot be read as a lock ({error}); name a pylock.toml or a locked requirements file"
        ) from None
