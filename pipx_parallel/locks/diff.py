"""What changed between two locks, as rows; rendered as text, JSON, or Markdown for a review comment. Pure."""

from __future__ import annotations

from typing import TYPE_CHECKING, NamedTuple

if TYPE_CHECKING:
    from collections.abc import Mapping, Sequence

    from packaging.version import Version

    from pipx_parallel.locks.reader import Lock, LockedPackage
    from pipx_parallel.model import Pin, Resolution

# In the order in which a reviewer wants them; each with its heading.
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
    """What is known of a pin beyond its version: for the reader of a diff."""

    required_by: tuple[str, ...] = ()  # "requirements.in:3" for the user's lines, then projects
    uploaded: str | None = None  # the day the oldest file of the release appeared, "2026-01-02"
    yanked: str | None = None  # the reason ("" where none is given); None: not yanked
    libyears: float | None = None  # behind the newest release that the target could install; None where that is unknown
    status: str | None = None  # of the project (PEP 792) where it is not active


class Row(NamedTuple):
    """One change. ``before`` and ``after`` are versions, joined by ", " where a lock has several."""

    name: str
    kind: str  # a key of KINDS
    before: str | None
    after: str | None
    facts: Facts


def facts_of(resolution: Resolution) -> dict[str, Facts]:
    """Return what a diff tells of each pin of the new resolution."""
    requesters: dict[str, dict[str, None]] = {}
    for edge in resolution.edges:
        who = edge.parent or str(edge.origin or "")
        if who and who != edge.child:
            requesters.setdefault(edge.child, {})[who] = None
    return {pin.name: _facts(pin, tuple(requesters.get(pin.name, ()))) for pin in resolution.pins}


def compare(before: Lock, after: Lock, facts: Mapping[str, Facts] | None = None) -> tuple[Row, ...]:
    """Return the changes, in the order of ``KINDS``, then by name.

    Hashes are compared between locks of one kind only: a pylock names the files of its targets, a requirements file all.
    """
    old, new = _by_name(before), _by_name(after)
    known = facts or {}
    rows: list[Row] = []
    for name in sorted({*old, *new}):
        left, right = old.get(name, []), new.get(name, [])
        kind = _kind(left, right, hashes=before.kind == after.kind)
        if kind is not None:
            rows.append(Row(name, kind, _versions(left), _versions(right), known.get(name, Facts())))
    order = list(KINDS)
    return tuple(sorted(rows, key=lambda row: (order.index(row.kind), row.name)))


def counts(rows: Sequence[Row]) -> dict[str, int]:
    """Return how many rows there are of each kind, kinds without rows left out."""
    return {kind: count for kind in KINDS if (count := sum(row.kind == kind for row in rows))}


def render_text(rows: Sequence[Row]) -> str:
    """Return one line a change, with aligned names, and a summary."""
    if not rows:
        return "no changes\n"
    signs = {"added": "+", "removed": "-", "up": "↑", "down": "↓", "moved": "~", "rehashed": "#"}
    width = max(len(row.name) for row in rows)
    lines = [f"{signs[row.kind]} {row.name:{width}}  {_change(row)}{_notes(row, '  (', ')')}" for row in rows]
    return "\n".join((*lines, summary(rows))) + "\n"


def render_json(rows: Sequence[Row]) -> dict[str, object]:
    """Return the rows for programs: counts, then changes, in their order."""
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
    return {"counts": counts(rows), "changes": changes}


def render_markdown(rows: Sequence[Row], title: str = "Lock changes") -> str:
    """Return a comment for a review: the counts, then a table for each kind of change."""
    lines = [f"### {_cell(title)}", "", f"{summary(rows).capitalize()}."]
    for kind, heading in KINDS.items():
        members = [row for row in rows if row.kind == kind]
        if members:
            lines += ["", f"**{heading}** ({len(members)})", ""]
            lines += ["| package | version | uploaded | behind | required by |", "| --- | --- | --- | --- | --- |"]
            lines += [_markdown_row(row) for row in members]
    return "\n".join(lines) + "\n"


