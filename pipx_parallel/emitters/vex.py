"""The vulnerabilities of locks as a CycloneDX document (VEX), through the standard's own library (extra ``sbom``)."""

from __future__ import annotations

import uuid
from datetime import UTC, datetime
from typing import TYPE_CHECKING

from pipx_parallel.emitters.sbom import document_text
from pipx_parallel.errors import UsageError

if TYPE_CHECKING:
    from collections.abc import Sequence

    from cyclonedx.model.vulnerability import Vulnerability as Entry

    from mirror.records.advisories import Advisory
    from pipx_parallel.locks.audit import Vulnerability


def render_vex(vulnerabilities: Sequence[Vulnerability]) -> str:
    """Return one component for each affected pin and one entry for each advisory. Raises ``UsageError`` without the extra."""
    try:
        from cyclonedx.model.bom import Bom, BomMetaData  # here and below: 250 ms, only for this format
        from cyclonedx.model.component import Component, ComponentType
        from packageurl import PackageURL
    except ImportError:
        raise UsageError("a CycloneDX document needs the extra: pip install 'pipx-parallel[sbom]'") from None
    rows = sorted({(row.name, row.version, row.advisory) for row in vulnerabilities})
    epoch = datetime.fromtimestamp(0, UTC)  # the same vulnerabilities give the same bytes
    bom = Bom(metadata=BomMetaData(timestamp=epoch), serial_number=uuid.uuid5(uuid.NAMESPACE_OID, repr(rows)))
    affected: dict[str, list[str]] = {}
    for name, version, advisory in rows:
        purl = PackageURL("pypi", None, name, version)
        reference = purl.to_string()
        bom.components.add(
            Component(name=name, version=version, type=ComponentType.LIBRARY, bom_ref=reference, purl=purl)
        )
        affected.setdefault(advisory.id, []).append(reference)
    bom.vulnerabilities.update(_entry(row, affected[row.id]) for row in {row.id: row for _, _, row in rows}.values())
    return document_text(bom)


def _entry(advisory: Advisory, references: Sequence[str]) -> Entry:
    from cyclonedx.model.impact_analysis import ImpactAnalysisResponse, ImpactAnalysisState  # as above
    from cyclonedx.model.vulnerability import (
        BomTarget,
        Vulnerability,
        VulnerabilityAnalysis,
        VulnerabilityRating,
        VulnerabilityReference,
        VulnerabilitySeverity,
        VulnerabilitySource,
    )

    severities = {member.name: member for member in VulnerabilitySeverity}
    severity = severities.get("MEDIUM" if advisory.severity == "MODERATE" else advisory.severity)
    is_fixed = bool(advisory.fixed)
    return Vulnerability(
        id=advisory.id,
        bom_ref=advisory.id,
        source=VulnerabilitySource(name="OSV"),
        references=[
            VulnerabilityReference(id=alias, source=VulnerabilitySource(name="OSV")) for alias in advisory.aliases
        ],
        ratings=[VulnerabilityRating(severity=severity)] if severity is not None else [],
        description=advisory.summary or None,
        recommendation=f"Upgrade to {', '.join(advisory.fixed)}" if is_fixed else None,
        analysis=VulnerabilityAnalysis(
            state=ImpactAnalysisState.IN_TRIAGE,  # whether the code is reached is for people to say
            responses=[ImpactAnalysisResponse.UPDATE] if is_fixed else [],
        ),
        affects=[BomTarget(ref=reference) for reference in references],
    )
