"""A software bill of materials: CycloneDX 1.6 as JSON (``*.cdx.json``), through the standard's own library (extra ``sbom``).

The only module that imports the library. By default it writes the current time and a random serial number; here both are derived
from the resolution, so that the same resolution gives the same bytes.
"""

from __future__ import annotations

import json
import uuid
from typing import TYPE_CHECKING, Any

from pipx_parallel.emitters.digest import input_digest
from pipx_parallel.emitters.locked_files import usable_hashes
from pipx_parallel.emitters.plain_text import one_line, safe_url
from pipx_parallel.errors import UsageError
from pipx_parallel.model import Artifact

if TYPE_CHECKING:
    from collections.abc import Sequence
    from datetime import datetime

    from cyclonedx.model.bom import Bom
    from cyclonedx.model.component import Component
    from cyclonedx.model.license import License

    from pipx_parallel.emitters.interface import LockContext
    from pipx_parallel.model import Pin, Resolution

INPUTS = "pipx-parallel:inputs"  # the property with the digest, for --check
_ORDER = (
    "bomFormat", "specVersion", "serialNumber", "version", "metadata", "components", "dependencies", "vulnerabilities",
)  # fmt: skip
_ROOT = "lock"


def render(name: str, resolutions: Sequence[Resolution], context: LockContext) -> tuple[Artifact, ...]:
    """Return the one document for all the resolutions (see ``Emitter``). Raises ``UsageError`` if the extra is not installed."""
    try:
        from cyclonedx.model import Property  # here and below: 250 ms, only for this format
        from cyclonedx.model.bom import Bom, BomMetaData
        from cyclonedx.model.component import Component, ComponentType
    except ImportError:
        raise UsageError(f"{name}: a CycloneDX document needs the extra: pip install 'pipx-parallel[sbom]'") from None

    digest = input_digest(context, [resolution.target for resolution in resolutions])
    root = Component(name=_ROOT, type=ComponentType.APPLICATION, bom_ref=_ROOT)
    facts = [
        Property(name=INPUTS, value=digest),
        Property(name="pipx-parallel:command", value=one_line(context.command)),
    ]
    metadata = BomMetaData(component=root, timestamp=_newest_upload(resolutions), properties=facts)
    bom = Bom(metadata=metadata, serial_number=uuid.uuid5(uuid.NAMESPACE_OID, digest))
    components = _add_components(bom, resolutions, context)
    _add_dependencies(bom, root, components, resolutions)
    return (Artifact(name, document_text(bom)),)


def document_text(bom: Bom) -> str:
    """Return a document as JSON, in an order for people."""
    from cyclonedx.output.json import JsonV1Dot6  # as above

    table: dict[str, Any] = json.loads(JsonV1Dot6(bom).output_as_string())
    return json.dumps({key: table[key] for key in _ORDER if key in table}, indent=2) + "\n"


def _add_components(
    bom: Bom, resolutions: Sequence[Resolution], context: LockContext
) -> dict[tuple[str, str], Component]:
    components: dict[tuple[str, str], Component] = {}
    for resolution in resolutions:
        for pin in resolution.pins:
            if (pin.name, pin.version) not in components:
                components[pin.name, pin.version] = component = _component(pin, context)
                bom.components.add(component)
    return components


def _component(pin: Pin, context: LockContext) -> Component:
    from cyclonedx.model import ExternalReference, ExternalReferenceType, HashAlgorithm, HashType, XsUri  # as above
    from cyclonedx.model.component import Component, ComponentScope, ComponentType  # as above
    from packageurl import PackageURL  # as above

    algorithms = {"sha256": HashAlgorithm.SHA_256, "sha384": HashAlgorithm.SHA_384, "sha512": HashAlgorithm.SHA_512}
    references = [
        ExternalReference(
            type=ExternalReferenceType.DISTRIBUTION,
            url=XsUri(safe_url(file.url)),
            hashes=[HashType(alg=algorithms[kind], content=value) for kind, value in usable_hashes(file.hashes)],
        )
        for file in (pin.files if context.hashes else ())
        if file.url
    ]
    purl = PackageURL("pypi", None, pin.name, pin.version)
    return Component(
        name=pin.name,
        version=pin.version,
        type=ComponentType.LIBRARY,
        scope=ComponentScope.REQUIRED,
        purl=purl,
        bom_ref=purl.to_string(),
        external_references=references,
        licenses=[_licence(pin.licence)] if pin.licence else (),
    )


def _licence(expression: str) -> License:
    """Return an SPDX expression; what is no SPDX identifier is a name."""
    from cyclonedx.model.license import DisjunctiveLicense, LicenseExpression  # as above
    from cyclonedx.spdx import is_supported_id  # as above

    if " " in expression:
        return LicenseExpression(expression)
    return DisjunctiveLicense(id=expression) if is_supported_id(expression) else DisjunctiveLicense(name=expression)


def _add_dependencies(
    bom: Bom,
    root: Component,
    components: dict[tuple[str, str], Component],
    resolutions: Sequence[Resolution],
) -> None:
    children_of: dict[Component, list[Component]] = {root: [], **{component: [] for component in components.values()}}
    for resolution in resolutions:
        by_name = {pin.name: components[pin.name, pin.version] for pin in resolution.pins}
        for edge in resolution.edges:
            parent = by_name.get(edge.parent_project) if edge.parent else root
            child = by_name.get(edge.child)
            if parent is not None and child is not None and child is not parent and child not in children_of[parent]:
                children_of[parent].append(child)
    for parent, children in children_of.items():
        bom.register_dependency(parent, children)


def _newest_upload(resolutions: Sequence[Resolution]) -> datetime:
    """Return the upload time of the newest file: a timestamp that depends only on the resolution."""
    from datetime import UTC, datetime  # as above

    times = [
        file.upload_time
        for resolution in resolutions
        for pin in resolution.pins
        for file in pin.files
        if file.upload_time
    ]
    return datetime.fromisoformat(max(times)) if times else datetime.fromtimestamp(0, UTC)
