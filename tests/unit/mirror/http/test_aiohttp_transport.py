"""The asynchronous transport keeps the same contract as the others."""

from __future__ import annotations

from contextlib import closing

import pytest

from mirror.http.transport_settings import TransportSettings
from mirror.ports import Request
from tests.support.index_server import LoopbackIndex
from tests.support.proxy import LoopbackProxy
from tests.unit.mirror.http.transport_contract import SIX, Make, TransportContract, exchange_all, six_page


class TestContract(TransportContract):
    """``AiohttpTransport`` keeps the contract of all transports."""

    @pytest.fixture
    def make(self) -> Make:
        """Return the factory; aiohttp is an extra."""
        pytest.importorskip("aiohttp")
        from mirror.http.aiohttp_transport import AiohttpTransport  # it needs aiohttp

        return AiohttpTransport


@pytest.fixture
def make() -> Make:
    """Return the factory for what only this transport is asked."""
    pytest.importorskip("aiohttp")
    from mirror.http.aiohttp_transport import AiohttpTransport  # likewise

    return AiohttpTransport


def test_the_proxy_is_told_who_asks_and_the_index_is_not(make: Make) -> None:
    """Credentials in a proxy's URL are for the proxy."""
    with LoopbackIndex({"six": [SIX]}) as index, LoopbackProxy("me", "secret") as proxy:
        with closing(make(TransportSettings(timeout=5.0, proxy=proxy.url))) as transport:
            exchange = exchange_all(transport, six_page(index))[0]

        assert (exchange.status, proxy.seen) == (200, [f"{index.url}six/"])
        assert not [name for name in index.requests_seen[0].headers if "auth" in name]


def test_the_environment_s_proxy_is_used_unless_it_excepts_the_host(
    make: Make, monkeypatch: pytest.MonkeyPatch
) -> None:
    """As by the other transports."""
    for name in ("HTTP_PROXY", "NO_PROXY", "no_proxy"):
        monkeypatch.delenv(name, raising=False)
    with LoopbackIndex() as proxy:
        monkeypatch.setenv("http_proxy", proxy.root.removeprefix("http://"))
        monkeypatch.setenv("no_proxy", "127.0.0.1")
        with LoopbackIndex({"six": [SIX]}) as index, closing(make(TransportSettings(timeout=5.0))) as transport:
            exchange_all(transport, six_page(index), Request("http://index.example/simple/six/"))

            assert [seen.path for seen in index.requests_seen] == ["/simple/six/"]
            assert [seen.headers["host"] for seen in proxy.requests_seen] == ["index.example"]
