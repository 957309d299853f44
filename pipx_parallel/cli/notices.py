"""Warnings of options and inputs that have no effect, so that a typing error does not pass unnoticed."""

from __future__ import annotations

from contextlib import suppress
from typing import TYPE_CHECKING

from pipx_parallel.emitters.plain_text import one_line
from pipx_parallel.errors import NoSolution, RequirementsError, UsageError

if TYPE_CHECKING:
    from collections.abc import Iterable, Iterator, Mapping, Sequence

    from pipx_parallel.cli.request import LockRequest
    from pipx_parallel.config.layers import Chosen
    from pipx_parallel.model import Part, Pin, Resolution, RootRequirement, Target

_SHOWN = 8  # extras or groups that a message names before it counts the rest


def without_effect(request: LockRequest, resolutions: Sequence[Resolution]) -> Iterator[str]:
    """Yield a warning for each option that named something the resolution has not, and for an input without requirements."""
    inputs, chosen = request.inputs, request.context.chosen
    if not inputs.roots:
        names = ", ".join(dict.fromkeys(file.path for file in inputs.files)) or "--packages"
        yield f"{names}: there are no requirements"
        return
    yield from _of_flags(request, several=len(resolutions) > 1)
    pinned = {pin.name for resolution in resolutions for pin in resolution.pins}
    unused = [set(resolution.unused) for resolution in resolutions]
    never = set.intersection(*unused) if unused else set()
    for name in sorted(never & set(inputs.excludes)):
        yield _unused(chosen.called("exclude"), name, pinned)
    for name in sorted(never & {root.name for root in inputs.overrides}):
        yield _unused(chosen.called("override"), name, pinned)


def _of_flags(request: LockRequest, *, several: bool) -> Iterator[str]:
    """Yield a warning for each flag that only has a meaning beside another one; in variables and settings it waits for that."""
    chosen, target = request.context.chosen, request.settings.target
    named = target.universal or bool(target.platforms or target.targets)
    rows = (
        ("requires_python", target.universal, "--universal"),
        ("minimum_glibc", named, "--platform, --target or --universal"),
        ("minimum_macos", named, "--platform, --target or --universal"),
        ("fork", several, "several targets"),
        ("diff_format", chosen.flag("diff") or chosen.flag("check"), "--diff or --check"),
    )
    for option, holds, needed in rows:
        if not holds and chosen.place_of(option) == "flag":
            yield f"{chosen.called(option)} has no effect without {needed}"


def of_left_out(parts: Sequence[Part]) -> Iterator[str]:
    """Yield which extras and groups a lock does not have, and how it gets them: pip and uv leave them out, too."""
    if not parts:
        return
    words, options = [], []
    for kind in ("extra", "group"):
        names = [part.name for part in parts if part.kind == kind]
        if names:
            more = f" and {len(names) - _SHOWN} more" if len(names) > _SHOWN else ""
            words.append(f"{kind}{'s' * (len(names) > 1)} {', '.join(names[:_SHOWN])}{more}")
            options.append(f"--{kind} {names[0]}, --all-{kind}s")
    yield one_line(f"without {' and '.join(words)} ({', '.join(options)})")


def pin_conditions(request: LockRequest, resolutions: Sequence[Resolution]) -> Iterator[str]:
    """Yield a warning for each thing that has become of a pin: a yank (PEP 592), a status (PEP 792), a changed file.

    What the policy says to allow is not reported, nor what a diff on standard output reports (``--diff-format markdown`` does not).
    """
    chosen = request.context.chosen
    if shows_diff(chosen) and chosen.text("diff_format") != "markdown":
        return
    pins = {(pin.name, pin.version): pin for resolution in resolutions for pin in resolution.pins if pin.conditions}
    if not pins:
        return
    allowed = allowed_conditions(request)
    for (name, version), pin in sorted(pins.items()):
        for condition in pin.conditions:
            if condition.kind.value not in allowed:
                yield one_line(f"{name} {version} {condition.text}")


def shows_diff(chosen: Chosen) -> bool:
    """Return whether ``lock`` writes what would change to standard output."""
    return chosen.flag("diff") or (chosen.flag("check") and chosen.text("diff_format") == "json")


def allowed_conditions(request: LockRequest) -> frozenset[str]:
    """Return the kinds of conditions that the policy allows without a word."""
    rules = request.settings.policy
    if rules is None:
        return frozenset()
    statuses = [name for name, action in rules.statuses.items() if action.value == "allow"]
    return frozenset([*statuses, *["yanked"] * (rules.yanked.value == "allow")])


