"""Provenance objects (PEP 740): who published a file."""

from __future__ import annotations

import json
from typing import TYPE_CHECKING

from mirror.errors import Malformed
from mirror.records.tables import Table

if TYPE_CHECKING:
    from collections.abc import Iterator

LARGEST = 4 * 1024 * 1024  # bytes of a provenance object; one with two attestations has 10 kB
Publisher = dict[str, str]  # its kind, and what else that kind states


def publishers_of(data: bytes) -> list[Publisher]:
    """Return the publishers of the attestations of a file, each once. Raises ``Malformed``."""
    try:
        bundles = list(Table(json.loads(data)).tables("attestation_bundles"))
        rows = {tuple(_facts(bundle.table("publisher"))): None for bundle in bundles}
    except (ValueError, RecursionError) as error:
        raise Malformed(f"no provenance object: {error}") from error
    return [dict(row) for row in rows]


def _facts(publisher: Table) -> Iterator[tuple[str, str]]:
    """Yield the kind first, then what is a text, sorted; claims of a token and what is null are left out."""
    yield "kind", publisher.text("kind")
    values = publisher.all()
    yield from sorted((key, value) for key, value in values.items() if key != "kind" and isinstance(value, str))
