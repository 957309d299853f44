"""The resolutions that ``tree`` and ``why`` show: of an existing lock as it is, else solved."""

from __future__ import annotations

import os
import re
import shlex
from typing import TYPE_CHECKING

from pipx_parallel.cli import locks
from pipx_parallel.cli.session import resolved
from pipx_parallel.errors import UsageError

if TYPE_CHECKING:
    from collections.abc import Sequence

    from pipx_parallel.cli.request import LockRequest
    from pipx_parallel.model import Resolution, Target

_RELEASE = r"(?:===?|~=|!=|[<>]=?)? *\d+[\w.!+*]*"
# Options that change what is solved: with them a lock is only an input like any other.
_ADDS = ("packages", "requirement", "constraint", "override", "exclude")


def shown_resolutions(
    request: LockRequest, *, licensed: bool = False, outdated: bool = False
) -> tuple[Resolution, ...]:
    """Return the pins and edges of the one SOURCE if it is a lock that has edges; else resolve, and say so of a lock.

    With ``licensed`` every pin has its licence, with ``outdated`` its newest release: a lock records neither.
    """
    text = lock_text(request)
    locked = _of_lock(request, text) if text is not None else None
    if locked is None:
        return resolved(request, licensed=licensed)
    if licensed:
        locked = _with_licences(locked, request)
    return _with_newest(locked, resolved(request)) if outdated else locked


def _with_licences(locked: tuple[Resolution, ...], request: LockRequest) -> tuple[Resolution, ...]:
    """Return the pins with the licences that the mirror knows; of the others METADATA is fetched, unless it is offline."""
    from pipx_parallel.cli.mirror_opening import opened  # here and below: only with licences
    from pipx_parallel.resolution.licences import with_licences

    given = request.settings
    offline = given._replace(mirror=given.mirror._replace(offline=True, refresh=False))
    for settings in (offline, *[given] * (not given.mirror.offline)):
        pins = [pin for resolution in locked for pin in resolution.pins]
        names = sorted({pin.name for pin in pins if pin.licence is None and pin.url is None})
        if names:
            with opened(settings, request.context.progress) as mirror:
                mirror.want_projects(names)
                for name in names:
                    mirror.project(name)
                locked = with_licences(locked, mirror)
    return locked


def _with_newest(locked: Sequence[Resolution], resolutions: Sequence[Resolution]) -> tuple[Resolution, ...]:
    """Return the pins with the newest releases that resolutions of the same targets name."""
    shown = []
    for mine, other in zip(locked, resolutions, strict=True):
        newest = {pin.name: (pin.latest, pin.libyears) for pin in other.pins}
        pins = [
            pin._replace(latest=newest[pin.name][0], libyears=newest[pin.name][1]) if pin.name in newest else pin
            for pin in mine.pins
        ]
        shown.append(mine._replace(pins=tuple(pins)))
    return tuple(shown)


def lock_text(request: LockRequest) -> str | None:
    """Return the text of the one SOURCE if it is a lock: pylock.toml, or requirements that a tool generated; else None."""
    if len(request.sources) != 1 or any(request.context.chosen.texts(name) for name in _ADDS):
        return None
    text = locks.existing(request.sources[0])
    if text is None:
        return None
    from pipx_parallel.requirements.generated import generator_of  # only if a source may be a lock

    return text if "\nlock-version" in f"\n{text}" or generator_of(text.encode()) is not None else None


def package_name(text: str, command: str) -> str:
    """Return the name of a package that a command was given. Raises ``UsageError`` for a file in its place."""
    if os.path.isfile(text):
        raise UsageError(f"{text} is a file, and {command} takes the name of a package first: {command} NAME {text}")
    return text


def refuse_version(name: str, sources: Sequence[str]) -> None:
    """Raise ``UsageError`` if a release stands where the SOURCES begin: a requirement is one word."""
    first = next(iter(sources), "")
    if re.fullmatch(_RELEASE, first) and not os.path.exists(first):
        wanted = f"{name}{'' if first[0] in '<>=!~' else '=='}{first}"
        raise UsageError(f"{first!r} is not a file", f"to ask for a release: why-not {shlex.quote(wanted)}")


def locked_for(request: LockRequest, text: str, targets: Sequence[Target]) -> tuple[Resolution, ...] | None:
    """Return the pins of a lock for each target, with the edges that the lock states; None if it states none."""
    from pipx_parallel.locks.locked_graph import locked_edges, locked_resolution  # here and below: only for a lock
    from pipx_parallel.targets.rules import TargetRules

    roots = request.inputs.roots
    edges = locked_edges(text, roots)
    if edges is None:
        return None
    each = [locked_resolution(edges, roots, target, TargetRules(target).marker_holds) for target in targets]
    shown = tuple([resolution for resolution in each if resolution is not None])
    return shown if len(shown) == len(each) else None


def _of_lock(request: LockRequest, text: str) -> tuple[Resolution, ...] | None:
    source = request.sources[0]
    shown = locked_for(request, text, request.targets)
    if shown is not None:
        request.context.printer.say(f"showing the pins of {source} as they are; nothing is resolved")
        return shown
    request.context.printer.say(f"{source} does not say which package requires which: resolving its pins anew")
    return None