def of_pythons(requires_python: str | None, targets: Sequence[Target]) -> list[str]:
    """Return a line for each target whose Python the inputs themselves do not take: the project is not installed there."""
    if not requires_python:
        return []
    from pipx_parallel.targets.rules import TargetRules  # loaded with the solver; named where it is used

    refused = [target for target in targets if not TargetRules(target).python_allowed(requires_python)]
    asked = f"the input requires Python {requires_python}"
    return [
        one_line(f"{asked}, and this lock is for {row.python_full_version} (see --python-version)") for row in refused
    ]


def refuse_pythons(request: LockRequest) -> None:
    """Raise ``UsageError`` if the inputs take the Python of no target: such a lock is never what its project needs."""
    lines = of_pythons(request.inputs.requires_python, request.targets) if request.inputs.requires_python else []
    if lines and len(lines) == len(request.targets):
        raise UsageError(lines[0], "name a Python that it takes: --python-version")


def of_upgrades(
    moving: Sequence[RootRequirement], before: Mapping[str, str | None], resolutions: Sequence[Resolution]
) -> Iterator[str]:
    """Yield a warning for each name of --upgrade-package that has moved nothing.

    Raises ``NoSolution`` for a specifier that no release could satisfy.
    """
    yield from _without_pin(moving, resolutions)
    yield from _not_moved(moving, before, resolutions)


def _without_pin(moving: Sequence[RootRequirement], resolutions: Sequence[Resolution]) -> Iterator[str]:
    """Yield a warning for each name of --upgrade-package that no target has.

    Raises ``NoSolution`` for one with a specifier: the release that was asked for could not be chosen.
    """
    pinned = {pin.name for resolution in resolutions for pin in resolution.pins}
    for root in moving:
        if root.name in pinned:
            continue
        if root.specifier:
            reason = f"--upgrade-package {root.text}: no release of {root.name} satisfies this together with the requirements"
            raise NoSolution((reason,))
        yield _unused("--upgrade-package", root.name, pinned)


def _not_moved(
    moving: Sequence[RootRequirement], before: Mapping[str, str | None], resolutions: Sequence[Resolution]
) -> Iterator[str]:
    """Yield a warning for each name of --upgrade-package that stays at the release of an existing lock, with what holds it."""
    names = {root.name for root in moving if not root.specifier}
    if not names:
        return
    from pipx_parallel.locks.lock_reader import read_pins  # only with --upgrade-package

    texts = [(name, text) for name, text in before.items() if text]
    with suppress(RequirementsError):  # reported when its pins were read
        earlier = {(pin.name, pin.version) for name, text in texts for pin in read_pins(text, name)}
        for resolution in resolutions:
            for pin in resolution.pins:
                if pin.name in names and pin.latest not in {None, pin.version} and (pin.name, pin.version) in earlier:
                    names.discard(pin.name)
                    reason = pin.reason or "an existing lock holds what it needs"
                    stays = f"{pin.name} stays at {pin.version}, not {pin.latest}: {reason}{_way_out(pin, resolution)}"
                    yield one_line(f"--upgrade-package {stays}")


def _way_out(pin: Pin, resolution: Resolution) -> str:
    """Return in parentheses what would let a pin move; of a package whose bound holds it, the line that holds this in turn."""
    if pin.bounded:
        return ""
    from packaging.requirements import (
        InvalidRequirement,
        Requirement,
    )  # here and below: only for a pin that -P has not moved
    from packaging.version import InvalidVersion

    def excludes(requirement: str) -> bool:
        try:
            return not Requirement(requirement).specifier.contains(pin.latest or "", prereleases=True)
        except (InvalidRequirement, InvalidVersion):
            return False

    edges = [edge for edge in resolution.edges if edge.parent and edge.child == pin.name]
    above = {edge.parent_project for edge in edges if excludes(edge.requirement)}
    lines = [f"{row.name} {row.version}: {row.reason}" for row in resolution.pins if row.name in above and row.bounded]
    return f" ({'; '.join(lines) if lines else 'pins that -P does not name are kept; -U upgrades all'})"


def kept_against_resolution(request: LockRequest) -> str | None:
    """Return the warning that existing pins were kept although other releases are preferred now; None if that is not so."""
    selection, chosen = request.settings.selection, request.context.chosen
    if not selection.preferred or selection.resolution == "highest" or chosen.place_of("resolution") != "flag":
        return None
    option = f"--resolution {selection.resolution}"
    return f"{option} applies to new packages only, because existing pins are kept; add -U to apply it to all"


def _unused(option: str, name: str, pinned: Iterable[str]) -> str:
    from pipx_parallel.nearest_names import nearest  # only on the way to a warning

    near = nearest(name, pinned)
    return f"{option} {name} has no effect: no requirement names it" + (f"; did you mean {near!r}?" if near else "")
