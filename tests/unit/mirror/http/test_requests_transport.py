"""The portable transport keeps the contract, and remembers what lets an index fail without harm."""

from __future__ import annotations

import json
import re
from collections.abc import Iterator
from contextlib import closing
from pathlib import Path

import pytest

from mirror.http import requests_transport
from mirror.http.requests_transport import PooledTransport
from mirror.http.transport_settings import TransportSettings
from mirror.ports import Exchange, Request
from tests.support.dict_store import DictStore
from tests.support.dists import wheel
from tests.support.index_pages import JSON_TYPE, MODERN
from tests.support.index_server import LoopbackIndex
from tests.unit.mirror.http.transport_contract import Make, TransportContract, exchange_all


class TestContract(TransportContract):
    """``PooledTransport`` keeps the contract of all transports."""

    @pytest.fixture
    def make(self) -> Make:
        """Return the factory."""
        return PooledTransport


@pytest.fixture
def index() -> Iterator[LoopbackIndex]:
    """Serve one project; pages carry an ETag."""
    with LoopbackIndex({"six": [wheel("six", "1.0")]}, MODERN._replace(last_modified=True)) as running:
        yield running


def page_of(index: LoopbackIndex, etag: Exchange | None = None, key: str | None = "six") -> Request:
    """Return the request for the page, conditional where an answer is known."""
    headers = [("Accept", JSON_TYPE)]
    if etag is not None:
        headers += [("If-None-Match", etag.headers["etag"]), ("If-Modified-Since", etag.headers["last-modified"])]
    return Request(f"{index.url}six/", tuple(headers), cache_key=key)


def ask(store: DictStore, request: Request) -> Exchange:
    """Make one exchange with a transport of its own, as a process of its own would."""
    with closing(PooledTransport(TransportSettings(workers=1, timeout=5.0), store)) as transport:
        return exchange_all(transport, request)[0]


def test_only_what_validation_needs_is_kept(index: LoopbackIndex) -> None:
    """Status, URL and a few headers as JSON: no body, no credentials, nothing that would be unpickled."""
    index.flavour = index.flavour._replace(auth=("me", "hunter2"))
    settings = TransportSettings(workers=1, timeout=5.0, auth=lambda _: ("me", "hunter2"))
    store = DictStore()
    with closing(PooledTransport(settings, store)) as transport:
        exchange_all(transport, page_of(index))

    url, headers = json.loads(store.items.pop("http:six"))
    assert store.items == {}
    assert url == f"{index.url}six/"
    assert headers.keys() == {"etag", "last-modified", "cache-control", "content-type"}


def test_without_a_key_nothing_is_kept(index: LoopbackIndex) -> None:
    """The caller says what may be stored."""
    store = DictStore()
    ask(store, page_of(index, key=None))

    assert store.items == {}


def test_unchanged_is_a_304_that_is_not_stale(index: LoopbackIndex) -> None:
    """The stored headers and those of the new answer make one set."""
    store = DictStore()
    first = ask(store, page_of(index))
    second = ask(store, page_of(index, first))

    assert (second.status, second.body, second.stale, second.problem) == (304, b"", False, None)
    assert second.headers["etag"] == first.headers["etag"]
    assert [seen.status for seen in index.requests_seen] == [200, 304]


@pytest.mark.parametrize("status", [429, 500, 503])
def test_a_failing_index_leaves_what_is_known_standing(index: LoopbackIndex, status: int) -> None:
    """304, stale, and why."""
    store = DictStore()
    first = ask(store, page_of(index))
    index.fail("*", status=status)
    second = ask(store, page_of(index, first))

    assert (second.status, second.body, second.stale) == (304, b"", True)
    assert second.problem == f"the index answered {status}"


def test_an_index_out_of_reach_leaves_what_is_known_standing(index: LoopbackIndex) -> None:
    """No connection is a failure like any other."""
    store = DictStore()
    first = ask(store, page_of(index))
    index.fail("*", "reset", times=9)
    second = ask(store, page_of(index, first))

    assert (second.status, second.stale) == (304, True)
    assert "closed the connection" in (second.problem or "")


@pytest.mark.parametrize("status", [401, 403, 404, 410])
def test_an_answer_that_says_no_is_no_failure(index: LoopbackIndex, status: int) -> None:
    """A project that was withdrawn is not kept alive by the cache."""
    store = DictStore()
    first = ask(store, page_of(index))
    index.fail("*", status=status)

    assert ask(store, page_of(index, first)).status == status


def test_a_caller_without_validators_gets_the_whole_page(index: LoopbackIndex) -> None:
    """It has no record: a 304 would leave it with nothing."""
    store = DictStore()
    ask(store, page_of(index))
    second = ask(store, page_of(index))

    assert second.status == 200
    assert second.body


def test_validators_of_another_answer_are_not_confirmed(index: LoopbackIndex) -> None:
    """The caller's record and the stored response may differ: then the index decides."""
    store = DictStore()
    first = ask(store, page_of(index))
    index.publish("six", wheel("six", "2.0"))
    ask(store, page_of(index))
    late = ask(store, page_of(index, first))

    assert late.status == 200
    assert b"six-2.0" in late.body


def test_a_damaged_entry_is_as_good_as_none(index: LoopbackIndex) -> None:
    """What cannot be read is asked for again."""
    first = ask(DictStore(), page_of(index))

    for damage in (b"{", b"[1, 2]", b"\x80\x04K\x01.", b"null"):
        assert ask(DictStore({"http:six": damage}), page_of(index, first)).status == 304


def test_redirected_pages_are_stored_under_the_caller_s_key(index: LoopbackIndex) -> None:
    """Each hop passes by the cache but the first."""
    index.flavour = index.flavour._replace(redirect=True)
    store = DictStore()
    first = ask(store, page_of(index))
    second = ask(store, page_of(index, first))

    assert (second.status, second.stale, second.url) == (304, False, f"{index.root}/moved/simple/six/")
    assert list(store.items) == ["http:six"]


def test_a_certificate_file_that_is_not_there_is_named() -> None:
    """A wrong --cert is the user's to mend."""
    settings = TransportSettings(timeout=5.0, verify="/nowhere/bundle.pem")
    with closing(PooledTransport(settings)) as transport:
        exchange = exchange_all(transport, Request("https://127.0.0.1:9/"))[0]

    assert exchange.problem == "a certificate file cannot be read: No such file or directory"


def test_no_private_name_of_the_library_is_used() -> None:
    """Their attributes with an underscore change without notice; ruff's SLF001 sees each, unless a comment allows it."""
    source = Path(requests_transport.__file__ or "").read_text(encoding="utf-8")

    assert "SLF001" not in source
    assert re.findall(r"\bresponse\._\w+", source) == []
