"""The fast transport keeps the same contract as the portable one."""

from __future__ import annotations

from contextlib import closing

import pytest

from mirror.http.transport_settings import TransportSettings
from mirror.ports import Request
from tests.support.index_server import LoopbackIndex
from tests.unit.mirror.http.transport_contract import Make, TransportContract, exchange_all


class TestContract(TransportContract):
    """``CurlTransport`` keeps the contract of all transports."""

    @pytest.fixture
    def make(self) -> Make:
        """Return the factory; libcurl may be missing from a machine."""
        pytest.importorskip("pycurl")
        from mirror.http.curl_transport import CurlTransport  # it needs pycurl

        return CurlTransport

    @pytest.mark.parametrize(
        ("environ", "used"),
        [
            ({}, True),
            ({"no_proxy": "index.example"}, False),
            ({"REQUEST_METHOD": "GET"}, False),
            ({"http_proxy": ""}, False),
        ],
    )
    def test_an_upper_case_proxy_counts(
        self, make: Make, monkeypatch: pytest.MonkeyPatch, environ: dict[str, str], used: bool
    ) -> None:
        """As in pip: unless an exception, a CGI program's environment or the lower-case variable says otherwise."""
        for name in ("http_proxy", "all_proxy", "ALL_PROXY", "no_proxy", "NO_PROXY", "REQUEST_METHOD"):
            monkeypatch.delenv(name, raising=False)
        with LoopbackIndex() as proxy:
            monkeypatch.setenv("HTTP_PROXY", proxy.root)
            for name, value in environ.items():
                monkeypatch.setenv(name, value)
            with closing(make(TransportSettings(timeout=5.0))) as transport:
                exchange_all(transport, Request("http://index.example/simple/six/"))

            assert bool(proxy.requests_seen) == used
