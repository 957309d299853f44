"""The metadata strategies, driven by hand: each one, and each way from one to the next."""

from __future__ import annotations

import hashlib
from collections.abc import Callable, Mapping

import pytest

from mirror.errors import Integrity, Malformed, MirrorError, NeedsBuild, NotFound, Unreachable
from mirror.metadata.core_metadata import CoreMetadata
from mirror.metadata.index_facts import IndexFacts
from mirror.metadata.strategies import SMALL, TAIL, read_metadata
from mirror.ports import Exchange, Request
from mirror.records.model import DistFile
from mirror.urls import PublicUrl
from tests.support.dists import Dist, sdist, wheel, zipped

URL = "http://index.example/files/"
LARGE = wheel("pkg", "1.0", ["lib"], padding=300_000)
TINY = wheel("pkg", "1.0", ["lib"])
SIDECAR, RANGE, WHOLE = "sidecar", "range", "whole"

Answer = Callable[[Request], Exchange]


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


def said(status: int = 200, body: bytes = b"", problem: str | None = None) -> Answer:
    """Answer always the same."""
    return lambda request: Exchange(request, status, {}, body, PublicUrl(request.url), problem)


def served(dist: Dist, *, suffix: bool = True) -> Answer:
    """Answer as a server that has the file and knows ranges."""

    def answer(request: Request) -> Exchange:
        span = dict(request.headers).get("Range")
        if span is None:
            return Exchange(request, 200, {}, dist.body, PublicUrl(request.url))
        first, _, last = span.removeprefix("bytes=").partition("-")
        if not first and not suffix:
            return Exchange(request, 416, {}, b"", PublicUrl(request.url))
        start = int(first) if first else len(dist.body) - int(last)
        end = int(last) + 1 if first else len(dist.body)
        told = {"content-range": f"bytes {start}-{end - 1}/{len(dist.body)}"}
        return Exchange(request, 206, told, dist.body[start:end], PublicUrl(request.url))

    return answer


def run_strategies(
    file: DistFile, answers: Mapping[str, Answer], facts: IndexFacts | None = None
) -> tuple[CoreMetadata | MirrorError, list[str]]:
    """Run the strategies; return the result and the names of those that were tried."""
    steps = read_metadata(file, facts or IndexFacts())
    tried: list[str] = []
    try:
        request = next(steps)
        while True:
            tried.append(kind_of(request))
            request = steps.send(answers.get(kind_of(request), said(404))(request))
    except StopIteration as ended:
        found: CoreMetadata = ended.value
        return found, tried
    except MirrorError as error:
        return error, tried


def needs(found: CoreMetadata | MirrorError) -> tuple[str, ...]:
    """Return the dependencies, insisting that there is an answer."""
    assert isinstance(found, CoreMetadata), found
    return found.requires_dist


def sha256(data: bytes | None) -> str:
    """Return the hash as an index writes it."""
    return "sha256=" + hashlib.sha256(data or b"").hexdigest()


def test_an_advertised_sidecar_is_all_that_is_asked_for() -> None:
    """One request, its hash checked."""
    file = file_of(LARGE, core_metadata=sha256(LARGE.metadata))

    found, tried = run_strategies(file, {SIDECAR: said(body=LARGE.metadata or b"")})

    assert (needs(found), tried) == (("lib",), [SIDECAR])


@pytest.mark.parametrize(
    "trouble",
    [said(404), said(500), said(0, problem="timed out"), said(body=b"nonsense"), said(body=b"Name: x\nVersion: 1\n\n")],
)
def test_a_sidecar_that_fails_is_skipped(trouble: Answer) -> None:
    """Not there, trouble, nonsense, a wrong hash: the wheel's tail answers."""
    file = file_of(LARGE, core_metadata=sha256(LARGE.metadata))

    found, tried = run_strategies(file, {SIDECAR: trouble, RANGE: served(LARGE)})

    assert (needs(found), tried) == (("lib",), [SIDECAR, RANGE])


