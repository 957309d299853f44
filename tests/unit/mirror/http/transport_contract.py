"""What every transport must do, as tests on a real server: subclass ``TransportContract`` and say how to make one."""

from __future__ import annotations

import tempfile
import time
from collections.abc import Callable, Iterator
from contextlib import closing, contextmanager
from pathlib import Path
from queue import SimpleQueue
from typing import Any

import pytest

from mirror.http.transport_settings import TransportSettings
from mirror.ports import Exchange, ProblemKind, Request, Transport
from tests.support.dists import Dist, wheel
from tests.support.index_pages import HTML_ONLY, JSON_TYPE, MODERN, Flavour
from tests.support.index_server import LoopbackIndex
from tests.support.self_signed import self_signed

PATIENCE = 30.0  # seconds: a lost answer must fail the test, not hang it
ACCEPT = (("Accept", JSON_TYPE),)
SIX = wheel("six", "1.0", padding=200_000)
LARGE = wheel("six", "2.0", padding=3_000_000)  # goes to the disk if the request allows that
Make = Callable[[TransportSettings], Transport]


def exchange_all(transport: Transport, *requests: Request) -> list[Exchange]:
    """Make the exchanges at once; return them in the order of the requests."""
    done: SimpleQueue[Exchange] = SimpleQueue()
    for request in requests:
        transport.submit(request, done.put)
    answers = [done.get(timeout=PATIENCE) for _ in requests]
    return sorted(answers, key=lambda exchange: requests.index(exchange.request))


def six_page(index: LoopbackIndex) -> Request:
    """Return the request for the one project of the test index."""
    return Request(f"{index.url}six/", ACCEPT)


def six_file(index: LoopbackIndex, *headers: tuple[str, str], limit: int | None = None) -> Request:
    """Return the request for its one file."""
    return Request(f"{index.root}/files/six/{SIX.filename}", headers, limit=limit)


