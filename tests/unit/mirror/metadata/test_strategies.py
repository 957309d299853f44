"""The metadata strategies, without a transport: each strategy, and each fallback to the next."""

from __future__ import annotations

import hashlib
from collections.abc import Callable, Generator, Mapping
from io import BytesIO
from random import Random
from typing import Any

import pytest

from mirror.errors import Integrity, Malformed, MirrorError, NeedsBuild, NotFound, Unreachable
from mirror.metadata.core_metadata import CoreMetadata
from mirror.metadata.index_facts import IndexFacts
from mirror.metadata.strategies import SMALL, TAIL, read_metadata
from mirror.ports import Exchange, Request, Work
from mirror.records.model import DistFile
from mirror.urls import PublicUrl
from tests.support.dists import Dist, sdist, tarred, wheel, zipped

URL = "http://index.example/files/"
LARGE = wheel("pkg", "1.0", ["lib"], padding=300_000)
STATIC = sdist("pkg", "1.0", ["lib"])
TINY = wheel("pkg", "1.0", ["lib"])
SIDECAR, RANGE, WHOLE, WORK = "sidecar", "range", "whole", "work"

Responder = Callable[[Request], Exchange]


def file_of(dist: Dist, *, core_metadata: str | bool = False, size: bool = True, digest: str | None = None) -> DistFile:
    """Return the file as an index lists it."""
    hashes = (("sha256", digest or dist.sha256),)
    return DistFile(
        dist.filename, URL + dist.filename, hashes, len(dist.body) if size else None, core_metadata=core_metadata
    )


def kind_of(request: Request) -> str:
    """Return the strategy that makes this request."""
    if request.url.endswith(".metadata"):
        return SIDECAR
    return RANGE if dict(request.headers).get("Range") else WHOLE


def always(status: int = 200, body: bytes = b"", problem: str | None = None) -> Responder:
    """Return a responder that always gives the same response."""
    return lambda request: Exchange(request, status, {}, body, PublicUrl(request.url), problem)


def served(dist: Dist, *, suffix: bool = True) -> Responder:
    """Return a responder of a server that has the file and supports ranges."""

    def respond(request: Request) -> Exchange:
        span = dict(request.headers).get("Range")
        if span is None:
            return Exchange(request, 200, {}, dist.body, PublicUrl(request.url))
        first, _, last = span.removeprefix("bytes=").partition("-")
        if not first and not suffix:
            return Exchange(request, 416, {}, b"", PublicUrl(request.url))
        start = int(first) if first else len(dist.body) - int(last)
        end = int(last) + 1 if first else len(dist.body)
        headers = {"content-range": f"bytes {start}-{end - 1}/{len(dist.body)}"}
        return Exchange(request, 206, headers, dist.body[start:end], PublicUrl(request.url))

    return respond


def run_strategies(
    file: DistFile, responders: Mapping[str, Responder], facts: IndexFacts | None = None
) -> tuple[CoreMetadata | MirrorError, list[str]]:
    """Run the strategies; return the result and the names of those that were tried."""
    steps = read_metadata(file, facts or IndexFacts())
    tried: list[str] = []
    try:
        request = next(steps)
        while True:
            if isinstance(request, Work):
                tried.append(WORK)
                request = _after(steps, request)
                continue
            tried.append(kind_of(request))
            request = steps.send(responders.get(kind_of(request), always(404))(request))
    except StopIteration as ended:
        result: CoreMetadata = ended.value
        return result, tried
    except MirrorError as error:
        return error, tried


def _after(steps: Generator[Request | Work, Any, CoreMetadata], work: Work) -> Request | Work:
    """Do work as the fetcher does, and return the next step."""
    try:
        done = work.do()
    except MirrorError as error:
        return steps.throw(error)
    return steps.send(done)


def dependencies(result: CoreMetadata | MirrorError) -> tuple[str, ...]:
    """Return the dependencies; the result must be metadata."""
    assert isinstance(result, CoreMetadata), result
    return result.requires_dist


