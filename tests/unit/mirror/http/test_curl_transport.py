"""The fast transport keeps the same contract as the portable one."""

from __future__ import annotations

import pytest

from tests.unit.mirror.http.transport_contract import Make, TransportContract


class TestContract(TransportContract):
    """``CurlTransport`` keeps the contract of all transports."""

    @pytest.fixture
    def make(self) -> Make:
        """Return the factory; libcurl may be missing from a machine."""
        pytest.importorskip("pycurl")
        from mirror.http.curl_transport import CurlTransport  # it needs pycurl

        return CurlTransport
