"""Warnings of options and inputs that have no effect, so that a typing error does not pass unnoticed."""

from __future__ import annotations

from typing import TYPE_CHECKING

from pipx_parallel.emitters.plain_text import one_line
from pipx_parallel.errors import NoSolution

if TYPE_CHECKING:
    from collections.abc import Iterable, Iterator, Sequence

    from pipx_parallel.cli.request import LockRequest
    from pipx_parallel.model import Resolution, RootRequirement


def without_effect(request: LockRequest, resolutions: Sequence[Resolution]) -> Iterator[str]:
    """Yield a warning for each option that named something the resolution has not, and for an input without requirements."""
    inputs, chosen = request.inputs, request.context.chosen
    if not inputs.roots:
        names = ", ".join(dict.fromkeys(file.path for file in inputs.files)) or "the input"
        yield f"{names}: there are no requirements"
        return
    pinned = {pin.name for resolution in resolutions for pin in resolution.pins}
    unused = [set(resolution.unused) for resolution in resolutions]
    never = set.intersection(*unused) if unused else set()
    for name in sorted(never & set(inputs.excludes)):
        yield _unused(chosen.called("exclude"), name, pinned)
    for name in sorted(never & {root.name for root in inputs.overrides}):
        yield _unused(chosen.called("override"), name, pinned)


def pin_conditions(request: LockRequest, resolutions: Sequence[Resolution]) -> Iterator[str]:
    """Yield a warning for each thing that has become of a pin: a yank (PEP 592), a status (PEP 792), a changed file.

    What the policy says to allow is not reported.
    """
    pins = {(pin.name, pin.version): pin for resolution in resolutions for pin in resolution.pins if pin.conditions}
    if not pins:
        return
    allowed = allowed_conditions(request)
    for (name, version), pin in sorted(pins.items()):
        for condition in pin.conditions:
            if condition.kind.value not in allowed:
                yield one_line(f"{name} {version} {condition.text}")


def allowed_conditions(request: LockRequest) -> frozenset[str]:
    """Return the kinds of conditions that the policy allows without a word."""
    rules = request.settings.policy
    if rules is None:
        return frozenset()
    statuses = [name for name, action in rules.statuses.items() if action.value == "allow"]
    return frozenset([*statuses, *["yanked"] * (rules.yanked.value == "allow")])


def without_pin(moving: Sequence[RootRequirement], resolutions: Sequence[Resolution]) -> Iterator[str]:
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