def sha256(data: bytes | None) -> str:
    """Return the hash as an index writes it."""
    return "sha256=" + hashlib.sha256(data or b"").hexdigest()


def test_an_advertised_sidecar_takes_one_request() -> None:
    """Its hash is checked."""
    file = file_of(LARGE, core_metadata=sha256(LARGE.metadata))

    result, tried = run_strategies(file, {SIDECAR: always(body=LARGE.metadata or b"")})

    assert (dependencies(result), tried) == (("lib",), [SIDECAR])


@pytest.mark.parametrize(
    "trouble",
    [
        always(404),
        always(500),
        always(0, problem="timed out"),
        always(body=b"nonsense"),
        always(body=b"Name: x\nVersion: 1\n\n"),
    ],
)
def test_a_sidecar_that_fails_is_skipped(trouble: Responder) -> None:
    """Missing, a server error, invalid, a wrong hash: the wheel's tail is fetched."""
    file = file_of(LARGE, core_metadata=sha256(LARGE.metadata))

    result, tried = run_strategies(file, {SIDECAR: trouble, RANGE: served(LARGE)})

    assert (dependencies(result), tried) == (("lib",), [SIDECAR, RANGE])


def test_the_tail_of_a_large_wheel() -> None:
    """One range request, with an offset computed from its size."""
    facts = IndexFacts()

    result, tried = run_strategies(file_of(LARGE), {RANGE: served(LARGE)}, facts)

    assert (dependencies(result), tried, facts.ranges) == (("lib",), [RANGE], True)


def test_the_tail_without_a_size() -> None:
    """A suffix range: only for a wheel of unknown size."""
    requests: list[str] = []

    def respond(request: Request) -> Exchange:
        requests.append(dict(request.headers)["Range"])
        return served(LARGE)(request)

    result, _ = run_strategies(file_of(LARGE, size=False), {RANGE: respond})

    assert (dependencies(result), requests) == (("lib",), [f"bytes=-{TAIL}"])


def test_metadata_far_from_the_end_takes_a_second_read() -> None:
    """The directory in the tail has its offset."""
    info = "pkg-1.0.dist-info/METADATA"
    body = zipped({info: LARGE.metadata or b"", "data.bin": hashlib.shake_128(b"x").digest(300_000)})
    far = LARGE._replace(body=body)

    result, tried = run_strategies(file_of(far), {RANGE: served(far)})

    assert (dependencies(result), tried) == (("lib",), [RANGE, RANGE])


def test_a_small_wheel_is_read_whole() -> None:
    """It takes one request either way, and its hash can be checked."""
    assert len(TINY.body) <= SMALL

    result, tried = run_strategies(file_of(TINY), {WHOLE: served(TINY)})

    assert (dependencies(result), tried) == (("lib",), [WHOLE])


@pytest.mark.parametrize("status", [416, 501])
def test_refused_ranges_are_learned(status: int) -> None:
    """The next file of this index is not requested by range."""
    facts = IndexFacts(sidecar_misses=9)

    result, tried = run_strategies(file_of(LARGE), {RANGE: always(status), WHOLE: served(LARGE)}, facts)
    _, again = run_strategies(file_of(LARGE), {WHOLE: served(LARGE)}, facts)

    assert (dependencies(result), tried, facts.ranges, again) == (("lib",), [RANGE, WHOLE], False, [WHOLE])


def test_an_index_that_ignores_ranges_sends_the_whole_file() -> None:
    """200: no further request is made, and the index is marked."""
    facts = IndexFacts()

    result, tried = run_strategies(file_of(LARGE), {RANGE: always(body=LARGE.body)}, facts)

    assert (dependencies(result), tried, facts.ranges) == (("lib",), [RANGE], False)


