"""Compare two locks; render the changes as text, JSON, or Markdown for a review comment. Pure."""

from __future__ import annotations

from typing import TYPE_CHECKING

from mirror.equality import NamedTuple
from pipx_parallel.locks.paint import unpainted

if TYPE_CHECKING:
    from collections.abc import Mapping, Sequence

    from packaging.version import Version

    from pipx_parallel.locks.lock_reader import Lock, LockedPackage
    from pipx_parallel.locks.paint import Paint
    from pipx_parallel.model import Pin, PinCondition, Resolution

# Kind of change -> its heading, in output order.
KINDS = {
    "added": "Added",
    "removed": "Removed",
    "up": "Upgraded",
    "down": "Downgraded",
    "moved": "Another source",
    "rehashed": "Same version, other files",
}


_MARKUP = {ord(letter): f"&#{ord(letter)};" for letter in "<>@#"} | {
    ord(letter): f"\\{letter}" for letter in "\\`*_[]|"
}


class Facts(NamedTuple):
    """Facts about a pin beyond its version, for the reader of a diff."""

    required_by: tuple[str, ...] = ()  # "requirements.in:3" for the user's lines, then projects
    uploaded: str | None = None  # day of the release's first upload, "2026-01-02"
    yanked: str | None = None  # the reason ("" if none is given); None: not yanked
    libyears: float | None = None  # behind the newest release that the target could install; None: unknown
    status: str | None = None  # of the project (PEP 792) if it is not active


class PinChange(NamedTuple):
    """One change. ``before`` and ``after`` are versions, joined by ", " if a lock has several."""

    name: str
    kind: str  # a key of KINDS
    before: str | None
    after: str | None
    facts: Facts


def facts_of(resolution: Resolution) -> dict[str, Facts]:
    """Return the facts of each pin of the new resolution, for a diff."""
    requesters: dict[str, dict[str, None]] = {}
    for edge in resolution.edges:
        requester = edge.parent or str(edge.origin or "")
        if requester and edge.parent_project != edge.child:
            requesters.setdefault(edge.child, {})[requester] = None
    return {pin.name: _facts(pin, tuple(requesters.get(pin.name, ()))) for pin in resolution.pins}


def compare(before: Lock, after: Lock, facts: Mapping[str, Facts] | None = None) -> tuple[PinChange, ...]:
    """Return the changes, in the order of ``KINDS``, then by name.

    Hashes are compared only between locks of one kind: a pylock lists the files of its targets, a requirements file lists all.
    """
    old, new = _by_name(before), _by_name(after)
    rows: list[PinChange] = []
    for name in sorted({*old, *new}):
        old_packages, new_packages = old.get(name, []), new.get(name, [])
        kind = _kind(old_packages, new_packages, hashes=before.kind == after.kind)
        if kind is not None:
            rows.append(
                PinChange(
                    name, kind, _versions(old_packages), _versions(new_packages), (facts or {}).get(name, Facts())
                )
            )
    order = list(KINDS)
    return tuple(sorted(rows, key=lambda row: (order.index(row.kind), row.name)))


def counts(rows: Sequence[PinChange]) -> dict[str, int]:
    """Return the number of rows of each kind; kinds without rows are omitted."""
    return {kind: count for kind in KINDS if (count := sum(row.kind == kind for row in rows))}


def conditions_of(resolutions: Sequence[Resolution]) -> list[tuple[str, str, PinCondition]]:
    """Return (name, version, condition) of every pin that something has become of, changed or not, sorted."""
    rows = {
        (pin.name, pin.version, row): None
        for resolution in resolutions
        for pin in resolution.pins
        for row in pin.conditions
    }
    return sorted(rows, key=lambda row: (row[0], row[1], row[2].kind.value, row[2].text))


def render_conditions(conditions: Sequence[tuple[str, str, PinCondition]], paint: Paint = unpainted) -> str:
    """Return one line per condition."""
    mark = paint("warning", "!")
    return "".join(f"{mark} {name} {version} {condition.text}\n" for name, version, condition in conditions)


def render_text(rows: Sequence[PinChange], paint: Paint = unpainted, others: Sequence[str] = ()) -> str:
    """Return one line per change, with aligned names, those of ``others`` than pins, and a summary."""
    signs = {"added": "+", "removed": "-", "up": "↑", "down": "↓", "moved": "~", "rehashed": "#"}
    width = max((len(row.name) for row in rows), default=0)
    lines = [
        f"{paint(row.kind, signs[row.kind])} {row.name:{width}}  {paint(row.kind, _change(row))}"
        f"{paint('note', _notes(row))}"
        for row in rows
    ]
    lines += [f"{paint('moved', '~')} {text}" for text in others]
    return "\n".join((*lines, summary(rows, len(others)))) + "\n"


