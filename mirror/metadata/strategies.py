"""Metadata strategies: generators that read one file's core metadata. They yield requests and receive exchanges; no I/O here.

The strategies are tried in this order for each file, because what an index offers differs by file:

1. the sidecar that the index advertises (PEP 658, PEP 714)
2. a range request for the end of the wheel, then a sidecar that is not advertised, if the index supports them
3. the whole wheel
4. for an sdist: its PKG-INFO if that is static (Metadata 2.2 or later, dependencies not in Dynamic), or the project table of
   its pyproject.toml if that is static

No build is run here: if only a build backend can give the metadata, ``NeedsBuild`` is raised with the archive.
"""

from __future__ import annotations

import hashlib
from io import SEEK_END, BytesIO
from typing import TYPE_CHECKING, Any, BinaryIO

from mirror.errors import Integrity, Malformed, MirrorError, NeedsBuild, NotFound, Unreachable
from mirror.limits import METADATA_BYTES
from mirror.metadata.core_metadata import FileText, parse_core_metadata, to_text
from mirror.metadata.sdist_metadata import file_for_copy
from mirror.metadata.static_metadata import static_metadata
from mirror.metadata.wheel_metadata import NeedRange, read_parts, wheel_metadata
from mirror.names import normalize_name
from mirror.ports import ProblemKind, Purpose, Request, Work
from mirror.records.version_keys import version_key

if TYPE_CHECKING:
    from collections.abc import Generator

    from mirror.metadata.core_metadata import CoreMetadata
    from mirror.metadata.index_facts import IndexFacts
    from mirror.ports import Exchange
    from mirror.records.model import DistFile

TAIL = 64 * 1024  # bytes: has the directory and METADATA of 148 of 171 real wheels; 16 KB needs twice the requests
SMALL = TAIL  # bytes; a wheel up to this size is fetched whole, so that its hash can be checked
_SIDECAR_LIMIT = METADATA_BYTES
_MORE_READS = 4
_CHUNK = 1024 * 1024  # bytes hashed at once
_LARGE = 8 * 1024 * 1024  # bytes of a source archive from which on it is read in a thread
_WHOLE_LIMIT = 4 * 1024 * 1024 * 1024


def read_metadata(file: DistFile, facts: IndexFacts) -> Generator[Request | Work, Any, CoreMetadata]:
    """Try the strategies for one file; yield requests, receive exchanges, return the metadata.

    Raises:
        MirrorError: Every strategy failed: ``NotFound``, ``Unreachable``, ``Integrity``, ``Malformed`` or ``NeedsBuild``.
    """
    troubles: list[MirrorError] = []
    if file.core_metadata:
        body = yield from _attempt(_sidecar(file, advertised=True), file, troubles)
        if body is not None:
            return body
    if not file.filename.endswith(".whl"):
        return (yield from _sdist(file))
    whole_first = file.size is not None and file.size <= SMALL
    if facts.ranges is not False and not whole_first:
        body = yield from _attempt(_ranged(file, facts), file, troubles)
        if body is not None:
            return _noting(body, troubles)
    if not file.core_metadata and not whole_first and facts.tries_sidecars:
        body = yield from _attempt(_sidecar(file, advertised=False), file, troubles)
        facts.sidecar_hits += body is not None
        facts.sidecar_misses += body is None
        if body is not None:
            return body
    body = yield from _attempt(_whole(file), file, troubles)
    if body is not None:
        return _noting(body, troubles)
    raise _gravest(troubles)


def _noting(metadata: CoreMetadata, troubles: list[MirrorError]) -> CoreMetadata:
    """Return metadata with what an earlier strategy found wrong: a sidecar whose hash differs is refused, and that is said."""
    wrong = next((str(trouble) for trouble in troubles if isinstance(trouble, Integrity)), None)
    return metadata._replace(refused_source=wrong)


def _attempt(
    steps: Generator[Request, Exchange, bytes], file: DistFile, troubles: list[MirrorError]
) -> Generator[Request, Exchange, CoreMetadata | None]:
    """Try one strategy; add its error to ``troubles`` and return None if it fails."""
    try:
        body = yield from steps
        return _metadata(body, file.filename)
    except MirrorError as error:
        troubles.append(error)
        return None


def _metadata(body: bytes, filename: str) -> CoreMetadata:
    """Parse metadata.

    Raises:
        Malformed: The metadata is invalid, or its name or version differs from the wheel's file name (an error in pip too).
    """
    metadata = parse_core_metadata(body, f"METADATA of {filename}")
    if not filename.endswith(".whl"):
        return metadata
    name, version = filename.split("-")[:2]
    if normalize_name(metadata.name) != normalize_name(name):
        raise Malformed(f"{filename}: its metadata is of another project, {metadata.name}")
    if metadata.version != version and version_key(metadata.version) != version_key(version.replace("_", "-")):
        raise Malformed(f"{filename}: its metadata is of another version, {metadata.version}")
    return metadata._replace(text=FileText(filename, body))


def _gravest(troubles: list[MirrorError]) -> MirrorError:
    """Return the most severe error by type (a wrong hash first), and of several the one of the last strategy."""
    for kind in (Integrity, Malformed, Unreachable, NotFound):
        for trouble in reversed(troubles):
            if isinstance(trouble, kind):
                return trouble
    return troubles[-1]


