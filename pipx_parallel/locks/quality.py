"""The quality of a resolution in libyears: how much older a pin is than the newest release its target could install.

A libyear is a year of 365.25 days between the uploads of the two. It is unknown if an index states no upload times.
"""

from __future__ import annotations

from typing import TYPE_CHECKING

from mirror.equality import NamedTuple
from pipx_parallel.model import WithoutExtra

if TYPE_CHECKING:
    from collections.abc import Iterator

    from pipx_parallel.model import Pin, Relaxation, Resolution

YEAR = 365.25 * 86_400  # seconds
NOTABLE = 3.0  # libyears behind from which a warning is printed


class Quality(NamedTuple):
    """Sums of libyears; ``older`` counts pins that are not the newest, ``unknown`` those of unknown age."""

    direct: float
    total: float
    older: int
    unknown: int


def libyears(pinned: int, newest: int) -> float | None:
    """Return the libyears between two upload times in epoch seconds, at least 0; None if one is unknown (0)."""
    return max(0.0, round((newest - pinned) / YEAR, 3)) if pinned and newest else None


def quality_of(resolution: Resolution) -> Quality:
    """Return the quality of a resolution."""
    dated = [(pin, pin.libyears) for pin in resolution.pins if pin.libyears is not None]
    direct = sum(years for pin, years in dated if pin.direct)
    older = sum(pin.latest is not None and pin.latest != pin.version for pin in resolution.pins)
    return Quality(
        round(direct, 3), round(sum(years for _, years in dated), 3), older, len(resolution.pins) - len(dated)
    )


def sentence(quality: Quality) -> str:
    """Return the quality as one phrase: ``libyears 0.4 direct, 3.1 in all; 5 pins are not the newest``."""
    unknown = f"; {quality.unknown} of unknown age" if quality.unknown else ""
    return f"libyears {quality.direct:.1f} direct, {quality.total:.1f} in all; {quality.older} pins are not the newest{unknown}"


def relaxation_text(relaxation: Relaxation) -> str:
    """Return a relaxation as one sentence."""
    if isinstance(relaxation, WithoutExtra):
        return _without_extra(relaxation)
    return (
        f"{relaxation.parent} {relaxation.parent_version} may not work with {relaxation.child} {relaxation.child_version}: "
        f"{relaxation.parent} {relaxation.stated_by} needs {relaxation.requirement}, and no solution satisfies that"
    )


def _without_extra(relaxation: WithoutExtra) -> str:
    from pipx_parallel.nearest_names import nearest  # only on the way to a warning

    available = ", ".join(relaxation.available) or "none"
    near = nearest(relaxation.extra, relaxation.available)
    hint = f"; did you mean {relaxation.name}[{near}]?" if near else ""
    return (
        f"{relaxation.name} {relaxation.version} has no requirements for the extra {relaxation.extra!r} "
        f"(extras with requirements: {available}){hint}"
    )


def notable(resolution: Resolution) -> Iterator[str]:
    """Yield a warning for each relaxation, and for each direct pin that is years behind although the user does not bound it."""
    for relaxation in resolution.relaxations:
        yield relaxation_text(relaxation)
    for pin in resolution.pins:
        if pin.direct and pin.libyears is not None and pin.libyears >= NOTABLE and not pin.bounded:
            yield f"{pin.name} {pin.version} is {pin.libyears:.1f} years behind {pin.latest}" + (
                f": {pin.reason}" if pin.reason else ""
            )


def held_back(resolution: Resolution) -> Iterator[str]:
    """Yield a line for each pin that is not the newest, with the reason."""
    for pin in resolution.pins:
        if pin.latest is not None and pin.latest != pin.version:
            age = "" if pin.libyears is None else f" ({pin.libyears:.1f} libyears)"
            yield f"{pin.name} {pin.version}, not {pin.latest}{age}: {pin.reason or 'it is kept from the previous lock'}"


def pin_json(pin: Pin) -> dict[str, object]:
    """Return what every JSON output says of a pin first: its version, and how far that is from the newest."""
    return {
        "name": pin.name,
        "version": pin.version,
        "direct": pin.direct,
        "latest": pin.latest,
        "libyears": pin.libyears,
    }