def test_the_tail_of_a_large_wheel() -> None:
    """One ranged read, from where its size says."""
    facts = IndexFacts()

    found, tried = run_strategies(file_of(LARGE), {RANGE: served(LARGE)}, facts)

    assert (needs(found), tried, facts.ranges) == (("lib",), [RANGE], True)


def test_the_tail_without_a_size() -> None:
    """A suffix range: only with a wheel whose size is not known."""
    requests: list[str] = []

    def answer(request: Request) -> Exchange:
        requests.append(dict(request.headers)["Range"])
        return served(LARGE)(request)

    found, _ = run_strategies(file_of(LARGE, size=False), {RANGE: answer})

    assert (needs(found), requests) == (("lib",), [f"bytes=-{TAIL}"])


def test_metadata_far_from_the_end_takes_a_second_read() -> None:
    """The directory in the tail says where."""
    info = "pkg-1.0.dist-info/METADATA"
    body = zipped({info: LARGE.metadata or b"", "data.bin": hashlib.shake_128(b"x").digest(300_000)})
    far = LARGE._replace(body=body)

    found, tried = run_strategies(file_of(far), {RANGE: served(far)})

    assert (needs(found), tried) == (("lib",), [RANGE, RANGE])


def test_a_small_wheel_is_read_whole() -> None:
    """One request either way, and its hash can be checked."""
    assert len(TINY.body) <= SMALL

    found, tried = run_strategies(file_of(TINY), {WHOLE: served(TINY)})

    assert (needs(found), tried) == (("lib",), [WHOLE])


@pytest.mark.parametrize("status", [416, 501])
def test_refused_ranges_are_learned(status: int) -> None:
    """The next file of this index is not asked so."""
    facts = IndexFacts(sidecar_misses=9)

    found, tried = run_strategies(file_of(LARGE), {RANGE: said(status), WHOLE: served(LARGE)}, facts)
    _, again = run_strategies(file_of(LARGE), {WHOLE: served(LARGE)}, facts)

    assert (needs(found), tried, facts.ranges, again) == (("lib",), [RANGE, WHOLE], False, [WHOLE])


def test_an_index_that_ignores_ranges_has_answered_with_the_whole() -> None:
    """200: nothing more is asked for, and it is learned."""
    facts = IndexFacts()

    found, tried = run_strategies(file_of(LARGE), {RANGE: said(body=LARGE.body)}, facts)

    assert (needs(found), tried, facts.ranges) == (("lib",), [RANGE], False)


def test_a_range_that_fails_otherwise_does_not_mark_the_index() -> None:
    """A lost connection says nothing about ranges."""
    facts = IndexFacts(sidecar_misses=9)

    found, tried = run_strategies(file_of(LARGE), {RANGE: said(0, problem="timed out"), WHOLE: served(LARGE)}, facts)

    assert (needs(found), tried, facts.ranges) == (("lib",), [RANGE, WHOLE], None)


def test_a_sidecar_that_is_there_though_not_advertised() -> None:
    """Tried where ranges fail, and counted."""
    facts = IndexFacts(ranges=False)

    found, tried = run_strategies(file_of(LARGE), {SIDECAR: said(body=LARGE.metadata or b"")}, facts)

    assert (needs(found), tried, facts.sidecar_hits) == (("lib",), [SIDECAR], 1)


def test_unadvertised_sidecars_are_given_up_after_a_few_misses() -> None:
    """An index that has none is not asked for each."""
    facts = IndexFacts(ranges=False)

    asked = [run_strategies(file_of(LARGE), {WHOLE: served(LARGE)}, facts)[1] for _ in range(5)]

    assert asked == [[SIDECAR, WHOLE]] * 3 + [[WHOLE]] * 2