def _sidecar(file: DistFile, *, advertised: bool) -> Generator[Request, Exchange, bytes]:
    """Fetch ``URL.metadata``; its hash is checked if the index gives one (PEP 714)."""
    exchange = yield Request(file.url + ".metadata", limit=_SIDECAR_LIMIT, purpose=Purpose.METADATA)
    body = _body(exchange, file)
    promised = file.core_metadata if advertised and isinstance(file.core_metadata, str) else ""
    algorithm, _, wanted = promised.partition("=")
    if wanted:
        _check(BytesIO(body), ((algorithm, wanted),), f"metadata of {file.filename}")
    return body


def _ranged(file: DistFile, facts: IndexFacts) -> Generator[Request, Exchange, bytes]:
    """Fetch the end of the wheel by a range request, and more ranges if METADATA is not in it."""
    start = max(0, file.size - TAIL) if file.size is not None else None
    span = f"bytes={start}-{(file.size or 1) - 1}" if start is not None else f"bytes=-{TAIL}"
    exchange = yield Request(file.url, (("Range", span),), limit=SMALL, purpose=Purpose.METADATA)
    if exchange.status != 206:
        refused = exchange.status in (200, 416, 501) or exchange.kind is ProblemKind.TOO_LARGE
        if refused:
            facts.ranges = False
        if exchange.status in (200, 404, 410) and exchange.problem is None:
            return _whole_body(exchange, file)
        raise Unreachable(f"{file.filename}: the range request failed ({exchange.problem or exchange.status})")
    facts.ranges = True
    parts = [(_range_start(exchange, file), exchange.body)]
    for _ in range(_MORE_READS):
        metadata = read_parts(parts, file.filename)
        if not isinstance(metadata, NeedRange):
            return metadata
        more = yield Request(
            file.url,
            (("Range", f"bytes={metadata.start}-{metadata.end - 1}"),),
            limit=_SIDECAR_LIMIT,
            purpose=Purpose.METADATA,
        )
        if more.status != 206:
            raise Unreachable(f"{file.filename}: a range request failed ({more.problem or more.status})")
        parts.append((_range_start(more, file), more.body))
    raise Malformed(f"{file.filename}: the archive's directory is damaged")


def _whole(file: DistFile) -> Generator[Request, Exchange, bytes]:
    """Fetch the whole wheel, check its hash, and return its METADATA."""
    exchange = yield Request(file.url, limit=_WHOLE_LIMIT, purpose=Purpose.METADATA)
    return _whole_body(exchange, file)


def _whole_body(exchange: Exchange, file: DistFile) -> bytes:
    body = _body(exchange, file)
    _check(BytesIO(body), file.hashes, file.filename)
    return wheel_metadata(body, file.filename)


def _sdist(file: DistFile) -> Generator[Request | Work, Any, CoreMetadata]:
    """Fetch an sdist and return its static metadata (PEP 643, PEP 621). Raises ``NeedsBuild`` if it has none."""
    exchange: Exchange = yield Request(file.url, limit=_WHOLE_LIMIT, purpose=Purpose.SOURCES, spool=True)
    _check_status(exchange, file)
    archive = exchange.opened()
    results: list[CoreMetadata | None] = []
    large = archive.seek(0, SEEK_END) > _LARGE
    unpacked = file_for_copy() if large else None

    def read() -> bytes:
        _check(archive, file.hashes, file.filename)
        results.append(static_metadata(archive, file.filename, unpacked))
        return b""

    try:
        if large:
            yield Work(f"reading {file.filename}", read)  # seconds: the search goes on meanwhile
        else:
            read()
        metadata = results[0]
    except BaseException:  # also if the run ends while the archive is read
        archive.close()
        if unpacked is not None:
            unpacked.close()
        raise
    if unpacked is not None:
        if metadata is None and unpacked.seek(0, SEEK_END):  # what is built of it need not be decompressed again
            archive, unpacked = unpacked, archive
        unpacked.close()
    if metadata is not None:
        archive.close()
        return metadata._replace(text=FileText(file.filename, to_text(metadata)))
    raise NeedsBuild(
        f"{file.filename} has no static metadata: only its build backend can give its dependencies", archive
    )


def _body(exchange: Exchange, file: DistFile) -> bytes:
    """Return the body of a successful response, or raise the error for its status."""
    _check_status(exchange, file)
    return exchange.body


def _check_status(exchange: Exchange, file: DistFile) -> None:
    """Raise the error for the status of a response that is not successful."""
    if exchange.status in (404, 410):
        raise NotFound(f"{file.filename}: the index has no {exchange.url.rpartition('/')[2]}")
    if exchange.problem is not None or exchange.status != 200:
        raise Unreachable(f"{file.filename}: {exchange.trouble}")


def _check(file: BinaryIO, hashes: tuple[tuple[str, str], ...], what: str) -> None:
    """Raise ``Integrity`` if a file does not have the expected hash; SHA-256 is preferred, unsupported ones are skipped."""
    for algorithm, wanted in sorted(hashes, key=lambda pair: pair[0] != "sha256"):
        if algorithm in hashlib.algorithms_guaranteed:
            digest = hashlib.new(algorithm, usedforsecurity=False)
            file.seek(0)
            while chunk := file.read(_CHUNK):
                digest.update(chunk)
            if digest.hexdigest() != wanted.lower():
                raise Integrity(f"{what}: its {algorithm} differs from the one in the index")
            return


def _range_start(exchange: Exchange, file: DistFile) -> int:
    """Return the first offset of the range in a response (RFC 9110, Content-Range)."""
    span = exchange.headers.get("content-range", "").removeprefix("bytes").strip()
    start = span.partition("-")[0]
    if not start.isdigit():
        raise Malformed(f"{file.filename}: the response to a range request has no valid Content-Range")
    return int(start)
