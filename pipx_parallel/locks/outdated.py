"""Which pins of a lock are not the newest: what the lines would allow, what is out, how old, and what holds it. Pure."""

from __future__ import annotations

from typing import TYPE_CHECKING

import msgspec

from pipx_parallel.locks.paint import unpainted

if TYPE_CHECKING:
    from collections.abc import Callable, Sequence

    from pipx_parallel.locks.paint import Paint
    from pipx_parallel.model import Resolution

_COLUMNS = ("package", "current", "wanted", "newest", "libyears", "status", "advisories")


class OutdatedPin(msgspec.Struct, frozen=True):
    """A pin for which there is a newer release, or of which something has become."""

    name: str
    current: str
    wanted: str  # what the same lines lead to without the lock
    newest: str  # the newest release that the target could install
    libyears: float | None  # how much older the current release is than the newest
    status: tuple[str, ...]  # what has become of it: "yanked", "archived", …
    advisories: tuple[str, ...]
    held_by: str | None  # why the current release is not the newest

    def row(self) -> tuple[str, ...]:
        """Return the cells of the table."""
        age = "" if self.libyears is None else f"{self.libyears:.1f}"
        return (
            self.name,
            self.current,
            self.wanted,
            self.newest,
            age,
            ", ".join(self.status),
            ", ".join(self.advisories),
        )


def outdated(
    current: Sequence[Resolution], wanted: Sequence[Resolution], advisories: Callable[[str, str], Sequence[str]]
) -> list[OutdatedPin]:
    """Return the pins that are not the newest, or that something has become of, sorted by name, each once."""
    free = {(resolution.label, pin.name): pin.version for resolution in wanted for pin in resolution.pins}
    rows: dict[tuple[str, str], OutdatedPin] = {}
    for resolution in current:
        for pin in resolution.pins:
            newest = pin.latest or pin.version
            ids = tuple(advisories(pin.name, pin.version))
            kinds = tuple([row.kind.value for row in pin.conditions])
            if newest == pin.version and not ids and not kinds:
                continue
            rows[pin.name, pin.version] = OutdatedPin(
                pin.name,
                pin.version,
                free.get((resolution.label, pin.name), pin.version),
                newest,
                pin.libyears,
                kinds,
                ids,
                pin.reason,
            )
    return [rows[key] for key in sorted(rows)]


def render_table(pins: Sequence[OutdatedPin], paint: Paint = unpainted) -> str:
    """Return a table, and below it what holds each pin that its lines keep back."""
    if not pins:
        return "every pin is the newest release that the target can install\n"
    rows = [_COLUMNS, *(pin.row() for pin in pins)]
    widths = [max(len(row[column]) for row in rows) for column in range(len(_COLUMNS))]
    lines = ["  ".join(cell.ljust(width) for cell, width in zip(row, widths, strict=True)).rstrip() for row in rows]
    lines[0] = paint("note", lines[0])
    held = [f"{pin.name} {pin.wanted}: {pin.held_by}" for pin in pins if pin.held_by and pin.wanted != pin.newest]
    return "\n".join([*lines, *[""] * bool(held), *held]) + "\n"
