"""Compare locks with advisories; render what concerns their pins as text, JSON or SARIF. Pure."""

from __future__ import annotations

from typing import TYPE_CHECKING

import msgspec

if TYPE_CHECKING:
    from collections.abc import Callable, Iterable, Sequence

    from mirror.records.advisories import Advisory
    from pipx_parallel.locks.lock_reader import Lock

_LEVELS = {"CRITICAL": "error", "HIGH": "error", "LOW": "note"}  # of SARIF; all others are warnings


class Finding(msgspec.Struct, frozen=True):
    """An advisory that concerns a pin of a lock."""

    lock: str
    name: str
    version: str
    advisory: Advisory

    @property
    def fixed(self) -> tuple[str, ...]:
        """Return the versions above the pin in which it is fixed, ascending."""
        from mirror.records.version_keys import version_key  # only for a finding

        own = version_key(self.version) or ""
        return tuple([version for version in self.advisory.fixed if (version_key(version) or "") > own])


def audit(
    locks: Iterable[tuple[str, Lock]], advisories: Callable[[str], Sequence[Advisory]], ignored: frozenset[str]
) -> list[Finding]:
    """Return the findings of some locks, sorted; ``ignored`` are ids or aliases that do not count."""
    findings: dict[tuple[str, str, str, str], Finding] = {}
    for path, lock in locks:
        for package in lock.packages:
            if package.version is None or package.url is not None:
                continue
            for row in advisories(package.name):
                if row.concerns(package.version) and not ignored & {row.id, *row.aliases}:
                    key = (path, package.name, package.version, row.id)
                    findings[key] = Finding(path, package.name, package.version, row)
    return [findings[key] for key in sorted(findings)]


def render_text(findings: Sequence[Finding]) -> str:
    """Return two lines a finding, and a summary."""
    lines = []
    for finding in findings:
        row = finding.advisory
        aliases = f" ({', '.join(row.aliases)})" if row.aliases else ""
        severity = f" {row.severity}" if row.severity else ""
        fixed = f"fixed in {', '.join(finding.fixed)}" if finding.fixed else "no fixed release is known"
        lines += [f"{finding.name} {finding.version}  {row.id}{aliases}{severity}: {fixed}", f"    {row.summary}"]
    packages = len({(finding.name, finding.version) for finding in findings})
    counted = (
        f"{len(findings)} advisor{'y' if len(findings) == 1 else 'ies'} for {packages} package{'s' * (packages != 1)}"
    )
    return "\n".join([*lines, counted if findings else "no advisories concern these pins"]) + "\n"


def render_json(findings: Sequence[Finding]) -> dict[str, object]:
    """Return the findings for JSON."""
    rows = [
        {
            "lock": finding.lock,
            "name": finding.name,
            "version": finding.version,
            "id": finding.advisory.id,
            "aliases": list(finding.advisory.aliases),
            "severity": finding.advisory.severity or None,
            "fixed": list(finding.fixed),
            "summary": finding.advisory.summary,
        }
        for finding in findings
    ]
    return {"findings": rows}


def render_sarif(findings: Sequence[Finding], version: str) -> dict[str, object]:
    """Return the findings as a SARIF 2.1.0 log."""
    rules = {row.id: row for row in (finding.advisory for finding in findings)}
    driver = {
        "name": "pipx-parallel",
        "version": version,
        "rules": [{"id": row.id, "shortDescription": {"text": row.summary or row.id}} for row in rules.values()],
    }
    results = [
        {
            "ruleId": finding.advisory.id,
            "level": _LEVELS.get(finding.advisory.severity, "warning"),
            "message": {"text": f"{finding.name} {finding.version} is affected by {finding.advisory.id}"},
            "locations": [{"physicalLocation": {"artifactLocation": {"uri": finding.lock}}}],
        }
        for finding in findings
    ]
    return {
        "$schema": "https://json.schemastore.org/sarif-2.1.0.json",
        "version": "2.1.0",
        "runs": [{"tool": {"driver": driver}, "results": results}],
    }
