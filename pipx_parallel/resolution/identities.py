"""Who published the files of pins, from the provenance objects (PEP 740) that their index names: for ``attestation-identities``."""

from __future__ import annotations

import json
from typing import TYPE_CHECKING

from mirror.errors import MirrorError, NotFound, Offline, Unreachable
from mirror.keys import PUBLISHERS
from mirror.metadata.builds import source_of
from mirror.ports import Purpose, Request
from mirror.records.provenance import LARGEST, publishers_of

if TYPE_CHECKING:
    from collections.abc import Generator, Sequence

    from mirror.ports import Exchange
    from mirror.records.model import DistFile
    from mirror.records.provenance import Publisher
    from mirror.session.mirror import Mirror
    from pipx_parallel.model import Pin, Resolution


def with_identities(
    resolutions: Sequence[Resolution], mirror: Mirror
) -> tuple[tuple[Resolution, ...], dict[str, MirrorError]]:
    """Return the resolutions with the publishers of each attested pin, and why those of some pins are not available.

    One request for each attested pin whose publishers the mirror does not have.
    """
    files = {(pin.name, pin.version): file for row in resolutions for pin in row.pins if (file := _attested(pin))}
    publishers: dict[tuple[str, str], list[Publisher]] = {}
    lacking = {}
    for key, file in files.items():
        stored = mirror.records.read(PUBLISHERS.key(source_of(file)))
        if stored is not None:
            publishers[key] = json.loads(stored)
        else:
            lacking["identity/" + "==".join(key)] = key
    failures: dict[str, MirrorError] = {}
    offline = mirror.settings.offline
    ended = mirror.run({name: _steps(files[key], offline=offline) for name, key in lacking.items()}) if lacking else {}
    for name, key in lacking.items():
        if isinstance(ended[name], MirrorError):
            failures[" ".join(key)] = ended[name]
        else:
            publishers[key] = ended[name]
            mirror.records.write(PUBLISHERS.key(source_of(files[key])), json.dumps(ended[name]).encode())

    def identified(pin: Pin) -> Pin:
        rows = publishers.get((pin.name, pin.version), ())
        return pin._replace(identities=tuple([tuple(publisher.items()) for publisher in rows]))

    return tuple([row.with_pins(identified) for row in resolutions]), failures


def _attested(pin: Pin) -> DistFile | None:
    """Return the first file to install that has a provenance object."""
    return next((file for file in pin.installable if file.provenance), None)


def _steps(file: DistFile, *, offline: bool) -> Generator[Request, Exchange, list[Publisher]]:
    if offline:
        raise Offline(f"{file.filename}: its publishers are not in the mirror, and offline")
    exchange = yield Request(file.provenance or "", limit=LARGEST, purpose=Purpose.OTHER)
    if exchange.status in (404, 410):
        raise NotFound(f"{file.filename}: its index has no provenance object of it")
    if exchange.problem is not None or exchange.status != 200:
        raise Unreachable(f"{file.filename}: its provenance object: {exchange.trouble}")
    return publishers_of(exchange.body)