def summary(rows: Sequence[Row]) -> str:
    """Return the counts in one line: ``1 added, 2 upgraded``."""
    phrases = {"moved": "from another source", "rehashed": "with other files"}
    words = [f"{count} {phrases.get(kind) or KINDS[kind].lower()}" for kind, count in counts(rows).items()]
    return ", ".join(words) or "no changes"


def _facts(pin: Pin, required_by: tuple[str, ...]) -> Facts:
    days = sorted(file.upload_time[:10] for file in pin.files if file.upload_time)
    reasons = [file.yanked for file in pin.installable if file.yanked is not None]
    yanked = reasons[0] if reasons and len(reasons) == len(pin.installable) else None
    return Facts(required_by, days[0] if days else None, yanked, pin.libyears, pin.status)


def _by_name(lock: Lock) -> dict[str, list[LockedPackage]]:
    found: dict[str, list[LockedPackage]] = {}
    for package in lock.packages:
        found.setdefault(package.name, []).append(package)
    return found


def _kind(before: Sequence[LockedPackage], after: Sequence[LockedPackage], *, hashes: bool) -> str | None:
    if not before or not after:
        return "added" if after else "removed"
    old, new = [one.version for one in before], [one.version for one in after]
    if old != new and None not in old and None not in new:
        return "up" if _newest(new) >= _newest(old) else "down"
    if old != new or [one.url for one in before] != [one.url for one in after]:
        return "moved"
    lost = {found for one in before for found in one.hashes} - {found for one in after for found in one.hashes}
    return "rehashed" if hashes and lost and any(one.hashes for one in after) else None


def _newest(versions: Sequence[str | None]) -> Version:
    from packaging.version import InvalidVersion, Version  # 45 ms that only a change of versions needs

    def parsed(version: str | None) -> Version:
        try:
            return Version(version or "")
        except InvalidVersion:
            return Version("0.dev0")  # text that is no version (PEP 440 ``===``) is older than any

    return max(map(parsed, versions))


def _versions(packages: Sequence[LockedPackage]) -> str | None:
    if not packages:
        return None
    return ", ".join(dict.fromkeys(package.version or package.url or "?" for package in packages))


def _change(row: Row) -> str:
    if row.before is None or row.after is None or row.before == row.after:
        return row.after or row.before or ""
    return f"{row.before} → {row.after}"


def _notes(row: Row, opening: str, closing: str) -> str:
    notes = [f"for {', '.join(row.facts.required_by)}"] if row.facts.required_by else []
    if row.facts.uploaded:
        notes.append(f"uploaded {row.facts.uploaded}")
    notes += [note for note in (_behind(row) and f"{_behind(row)} behind", *_troubles(row)) if note]
    return f"{opening}{'; '.join(notes)}{closing}" if notes else ""


def _behind(row: Row) -> str:
    """Say how far a pin is behind the newest release; nothing where it is not, or where that is unknown."""
    return f"{row.facts.libyears:.1f} years" if row.facts.libyears else ""


def _troubles(row: Row) -> list[str]:
    """Return what a reviewer must not overlook: a yank, a project that is no longer active."""
    found = [f"yanked: {row.facts.yanked}" if row.facts.yanked else "yanked"] if row.facts.yanked is not None else []
    return found + ([row.facts.status] if row.facts.status else [])


def _markdown_row(row: Row) -> str:
    version = _cell(_change(row))
    version += "".join(f" **{_cell(trouble)}**" for trouble in _troubles(row))
    who = ", ".join(_cell(name) for name in row.facts.required_by)
    return f"| {_cell(row.name)} | {version} | {row.facts.uploaded or ''} | {_behind(row)} | {who} |"


def _cell(text: str) -> str:
    """Return text that cannot leave its cell, nor turn into markup, a mention or a link of the forge."""
    plain = text if text.isprintable() else "".join(letter if letter.isprintable() else " " for letter in text)
    return plain.translate(_MARKUP)