def test_a_range_that_fails_otherwise_does_not_mark_the_index() -> None:
    """A lost connection has nothing to do with ranges."""
    facts = IndexFacts(sidecar_misses=9)

    result, tried = run_strategies(file_of(LARGE), {RANGE: always(0, problem="timed out"), WHOLE: served(LARGE)}, facts)

    assert (dependencies(result), tried, facts.ranges) == (("lib",), [RANGE, WHOLE], None)


def test_an_unadvertised_sidecar_is_used() -> None:
    """Tried if ranges fail, and counted."""
    facts = IndexFacts(ranges=False)

    result, tried = run_strategies(file_of(LARGE), {SIDECAR: always(body=LARGE.metadata or b"")}, facts)

    assert (dependencies(result), tried, facts.sidecar_hits) == (("lib",), [SIDECAR], 1)


def test_unadvertised_sidecars_are_not_requested_after_a_few_misses() -> None:
    """An index that has none is not requested for each file."""
    facts = IndexFacts(ranges=False)

    asked = [run_strategies(file_of(LARGE), {WHOLE: served(LARGE)}, facts)[1] for _ in range(5)]

    assert asked == [[SIDECAR, WHOLE]] * 3 + [[WHOLE]] * 2


@pytest.mark.parametrize(
    ("responders", "kind"),
    [
        ({}, NotFound),
        ({WHOLE: always(500)}, Unreachable),
        ({WHOLE: always(body=b"no zip at all")}, Malformed),
        ({WHOLE: always(body=TINY.body), SIDECAR: always(500)}, Integrity),
    ],
)
def test_when_every_strategy_has_failed_the_gravest_is_reported(
    responders: Mapping[str, Responder], kind: type[MirrorError]
) -> None:
    """A wrong hash before invalid data before an unreachable index."""
    promised = sha256(b"no zip at all").partition("=")[2] if kind is Malformed else "0" * 64

    result, tried = run_strategies(file_of(LARGE, digest=promised), responders, IndexFacts(ranges=False))

    assert (type(result), tried) == (kind, [SIDECAR, WHOLE])
    assert "pkg-1.0" in str(result)


def test_a_whole_wheel_with_a_wrong_hash_is_not_read() -> None:
    """Whatever its METADATA says."""
    result, _ = run_strategies(file_of(TINY, digest="0" * 64), {WHOLE: served(TINY)})

    assert isinstance(result, Integrity)


def test_a_static_sdist_is_read() -> None:
    """PEP 643."""
    dist = sdist("pkg", "1.0", ["lib"])

    result, tried = run_strategies(file_of(dist), {WHOLE: served(dist)})

    assert (dependencies(result), tried) == (("lib",), [WHOLE])


def test_a_dynamic_sdist_needs_a_build() -> None:
    """The error names the file."""
    dist = sdist("pkg", "1.0", ["lib"], static=False)

    result, _ = run_strategies(file_of(dist), {WHOLE: served(dist)})

    assert isinstance(result, NeedsBuild)
    assert "pkg-1.0.tar.gz" in str(result)


@pytest.mark.parametrize("digest", [None, "0" * 64])
def test_a_large_sdist_is_read_in_a_thread(digest: str | None) -> None:
    """Unpacking takes seconds, and the search goes on; errors are the same."""
    body = tarred({"pkg-1.0/noise": Random(1).randbytes(9_000_000), "pkg-1.0/PKG-INFO": STATIC.metadata or b""})  # noqa: S311 - noise
    dist = STATIC._replace(body=body)

    result, tried = run_strategies(file_of(dist, digest=digest), {WHOLE: always(body=body)})

    assert tried == [WHOLE, WORK]
    assert isinstance(result, Integrity) if digest else dependencies(result) == ("lib",)


