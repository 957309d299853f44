"""Compare locks with advisories; render what concerns their pins as text, JSON or SARIF. Pure."""

from __future__ import annotations

from typing import TYPE_CHECKING

import msgspec

from pipx_parallel.locks.paint import unpainted

if TYPE_CHECKING:
    from collections.abc import Callable, Iterable, Sequence

    from mirror.records.advisories import Advisory
    from pipx_parallel.locks.lock_reader import Lock
    from pipx_parallel.locks.paint import Paint

_LEVELS = {"CRITICAL": "error", "HIGH": "error", "LOW": "note"}  # of SARIF; all others are warnings


class Vulnerability(msgspec.Struct, frozen=True):
    """An advisory that concerns a pin of a lock."""

    lock: str
    name: str
    version: str
    advisory: Advisory

    @property
    def fixed(self) -> tuple[str, ...]:
        """Return the versions above the pin in which it is fixed, ascending."""
        from mirror.records.version_keys import version_key  # only for a vulnerability

        own = version_key(self.version) or ""
        return tuple([version for version in self.advisory.fixed if (version_key(version) or "") > own])


def audit(
    locks: Iterable[tuple[str, Lock]], advisories: Callable[[str], Sequence[Advisory]], ignored: frozenset[str]
) -> list[Vulnerability]:
    """Return the vulnerabilities of some locks, sorted; ``ignored`` are ids or aliases that do not count."""
    vulnerabilities: dict[tuple[str, str, str, str], Vulnerability] = {}
    for path, lock in locks:
        for package in lock.packages:
            if package.version is None or package.url is not None:
                continue
            for row in advisories(package.name):
                if row.concerns(package.version) and not ignored & {row.id, *row.aliases}:
                    key = (path, package.name, package.version, row.id)
                    vulnerabilities[key] = Vulnerability(path, package.name, package.version, row)
    return [vulnerabilities[key] for key in sorted(vulnerabilities)]


def render_text(vulnerabilities: Sequence[Vulnerability], paint: Paint = unpainted) -> str:
    """Return two lines a vulnerability, and a summary."""
    lines = []
    for vulnerability in vulnerabilities:
        row = vulnerability.advisory
        aliases = f" ({', '.join(row.aliases)})" if row.aliases else ""
        severity = f" {row.severity}" if row.severity else ""
        fixed = f"fixed in {', '.join(vulnerability.fixed)}" if vulnerability.fixed else "no fixed release is known"
        package = f"{vulnerability.name} {paint('version', vulnerability.version)}"
        lines += [
            f"{package}  {paint('warning', row.id)}{aliases}{severity}: {fixed}",
            paint("note", f"    {row.summary}"),
        ]
    packages = len({(vulnerability.name, vulnerability.version) for vulnerability in vulnerabilities})
    advisories = "1 advisory" if len(vulnerabilities) == 1 else f"{len(vulnerabilities)} advisories"
    counted = f"{advisories} for {packages} package{'s' * (packages != 1)}"
    return "\n".join([*lines, counted if vulnerabilities else "no advisories concern these pins"]) + "\n"


def render_json(vulnerabilities: Sequence[Vulnerability]) -> dict[str, object]:
    """Return the vulnerabilities for JSON."""
    rows = [
        {
            "lock": vulnerability.lock,
            "name": vulnerability.name,
            "version": vulnerability.version,
            "id": vulnerability.advisory.id,
            "aliases": list(vulnerability.advisory.aliases),
            "severity": vulnerability.advisory.severity or None,
            "fixed": list(vulnerability.fixed),
            "summary": vulnerability.advisory.summary,
        }
        for vulnerability in vulnerabilities
    ]
    return {"vulnerabilities": rows}


def render_sarif(vulnerabilities: Sequence[Vulnerability], version: str) -> dict[str, object]:
    """Return the vulnerabilities as a SARIF 2.1.0 log."""
    rules = {row.id: row for row in (vulnerability.advisory for vulnerability in vulnerabilities)}
    driver = {
        "name": "pipx-parallel",
        "version": version,
        "rules": [{"id": row.id, "shortDescription": {"text": row.summary or row.id}} for row in rules.values()],
    }
    results = [
        {
            "ruleId": vulnerability.advisory.id,
            "level": _LEVELS.get(vulnerability.advisory.severity, "warning"),
            "message": {
                "text": f"{vulnerability.name} {vulnerability.version} is affected by {vulnerability.advisory.id}"
            },
            "locations": [{"physicalLocation": {"artifactLocation": {"uri": vulnerability.lock}}}],
        }
        for vulnerability in vulnerabilities
    ]
    return {
        "$schema": "https://json.schemastore.org/sarif-2.1.0.json",
        "version": "2.1.0",
        "runs": [{"tool": {"driver": driver}, "results": results}],
    }