class TransportContract:
    """The contract of ``mirror.ports.Transport``. ``make`` is the only thing a subclass gives."""

    @pytest.fixture
    def make(self) -> Make:
        """Return the factory of the transport under test."""
        raise NotImplementedError

    @contextmanager
    def serving(
        self,
        make: Make,
        flavour: Flavour = MODERN,
        **settings: Any,  # the fields of TransportSettings
    ) -> Iterator[tuple[LoopbackIndex, Transport]]:
        """Give an index with one project and a transport to reach it."""
        settings = {"workers": 4, "timeout": 5.0, **settings}
        with LoopbackIndex({"six": [SIX]}, flavour) as index, closing(make(TransportSettings(**settings))) as transport:
            yield index, transport

    def fetch(self, make: Make, flavour: Flavour = MODERN, **settings: Any) -> Exchange:  # likewise
        """Return the answer to a request for the project page."""
        with self.serving(make, flavour, **settings) as (index, transport):
            return exchange_all(transport, six_page(index))[0]

    def test_an_answer_has_status_body_url_and_lower_case_headers(self, make: Make) -> None:
        """What the index sent is what the caller gets."""
        with self.serving(make) as (index, transport):
            exchange = exchange_all(transport, six_page(index))[0]

            assert (exchange.status, exchange.problem, exchange.stale) == (200, None, False)
            assert exchange.url == f"{index.url}six/"
            assert exchange.headers["content-type"] == JSON_TYPE
            assert b'"six"' in exchange.body

    def test_a_missing_project_is_a_value_without_a_problem(self, make: Make) -> None:
        """404 is an answer."""
        with self.serving(make) as (index, transport):
            exchange = exchange_all(transport, Request(f"{index.url}nothing/", ACCEPT))[0]

        assert (exchange.status, exchange.problem) == (404, None)

    def test_a_refusal_names_its_time_and_is_not_tried_again(self, make: Make) -> None:
        """Retries belong to the fetcher."""
        with self.serving(make) as (index, transport):
            index.fail("/simple/six/", status=503, retry_after="7", times=9)
            exchange = exchange_all(transport, six_page(index))[0]

            assert (exchange.status, exchange.headers["retry-after"]) == (503, "7")
            assert len(index.requests_seen) == 1

    def test_no_server_is_a_problem(self, make: Make) -> None:
        """A closed port is said in words."""
        with LoopbackIndex() as index:
            url = index.url
        with closing(make(TransportSettings(timeout=5.0))) as transport:
            exchange = exchange_all(transport, Request(f"{url}six/"))[0]

        assert (exchange.status, exchange.body) == (0, b"")
        assert exchange.problem

    @pytest.mark.parametrize("url", ["http://[broken/", "ftp://index.example/six/", "nonsense", "http://"])
    def test_an_impossible_url_is_a_problem(self, make: Make, url: str) -> None:
        """Nothing is raised, whatever is asked."""
        with closing(make(TransportSettings(timeout=5.0))) as transport:
            exchange = exchange_all(transport, Request(url))[0]

        assert exchange.status == 0
        assert exchange.problem

    def test_redirects_are_followed_and_told(self, make: Make) -> None:
        """Relative links count from where the page really is."""
        with self.serving(make, MODERN._replace(redirect=True)) as (index, transport):
            exchange = exchange_all(transport, six_page(index))[0]

            assert (exchange.status, exchange.url) == (200, f"{index.root}/moved/simple/six/")

    def test_a_circle_of_redirects_is_a_problem(self, make: Make) -> None:
        """It ends."""
        exchange = self.fetch(make, MODERN._replace(redirect=True, redirect_root="/loop"))

        assert exchange.status == 0
        assert "redirect" in (exchange.problem or "")
        assert exchange.kind is ProblemKind.REDIRECTS

    def test_gzip_is_taken_off(self, make: Make) -> None:
        """The body is the page."""
        with self.serving(make, MODERN._replace(gzip=True)) as (index, transport):
            exchange = exchange_all(transport, six_page(index))[0]

            assert exchange.body.startswith(b'{"meta"')
            assert "gzip" in index.requests_seen[0].headers["accept-encoding"]

    def test_a_body_that_cannot_be_unpacked_is_a_problem(self, make: Make) -> None:
        """Called gzip, and none: said in words."""
        with self.serving(make) as (index, transport):
            index.fail("/simple/*", "mislabel", times=9)
            exchange = exchange_all(transport, six_page(index))[0]

        assert (exchange.status, exchange.problem) == (0, "the answer cannot be unpacked")

    @pytest.mark.parametrize(
        ("asked", "first", "last"), [("bytes=10-19", 10, 20), ("bytes=-100", len(SIX.body) - 100, None)]
    )
    def test_ranges_are_bytes_of_the_file_itself(self, make: Make, asked: str, first: int, last: int | None) -> None:
        """No encoding is offered where bytes are counted."""
        with self.serving(make, MODERN._replace(gzip=True)) as (index, transport):
            exchange = exchange_all(transport, six_file(index, ("Range", asked)))[0]

            assert exchange.status == 206
            assert exchange.body == SIX.body[first:last]
            assert exchange.headers["content-range"].endswith(f"/{len(SIX.body)}")
            assert "gzip" not in index.requests_seen[0].headers.get("accept-encoding", "")

    def test_a_range_that_is_not_available_is_a_value(self, make: Make) -> None:
        """416 is an answer."""
        with self.serving(make, MODERN._replace(ranges="refuse")) as (index, transport):
            exchange = exchange_all(transport, six_file(index, ("Range", "bytes=-10")))[0]

        assert (exchange.status, exchange.problem) == (416, None)

    def test_a_body_cut_short_is_a_problem(self, make: Make) -> None:
        """Half a page is no page."""
        with self.serving(make) as (index, transport):
            index.fail("/files/*", "truncate")
            exchange = exchange_all(transport, six_file(index))[0]

        assert (exchange.status, exchange.body) == (0, b"")
        assert "cut short" in (exchange.problem or "")

    def test_a_dropped_connection_is_a_problem(self, make: Make) -> None:
        """It is said, not raised."""
        with self.serving(make) as (index, transport):
            index.fail("/simple/*", "reset", times=9)
            exchange = exchange_all(transport, six_page(index))[0]

        assert exchange.status == 0
        assert exchange.problem

    def test_silence_times_out(self, make: Make) -> None:
        """A server that does not answer is given up."""
        with self.serving(make, timeout=1.0) as (index, transport):
            index.fail("/simple/*", "hang", times=9, seconds=60.0)
            exchange = exchange_all(transport, six_page(index))[0]

        assert "timed out" in (exchange.problem or "")
        assert exchange.kind is ProblemKind.PASSING

    def test_a_slow_body_that_keeps_coming_does_not_time_out(self, make: Make) -> None:
        """The time limit is for silence, not for size."""
        with self.serving(make, timeout=2.0) as (index, transport):
            index.fail("/files/*", "drip", seconds=2.8)
            exchange = exchange_all(transport, six_file(index))[0]

        assert exchange.body == SIX.body

    def test_a_body_past_its_limit_is_a_problem(self, make: Make) -> None:
        """What runs away is stopped."""
        with self.serving(make) as (index, transport):
            exchange = exchange_all(transport, six_file(index, limit=1000))[0]

        assert (exchange.status, exchange.body) == (0, b"")
        assert "larger than 1000 bytes" in (exchange.problem or "")
        assert exchange.kind is ProblemKind.TOO_LARGE

    def test_a_body_of_just_the_limit_is_good(self, make: Make) -> None:
        """The limit itself is allowed."""
        with self.serving(make) as (index, transport):
            exchange = exchange_all(transport, six_file(index, limit=len(SIX.body)))[0]

        assert exchange.body == SIX.body

    @pytest.mark.parametrize("dist", [SIX, LARGE])
    def test_a_request_may_allow_a_file_for_the_body(self, make: Make, dist: Dist) -> None:
        """A transport may use one or not; what is read is the body, from its start."""
        with self.serving(make) as (index, transport):
            index.publish("six", dist)
            request = Request(f"{index.root}/files/six/{dist.filename}", spool=True)
            exchange = exchange_all(transport, request)[0]

        assert (exchange.status, exchange.problem) == (200, None)
        with exchange.opened() as body:
            assert body.read() == dist.body
        assert exchange.file is None or (exchange.body, exchange.size) == (b"", len(dist.body))

    def test_a_file_for_the_body_has_the_same_limit(self, make: Make) -> None:
        """Nothing is left open."""
        with self.serving(make) as (index, transport):
            index.publish("six", LARGE)
            request = Request(f"{index.root}/files/six/{LARGE.filename}", limit=1_500_000, spool=True)
            exchange = exchange_all(transport, request)[0]

        assert (exchange.status, exchange.file) == (0, None)
        assert exchange.kind is ProblemKind.TOO_LARGE

    def test_a_disk_without_space_is_a_problem_that_no_retry_mends(
        self, make: Make, monkeypatch: pytest.MonkeyPatch
    ) -> None:
        """Here there is not even a folder for temporary files."""
        with self.serving(make) as (index, transport):
            index.publish("six", LARGE)
            monkeypatch.setattr(tempfile, "tempdir", "/nonexistent")
            exchange = exchange_all(transport, Request(f"{index.root}/files/six/{LARGE.filename}", spool=True))[0]

        assert (exchange.status, exchange.file) == (0, None)
        assert "cannot be stored here" in (exchange.problem or "")
        assert exchange.kind is ProblemKind.UNSENDABLE

    def test_the_limit_counts_what_is_unpacked(self, make: Make) -> None:
        """A small body that unpacks to a large one is stopped too."""
        with self.serving(make, MODERN._replace(gzip=True)) as (index, transport):
            index.publish("six", *[SIX._replace(filename=f"six-1.{minor}.zip") for minor in range(200)])
            exchange = exchange_all(transport, six_page(index)._replace(limit=20_000))[0]

        assert "larger than 20000 bytes" in (exchange.problem or "")
        assert exchange.kind is ProblemKind.TOO_LARGE

    def test_credentials_come_from_the_hook(self, make: Make) -> None:
        """The hook is asked with the URL."""
        asked: list[str] = []

        def auth(url: str) -> tuple[str, str] | None:
            asked.append(url)
            return "me", "secret:ß"

        with self.serving(make, MODERN._replace(auth=("me", "secret:ß")), auth=auth) as (index, transport):
            exchange = exchange_all(transport, six_page(index))[0]

            assert exchange.status == 200
            assert asked == [f"{index.url}six/"]

    def test_without_credentials_401_is_a_value(self, make: Make) -> None:
        """The transport reports the status; the caller decides."""
        exchange = self.fetch(make, MODERN._replace(auth=("me", "secret")), auth=lambda _: None)

        assert (exchange.status, exchange.problem) == (401, None)

    def test_credentials_do_not_follow_to_another_server(self, make: Make) -> None:
        """A redirect must not carry a password away."""
        with LoopbackIndex({"six": [SIX]}) as other:
            flavour = MODERN._replace(redirect=True, redirect_root=other.root)
            exchange = self.fetch(make, flavour, auth=lambda _: ("me", "secret"))

            assert (exchange.status, exchange.url) == (200, f"{other.root}/moved/simple/six/")
            assert "authorization" not in other.requests_seen[0].headers

    def test_a_problem_never_shows_the_password(self, make: Make) -> None:
        """Problems reach logs."""
        with LoopbackIndex() as index:
            url = index.url
        with closing(make(TransportSettings(timeout=5.0, auth=lambda _: ("me", "hunter2")))) as transport:
            exchange = exchange_all(transport, Request(f"{url}six/"))[0]

        assert "hunter2" not in repr(exchange)

    def test_a_problem_never_shows_the_proxy_s_password(self, make: Make) -> None:
        """Proxy URLs hold credentials."""
        with closing(make(TransportSettings(timeout=5.0, proxy="http://me:hunter2@127.0.0.1:9"))) as transport:
            exchange = exchange_all(transport, Request("http://index.example/simple/six/"))[0]

        assert exchange.problem
        assert "hunter2" not in repr(exchange)

    def test_requests_go_through_the_proxy(self, make: Make) -> None:
        """The proxy gets the whole URL of a host that need not exist here."""
        with LoopbackIndex() as proxy, closing(make(TransportSettings(timeout=5.0, proxy=proxy.root))) as transport:
            exchange_all(transport, Request("http://index.example/simple/six/"))

            assert proxy.requests_seen[0].headers["host"] == "index.example"

    def test_a_proxy_that_is_named_goes_before_no_proxy(self, make: Make, monkeypatch: pytest.MonkeyPatch) -> None:
        """As pip's --proxy: only a proxy of the environment has exceptions there."""
        monkeypatch.setenv("no_proxy", "index.example")
        with LoopbackIndex() as proxy, closing(make(TransportSettings(timeout=5.0, proxy=proxy.root))) as transport:
            exchange_all(transport, Request("http://index.example/simple/six/"))

            assert proxy.requests_seen[0].headers["host"] == "index.example"

    def test_the_index_is_told_who_asks(self, make: Make) -> None:
        """The user agent is the one of the settings, and nothing else is added."""
        with self.serving(make, user_agent="pipx-parallel/9.9") as (index, transport):
            exchange_all(transport, six_page(index))

            seen = index.requests_seen[0].headers
            assert seen["user-agent"] == "pipx-parallel/9.9"
            assert seen.keys() <= {"host", "user-agent", "accept", "accept-encoding", "connection"}
            assert seen["accept"] == JSON_TYPE

    def test_unchanged_is_304_without_a_body(self, make: Make) -> None:
        """The caller's validators reach the index as they are."""
        with self.serving(make) as (index, transport):
            first = exchange_all(transport, six_page(index))[0]
            again = six_page(index)._replace(headers=(*ACCEPT, ("If-None-Match", first.headers["etag"])))
            second = exchange_all(transport, again._replace(cache_key=again.url))[0]

        assert (second.status, second.body, second.problem, second.stale) == (304, b"", None, False)
        assert second.headers["cache-control"] == "max-age=600, public"

    def test_changed_is_200_with_the_new_body(self, make: Make) -> None:
        """Validators that no longer hold bring the page."""
        with self.serving(make) as (index, transport):
            request = Request(f"{index.url}six/", (*ACCEPT, ("If-None-Match", '"old"')), cache_key="six")
            exchange = exchange_all(transport, request)[0]

        assert exchange.status == 200
        assert exchange.body

    def test_head_brings_headers_alone(self, make: Make) -> None:
        """The method is the caller's."""
        with self.serving(make) as (index, transport):
            exchange = exchange_all(transport, six_file(index)._replace(method="HEAD"))[0]

        assert (exchange.status, exchange.body, exchange.problem) == (200, b"", None)
        assert exchange.headers["content-length"] == str(len(SIX.body))

    def test_html_is_passed_on_unread(self, make: Make) -> None:
        """A transport knows no formats."""
        with self.serving(make, HTML_ONLY) as (index, transport):
            exchange = exchange_all(transport, Request(f"{index.url}six/", (("Accept", "text/html"),)))[0]

        assert exchange.headers["content-type"] == "text/html; charset=utf-8"
        assert exchange.body.startswith(b"<!DOCTYPE html>")

    def test_many_requests_share_few_connections(self, make: Make) -> None:
        """Every request is answered once, and connections are kept alive."""
        with self.serving(make) as (index, transport):
            requests = [Request(f"{index.url}project-{number}/") for number in range(100)]
            exchanges = exchange_all(transport, *requests)

            assert [exchange.status for exchange in exchanges] == [404] * 100
            assert len({seen.port for seen in index.requests_seen}) <= 6

    def test_requests_run_side_by_side(self, make: Make) -> None:
        """While one waits for its answer, the others are asked."""
        with self.serving(make, MODERN._replace(latency=0.5)) as (index, transport):
            exchange_all(transport, *[Request(f"{index.url}project-{number}/") for number in range(4)])

            assert index.most_at_once == 4

    def test_no_more_than_the_workers_are_under_way(self, make: Make) -> None:
        """The transport keeps the number by itself, whoever asks it."""
        with self.serving(make, MODERN._replace(latency=0.05), workers=3) as (index, transport):
            exchange_all(transport, *[Request(f"{index.url}project-{number}/") for number in range(12)])

            assert index.most_at_once == 3

    def test_close_answers_for_what_is_under_way(self, make: Make) -> None:
        """Ctrl-C does not wait for a server."""
        with self.serving(make, workers=2) as (index, transport):
            index.fail("/simple/*", "hang", times=9, seconds=60.0)
            done: SimpleQueue[Exchange] = SimpleQueue()
            for number in range(5):
                transport.submit(Request(f"{index.url}project-{number}/"), done.put)
            time.sleep(0.1)
            started = time.monotonic()
            transport.close()
            exchanges = [done.get(timeout=PATIENCE) for _ in range(5)]

            assert time.monotonic() - started < 20.0
            assert {(exchange.status, exchange.problem) for exchange in exchanges} == {(0, "cancelled")}
            assert {exchange.kind for exchange in exchanges} == {ProblemKind.CANCELLED}
            time.sleep(0.1)
            assert done.empty()

    def test_after_close_every_request_is_answered_with_a_problem(self, make: Make) -> None:
        """Nobody waits for ever."""
        with self.serving(make) as (index, transport):
            transport.close()
            transport.close()
            exchange = exchange_all(transport, six_page(index))[0]

            assert (exchange.status, exchange.problem) == (0, "the transport is closed")
            assert index.requests_seen == []

    @pytest.mark.parametrize(
        ("settings", "status"),
        [
            ({}, 0),
            ({"verify": "certificate"}, 200),
            ({"verify": False}, 200),
            ({"trusted_hosts": ("127.0.0.1",)}, 200),
            ({"trusted_hosts": ("127.0.0.1:port",)}, 200),
            ({"trusted_hosts": ("other.example", "127.0.0.1:1")}, 0),
        ],
        ids=["default", "bundle", "unchecked", "trusted host", "trusted host and port", "trusted other"],
    )
    @pytest.mark.filterwarnings("ignore:Unverified HTTPS request")  # urllib3's; silenced outside of tests
    def test_certificates_are_checked_unless_the_user_says_otherwise(
        self, make: Make, settings: dict[str, Any], status: int, tmp_path: Path
    ) -> None:
        """A bundle of one's own, no checks at all, or none for a host."""
        context, certificate = self_signed(tmp_path)
        with LoopbackIndex({"six": [SIX]}, tls=context) as index:
            port = index.root.rpartition(":")[2]
            if settings.get("verify") == "certificate":
                settings = {"verify": str(certificate)}
            if "trusted_hosts" in settings:
                settings = {"trusted_hosts": tuple(host.replace("port", port) for host in settings["trusted_hosts"])}
            with closing(make(TransportSettings(timeout=5.0, **settings))) as transport:
                exchange = exchange_all(transport, six_page(index))[0]

        assert exchange.status == status
        assert status or "certificate" in (exchange.problem or "")
        assert status or exchange.kind is ProblemKind.TLS

    @pytest.mark.parametrize(("trusting", "status"), [("index", 0), ("both", 200)])
    @pytest.mark.filterwarnings("ignore:Unverified HTTPS request")  # as above
    def test_a_trusted_host_does_not_pass_its_trust_on(
        self, make: Make, trusting: str, status: int, tmp_path: Path
    ) -> None:
        """A redirect from a host that is trusted by name leads to one that is checked like any other; no password goes with it."""
        context, _ = self_signed(tmp_path)
        with LoopbackIndex({"six": [SIX]}, tls=context) as other:
            flavour = MODERN._replace(redirect=True, redirect_root=other.root)
            with LoopbackIndex({"six": [SIX]}, flavour, tls=context) as index:
                hosts = [server.root.removeprefix("https://") for server in (index, other)]
                trusted = tuple(hosts[: 1 if trusting == "index" else 2])
                settings = TransportSettings(timeout=5.0, trusted_hosts=trusted, auth=lambda _: ("me", "secret"))
                with closing(make(settings)) as transport:
                    exchange = exchange_all(transport, six_page(index))[0]

            assert exchange.status == status
            assert status or "certificate" in (exchange.problem or "")
            assert [name for seen in other.requests_seen for name in seen.headers if name == "authorization"] == []
            assert len(other.requests_seen) == (status == 200)

    def test_a_circle_of_redirects_at_a_trusted_host_is_a_problem(self, make: Make) -> None:
        """It ends as well."""
        flavour = MODERN._replace(redirect=True, redirect_root="/loop")
        exchange = self.fetch(make, flavour, trusted_hosts=("127.0.0.1",))

        assert exchange.status == 0
        assert "redirect" in (exchange.problem or "")
        assert exchange.kind is ProblemKind.REDIRECTS