def test_a_large_sdist_is_closed_if_the_run_ends_meanwhile() -> None:
    """The steps are dropped while a thread reads."""
    body = BytesIO(b"x" * 9_000_000)
    steps = read_metadata(file_of(STATIC), IndexFacts())
    request = next(steps)
    assert isinstance(request, Request)

    assert isinstance(steps.send(Exchange(request, 200, {}, b"", PublicUrl(request.url), file=body)), Work)
    steps.close()

    assert body.closed


def test_an_sdist_with_a_wrong_hash_is_not_opened() -> None:
    """Its content is untrusted."""
    dist = sdist("pkg", "1.0", ["lib"])

    result, _ = run_strategies(file_of(dist, digest="0" * 64), {WHOLE: served(dist)})

    assert isinstance(result, Integrity)


def test_a_hash_of_an_unknown_algorithm_is_skipped() -> None:
    """The next hash is checked."""
    file = file_of(TINY)._replace(hashes=(("crc7", "00"), ("sha256", TINY.sha256)))

    assert dependencies(run_strategies(file, {WHOLE: served(TINY)})[0]) == ("lib",)
    assert isinstance(
        run_strategies(file._replace(hashes=(("crc7", "00"), ("md5", "0" * 32))), {WHOLE: served(TINY)})[0], Integrity
    )


@pytest.mark.parametrize(
    ("metadata", "words"),
    [
        (b"Metadata-Version: 2.1\nName: other\nVersion: 1.0\n\n", "another project, other"),
        (b"Metadata-Version: 2.1\nName: pkg\nVersion: 2.0\n\n", "another version, 2.0"),
    ],
)
def test_metadata_of_another_wheel_is_refused(metadata: bytes, words: str) -> None:
    """Installers refuse such a wheel. If the sidecar is wrong, the wheel is read; if the wheel is wrong, it is an error."""
    file = file_of(LARGE, core_metadata=sha256(metadata))
    strange = zipped({"pkg-1.0.dist-info/METADATA": metadata})
    liar = TINY._replace(body=strange)

    result, tried = run_strategies(file, {SIDECAR: always(body=metadata), RANGE: served(LARGE)})
    refused, _ = run_strategies(file_of(liar), {WHOLE: served(liar)})

    assert (dependencies(result), tried) == (("lib",), [SIDECAR, RANGE])
    assert isinstance(refused, Malformed)
    assert words in str(refused)


@pytest.mark.parametrize(
    ("filename", "name", "version"),
    [
        ("Pkg.Name-1.0-py3-none-any.whl", "pkg_name", "1.0.0"),
        ("pkg_name-1.0+cpu_2-py3-none-any.whl", "pkg-name", "1.0+cpu.2"),
        ("pkg_name-01.0RC1-1-py3-none-any.whl", "PKG-name", "1.0rc1"),
    ],
)
def test_one_wheel_may_be_spelled_in_several_ways(filename: str, name: str, version: str) -> None:
    """PEP 440 and PEP 503 define equal spellings."""
    metadata = f"Name: {name}\nVersion: {version}\nRequires-Dist: lib\n\n".encode()
    body = zipped({f"{'-'.join(filename.split('-')[:2])}.dist-info/METADATA": metadata})
    dist = TINY._replace(filename=filename, body=body)

    assert dependencies(run_strategies(file_of(dist), {WHOLE: served(dist)})[0]) == ("lib",)


def test_of_several_failures_the_last_is_reported() -> None:
    """The failure of the range request would not help the user; the failure of the wheel does."""
    result, tried = run_strategies(
        file_of(LARGE), {RANGE: always(0, problem="reset"), WHOLE: always(0, problem="the answer was cut short")}
    )

    assert tried == [RANGE, SIDECAR, WHOLE]
    assert str(result) == f"{LARGE.filename}: the answer was cut short"


def test_a_listed_wheel_that_is_missing_is_an_error() -> None:
    """404 for the range request and all others."""
    result, _ = run_strategies(file_of(LARGE), {})

    assert isinstance(result, NotFound)
    assert str(result) == f"{LARGE.filename}: the index has no {LARGE.filename}"
