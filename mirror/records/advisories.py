"""Advisories (OSV) in a compact form: which releases of a project each concerns, and where it is fixed."""

from __future__ import annotations

import json
from bisect import bisect_right
from functools import lru_cache
from typing import TYPE_CHECKING, Any

from mirror.equality import NamedTuple
from mirror.errors import FOREIGN_TEXT_ERRORS, Malformed
from mirror.names import normalize_name
from mirror.records.version_keys import HIGHEST, LOWEST, version_key

if TYPE_CHECKING:
    from collections.abc import Iterator, Sequence

ECOSYSTEM = "PyPI"  # OSV's name for Python packages
_MOST_EVENTS, _MOST_VERSIONS = 1000, 50_000  # of one document for one project


class Advisory(NamedTuple):
    """One advisory as it concerns one project. ``events`` are (introduced, fixed, last affected) versions, "" for none."""

    id: str
    aliases: tuple[str, ...]
    summary: str
    severity: str  # "CRITICAL", "HIGH", …, or a CVSS vector; "" if none is stated
    events: tuple[tuple[str, str, str], ...]
    versions: tuple[str, ...]  # listed one by one, those within events apart

    @property
    def fixed(self) -> tuple[str, ...]:
        """Return the versions in which it is fixed, ascending."""
        versions = {fixed for _, fixed, _ in self.events if fixed}
        return tuple(sorted(versions, key=lambda version: version_key(version) or ""))

    def concerns(self, version: str) -> bool:
        """Return whether a release is affected."""
        key = version_key(version)
        if key is None:
            return version in self.versions
        return any(low <= key < high for low, high in _spans(self.events)) or key in _keys(self.versions)


class Affected:
    """The advisories of a project by release: pages ask of thousands of releases, and those between two events share an answer."""

    __slots__ = ("_between", "_bounds", "_listed", "rows")

    def __init__(self, rows: Sequence[Advisory]) -> None:
        """Take the advisories of a project."""
        self.rows = rows
        self._bounds = sorted({bound for row in rows for span in _spans(row.events) for bound in span})
        self._listed = frozenset([key for row in rows for key in _keys(row.versions)])
        self._between: dict[int, Sequence[Advisory]] = {}

    def of(self, version: str) -> Sequence[Advisory]:
        """Return the advisories that concern a release."""
        key = version_key(version)
        if key is None or key in self._listed:
            return [row for row in self.rows if row.concerns(version)]
        number = bisect_right(self._bounds, key)
        if number not in self._between:
            self._between[number] = [row for row in self.rows if row.concerns(version)]
        return self._between[number]


def read_osv(data: bytes) -> Iterator[tuple[str, Advisory]]:
    """Yield (project, advisory) for each Python project of an OSV document; nothing if it is withdrawn.

    Raises ``Malformed`` for what is no OSV document.
    """
    try:
        document = json.loads(data)
        if document.get("withdrawn"):
            return
        identity = str(document["id"])
        for affected in document.get("affected", ()):
            package = affected.get("package", {})
            if package.get("ecosystem") == ECOSYSTEM:
                yield normalize_name(str(package["name"])), _advisory(identity, document, affected)
    except FOREIGN_TEXT_ERRORS as error:
        raise Malformed(f"no OSV document: {type(error).__name__}: {error}") from error


def encode(advisories: Sequence[Advisory]) -> bytes:
    """Return the stored form of a project's advisories."""
    return json.dumps([list(row) for row in advisories], separators=(",", ":")).encode()


def decode(data: bytes) -> list[Advisory]:
    """Return the advisories of a project; raises ``Malformed``."""
    try:
        return [
            _proven(
                Advisory(
                    identity,
                    tuple(aliases),
                    summary,
                    severity,
                    tuple([(a, b, c) for a, b, c in events]),
                    tuple(versions),
                )
            )
            for identity, aliases, summary, severity, events, versions in json.loads(data)
        ]
    except FOREIGN_TEXT_ERRORS as error:
        raise Malformed(f"damaged advisories: {error}") from error


def _proven(advisory: Advisory) -> Advisory:
    """Return an advisory all of whose values are text. Raises ``TypeError`` or ``ValueError``."""
    triples = "".join(["".join(triple) for triple in advisory.events])
    "".join(
        (advisory.id, advisory.summary, advisory.severity, triples, *advisory.aliases, *advisory.versions)
    ).encode()  # not every str is Unicode
    return advisory


def _advisory(identity: str, document: dict[str, Any], affected: dict[str, Any]) -> Advisory:
    events = [
        event
        for ranges in affected.get("ranges", ())
        if ranges.get("type") in {"ECOSYSTEM", "SEMVER"}
        for event in _events(ranges.get("events", ()))
    ]
    summary = str(document.get("summary") or document.get("details") or "").strip().partition("\n")[0]
    aliases = tuple(sorted(str(alias) for alias in document.get("aliases", ())))
    ranged = Advisory(identity, aliases, summary[:200], _severity(document, affected), tuple(events), ())
    listed = [str(version) for version in affected.get("versions", ())]
    if len(events) > _MOST_EVENTS or len(listed) > _MOST_VERSIONS:
        raise Malformed(f"more than {_MOST_EVENTS} events or {_MOST_VERSIONS} versions")
    return _proven(ranged)._replace(versions=tuple([version for version in listed if not ranged.concerns(version)]))


def _events(events: Sequence[dict[str, Any]]) -> Iterator[tuple[str, str, str]]:
    """Yield (introduced, fixed, last affected) of a range's events, which may come in any order."""
    introduced = ""
    for version, kind in sorted([pair for event in events for pair in _named(event)], key=_sort_key):
        if kind == "introduced":
            introduced = introduced or version
        elif introduced:
            yield introduced, version if kind == "fixed" else "", version if kind == "last_affected" else ""
            introduced = ""
    if introduced:
        yield introduced, "", ""


def _named(event: dict[str, Any]) -> list[tuple[str, str]]:
    return [(str(event[kind]), kind) for kind in ("introduced", "fixed", "last_affected") if kind in event]


def _sort_key(event: tuple[str, str]) -> tuple[str, bool]:
    """Return the sort key of an event: by version, and a range begins after another has ended."""
    version, kind = event
    return LOWEST if version == "0" else version_key(version) or LOWEST, kind == "introduced"


def _severity(document: dict[str, Any], affected: dict[str, Any]) -> str:
    for part in (affected, document):
        specific = part.get("database_specific")
        if isinstance(specific, dict) and isinstance(specific.get("severity"), str):
            return str(specific["severity"]).upper()
    rows = [*affected.get("severity", ()), *document.get("severity", ())]
    return str(rows[0].get("score", "")) if rows else ""


@lru_cache(maxsize=4096)  # a page asks the same of each of its releases
def _spans(events: tuple[tuple[str, str, str], ...]) -> tuple[tuple[str, str], ...]:
    """Return the affected versions as half-open intervals of sort keys."""
    spans = []
    for introduced, fixed, last in events:
        low = LOWEST if introduced == "0" else version_key(introduced)
        if low is not None:
            high, highest = version_key(fixed) if fixed else None, version_key(last) if last else None
            above = HIGHEST if highest is None else f"{highest}\0"  # the next text after a key
            spans.append((low, min(high or HIGHEST, above)))
    return tuple(spans)


@lru_cache(maxsize=4096)  # as above
def _keys(versions: tuple[str, ...]) -> frozenset[str | None]:
    return frozenset(map(version_key, versions))