@pytest.mark.parametrize(
    ("answers", "kind"),
    [
        ({}, NotFound),
        ({WHOLE: said(500)}, Unreachable),
        ({WHOLE: said(body=b"no zip at all")}, Malformed),
        ({WHOLE: said(body=TINY.body), SIDECAR: said(500)}, Integrity),
    ],
)
def test_when_every_strategy_has_failed_the_gravest_is_reported(
    answers: Mapping[str, Answer], kind: type[MirrorError]
) -> None:
    """A wrong hash above nonsense above silence."""
    promised = sha256(b"no zip at all").partition("=")[2] if kind is Malformed else "0" * 64

    found, tried = run_strategies(file_of(LARGE, digest=promised), answers, IndexFacts(ranges=False))

    assert (type(found), tried) == (kind, [SIDECAR, WHOLE])
    assert "pkg-1.0" in str(found)


def test_a_whole_wheel_with_a_wrong_hash_is_not_read() -> None:
    """Whatever its METADATA says."""
    found, _ = run_strategies(file_of(TINY, digest="0" * 64), {WHOLE: served(TINY)})

    assert isinstance(found, Integrity)


def test_a_static_sdist_is_read() -> None:
    """PEP 643."""
    dist = sdist("pkg", "1.0", ["lib"])

    found, tried = run_strategies(file_of(dist), {WHOLE: served(dist)})

    assert (needs(found), tried) == (("lib",), [WHOLE])


def test_a_dynamic_sdist_needs_a_build() -> None:
    """Without permission to build, it is named."""
    dist = sdist("pkg", "1.0", ["lib"], static=False)

    found, _ = run_strategies(file_of(dist), {WHOLE: served(dist)})

    assert isinstance(found, NeedsBuild)
    assert "pkg-1.0.tar.gz" in str(found)


def test_an_sdist_with_a_wrong_hash_is_not_opened() -> None:
    """Nothing in it is believed."""
    dist = sdist("pkg", "1.0", ["lib"])

    found, _ = run_strategies(file_of(dist, digest="0" * 64), {WHOLE: served(dist)})

    assert isinstance(found, Integrity)


def test_a_hash_of_an_unknown_kind_proves_nothing() -> None:
    """It neither helps nor hurts; the next one is checked."""
    file = file_of(TINY)._replace(hashes=(("crc7", "00"), ("sha256", TINY.sha256)))

    assert needs(run_strategies(file, {WHOLE: served(TINY)})[0]) == ("lib",)
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
    """No installer would take it. Where a sidecar lies, the wheel itself answers; where that lies, nothing does."""
    file = file_of(LARGE, core_metadata=sha256(metadata))
    strange = zipped({"pkg-1.0.dist-info/METADATA": metadata})
    liar = TINY._replace(body=strange)

    found, tried = run_strategies(file, {SIDECAR: said(body=metadata), RANGE: served(LARGE)})
    refused, _ = run_strategies(file_of(liar), {WHOLE: served(liar)})

    assert (needs(found), tried) == (("lib",), [SIDECAR, RANGE])
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
    """PEP 440 and PEP 503 decide what is the same."""
    metadata = f"Name: {name}\nVersion: {version}\nRequires-Dist: lib\n\n".encode()
    body = zipped({f"{'-'.join(filename.split('-')[:2])}.dist-info/METADATA": metadata})
    dist = TINY._replace(filename=filename, body=body)

    assert needs(run_strategies(file_of(dist), {WHOLE: served(dist)})[0]) == ("lib",)


def test_of_several_failures_the_last_is_reported() -> None:
    """That no range could be read is no help to anybody; that the wheel came short is."""
    found, tried = run_strategies(
        file_of(LARGE), {RANGE: said(0, problem="reset"), WHOLE: said(0, problem="the answer was cut short")}
    )

    assert tried == [RANGE, SIDECAR, WHOLE]
    assert str(found) == f"{LARGE.filename}: the answer was cut short"


def test_a_wheel_that_is_listed_and_gone_is_named_so() -> None:
    """404 on the ranged read as on all others."""
    found, _ = run_strategies(file_of(LARGE), {})

    assert isinstance(found, NotFound)
    assert str(found) == f"{LARGE.filename}: the index has no {LARGE.filename}"