def render_json(
    rows: Sequence[PinChange], conditions: Sequence[tuple[str, str, PinCondition]] = (), others: Sequence[str] = ()
) -> dict[str, object]:
    """Return the rows for JSON: counts, then changes, in their order, then conditions of all pins, and other changes."""
    changes = [
        {
            "name": row.name,
            "kind": row.kind,
            "before": row.before,
            "after": row.after,
            "required-by": list(row.facts.required_by),
            "uploaded": row.facts.uploaded,
            "yanked": row.facts.yanked,
            "libyears": row.facts.libyears,
            "status": row.facts.status,
        }
        for row in rows
    ]
    states = [
        {"name": name, "version": version, "kind": condition.kind.value, "text": condition.text}
        for name, version, condition in conditions
    ]
    return {"counts": counts(rows), "changes": changes, "conditions": states, "other-changes": list(others)}


def render_markdown(rows: Sequence[PinChange], others: Sequence[str] = ()) -> str:
    """Return a review comment: the counts, one table per kind of change, then a list of the other changes."""
    lines = ["### Lock changes", "", f"{summary(rows, len(others)).capitalize()}."]
    for kind, heading in KINDS.items():
        members = [row for row in rows if row.kind == kind]
        if members:
            lines += ["", f"**{heading}** ({len(members)})", ""]
            lines += ["| package | version | uploaded | behind | required by |", "| --- | --- | --- | --- | --- |"]
            lines += [_markdown_row(row) for row in members]
    lines += ["", "**Other changes**", "", *[f"- {_cell(text)}" for text in others]] if others else []
    return "\n".join(lines) + "\n"


def summary(rows: Sequence[PinChange], others: int = 0) -> str:
    """Return the counts in one line: ``1 added, 2 upgraded``; ``others`` is how many changes are not of pins."""
    phrases = {"moved": "from another source", "rehashed": "with other files"}
    words = [f"{count} {phrases.get(kind) or KINDS[kind].lower()}" for kind, count in counts(rows).items()]
    words += [f"{others} other change{'s' * (others > 1)}"] * (others > 0)
    return ", ".join(words) or "no changes"


def _facts(pin: Pin, required_by: tuple[str, ...]) -> Facts:
    days = sorted(file.upload_time[:10] for file in pin.files if file.upload_time)
    return Facts(required_by, days[0] if days else None, pin.yanked, pin.libyears, pin.status)


def _by_name(lock: Lock) -> dict[str, list[LockedPackage]]:
    packages: dict[str, list[LockedPackage]] = {}
    for package in lock.packages:
        packages.setdefault(package.name, []).append(package)
    return packages


def _kind(before: Sequence[LockedPackage], after: Sequence[LockedPackage], *, hashes: bool) -> str | None:
    if not before or not after:
        return "added" if after else "removed"
    old, new = [package.version for package in before], [package.version for package in after]
    if old != new and None not in old and None not in new:
        return "up" if _newest(new) >= _newest(old) else "down"
    if old != new or [package.url for package in before] != [package.url for package in after]:
        return "moved"
    lost = _hashes(before) - _hashes(after)
    return "rehashed" if hashes and lost and _hashes(after) else None


def _hashes(packages: Sequence[LockedPackage]) -> set[str]:
    return {digest for package in packages for digest in package.hashes}


def _newest(versions: Sequence[str | None]) -> Version:
    from packaging.version import InvalidVersion, Version  # 45 ms, needed only for a changed version

    def parsed(version: str | None) -> Version:
        try:
            return Version(version or "")
        except InvalidVersion:
            return Version("0.dev0")  # text that is not a version (PEP 440 ``===``) sorts before all

    return max(map(parsed, versions))


def _versions(packages: Sequence[LockedPackage]) -> str | None:
    if not packages:
        return None
    return ", ".join(dict.fromkeys(package.version or package.url or "?" for package in packages))


def _change(row: PinChange) -> str:
    if row.before is None or row.after is None or row.before == row.after:
        return row.after or row.before or ""
    return f"{row.before} → {row.after}"


def _notes(row: PinChange) -> str:
    notes = [f"for {', '.join(row.facts.required_by)}"] if row.facts.required_by else []
    if row.facts.uploaded:
        notes.append(f"uploaded {row.facts.uploaded}")
    notes += [note for note in (_behind(row) and f"{_behind(row)} behind", *_warnings(row)) if note]
    return f"  ({'; '.join(notes)})" if notes else ""


def _behind(row: PinChange) -> str:
    """Return how far a pin is behind the newest release; "" if it is not, or if that is unknown."""
    return f"{row.facts.libyears:.1f} years" if row.facts.libyears else ""


def _warnings(row: PinChange) -> list[str]:
    """Return warnings for the reviewer: a yank, a project that is no longer active."""
    warnings = [f"yanked: {row.facts.yanked}" if row.facts.yanked else "yanked"] if row.facts.yanked is not None else []
    return warnings + ([row.facts.status] if row.facts.status else [])


def _markdown_row(row: PinChange) -> str:
    version = _cell(_change(row))
    version += "".join(f" **{_cell(warning)}**" for warning in _warnings(row))
    requesters = ", ".join(_cell(name) for name in row.facts.required_by)
    return f"| {_cell(row.name)} | {version} | {row.facts.uploaded or ''} | {_behind(row)} | {requesters} |"


def _cell(text: str) -> str:
    """Return text that stays in its table cell and cannot become markup, a mention or a link."""
    plain = text if text.isprintable() else "".join(letter if letter.isprintable() else " " for letter in text)
    return plain.translate(_MARKUP)
