"""The JSON report: the whole resolution and the figures of the run. Schema: ``docs/report.schema.json``.

It is the only output with figures of the run (``seconds``, ``counts``); without ``Resolution.stats`` its bytes are reproducible.
"""

from __future__ import annotations

import json
from typing import TYPE_CHECKING

from pipx_parallel.emitters import locked_files
from pipx_parallel.emitters.digest import input_digest
from pipx_parallel.emitters.plain_text import one_line, safe_url, without_credentials
from pipx_parallel.locks.quality import pin_json, quality_of
from pipx_parallel.locks.splits import splits_of
from pipx_parallel.model import Artifact, WithoutExtra

if TYPE_CHECKING:
    from collections.abc import Sequence

    from mirror.records.model import BuildRecord, FetchFailure
    from pipx_parallel.emitters.interface import LockContext
    from pipx_parallel.locks.splits import Split
    from pipx_parallel.model import Origin, Pin, Relaxation, RequirementEdge, Resolution, RootRequirement

SCHEMA_VERSION = 1


def render(name: str, resolutions: Sequence[Resolution], context: LockContext) -> tuple[Artifact, ...]:
    """Return the one report for all the resolutions (see ``Emitter``)."""
    report = {
        "schema": SCHEMA_VERSION,
        "created-by": "pipx-parallel",
        "inputs": input_digest(context, [resolution.target for resolution in resolutions]),
        "command": one_line(context.command),
        "files": [{"path": one_line(file.path), "sha256": file.sha256} for file in context.files],
        "settings": {key: without_credentials(context.settings[key]) for key in sorted(context.settings)},
        "targets": [_target(resolution, context) for resolution in resolutions],
    }
    if len(resolutions) > 1:
        report["splits"] = [_split(split) for split in splits_of(resolutions)]
    return (Artifact(name, json.dumps(report, indent=2) + "\n"),)


def _split(split: Split) -> dict[str, object]:
    releases = [
        {**row._asdict(), "reasons": [without_credentials(reason) for reason in row.reasons]} for row in split.releases
    ]
    return {"name": split.name, "releases": releases}


def _target(resolution: Resolution, context: LockContext) -> dict[str, object]:
    target = resolution.target
    facts: dict[str, object] = {
        "label": target.label,
        **({"fork": [part._asdict() for part in resolution.fork]} if resolution.fork else {}),
        "python": target.python_full_version,
        "markers": {name: target.markers[name] for name in sorted(target.markers)},
        "roots": [_root(root) for root in resolution.roots],
        "pins": [_pin(pin, context) for pin in resolution.pins],
        "edges": [_edge(edge) for edge in resolution.edges],
        "missing": [_missing(failure) for failure in resolution.missing],
        "quality": quality_of(resolution)._asdict(),
        "last-resorts": [_relaxation(relaxation) for relaxation in resolution.relaxations],
        "optimal": resolution.optimal,
    }
    if resolution.stats is not None:
        stats = resolution.stats
        facts["seconds"] = {name: round(stats.seconds[name], 6) for name in sorted(stats.seconds)}
        facts["counts"] = {name: stats.counts[name] for name in sorted(stats.counts)}
        facts["requests"] = [row._asdict() for row in stats.requests]
        facts["builds"] = [_build(build) for build in stats.builds]
    return facts


def _root(root: RootRequirement) -> dict[str, object]:
    return {
        "name": root.name,
        "requirement": one_line(root.text),
        "constraint": root.constraint,
        "origin": _origin(root.origin),
    }


def _pin(pin: Pin, context: LockContext) -> dict[str, object]:
    return {
        **pin_json(pin),
        "status": pin.status,
        "metadata-from": pin.metadata_from,
        "yanked": pin.yanked,
        "licence": pin.licence,
        "conditions": [{"kind": row.kind.value, "text": one_line(row.text)} for row in pin.conditions],
        "reason": None if pin.reason is None else without_credentials(pin.reason),
        "index": None if pin.index is None else safe_url(pin.index),
        "url": None if pin.url is None else safe_url(pin.url),
        "requires-python": pin.requires_python,
        "files": len(pin.files),
        "installable": [file.filename for file in pin.installable],
        "hashes": list(locked_files.strong_hashes(pin.files)) if context.hashes else [],
    }


def _edge(edge: RequirementEdge) -> dict[str, object]:
    return {
        "parent": edge.parent or None,
        "child": edge.child,
        "requirement": one_line(edge.requirement),
        "origin": None if edge.origin is None else _origin(edge.origin),
    }


def _origin(origin: Origin) -> dict[str, object]:
    return {"source": one_line(origin.source), "line": origin.line, "via": [one_line(step) for step in origin.via]}


def _relaxation(relaxation: Relaxation) -> dict[str, object]:
    kind = "without-extra" if isinstance(relaxation, WithoutExtra) else "beyond-bound"
    return {"kind": kind} | {name.replace("_", "-"): value for name, value in relaxation._asdict().items()}


def _build(build: BuildRecord) -> dict[str, object]:
    return {
        "name": without_credentials(build.name),
        "version": build.version,
        "outcome": build.outcome.value,
        "reason": None if build.reason is None else without_credentials(one_line(build.reason)),
    }


def _missing(failure: FetchFailure) -> dict[str, object]:
    return {
        "name": failure.project,
        "version": failure.release,
        "kind": type(failure.error).__name__,
        "problem": one_line(str(failure.error)),
    }
