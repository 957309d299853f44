"""Which hosts are trusted without a certificate."""

from __future__ import annotations

from urllib.parse import urlsplit

import pytest

from mirror.http.transport_settings import TransportSettings


@pytest.mark.parametrize(
    ("trusted", "url", "answer"),
    [
        ("index.example", "https://index.example/simple/", True),
        ("Index.Example", "https://index.example:8443/simple/", True),
        ("index.example:8443", "https://index.example:8443/", True),
        ("index.example:443", "https://index.example/", True),
        ("index.example:8443", "https://index.example/", False),
        ("[::1]", "https://[::1]:8443/", True),
        ("::1", "https://[::1]/", True),
        ("[::1]:8443", "https://[::1]:8443/", True),
        ("[::1]:8443", "https://[::1]/", False),
        ("example", "https://index.example/", False),
        ("index.example", "https://index.example:port/", True),
        ("", "https:///simple/", False),
    ],
)
def test_a_trusted_host_is_compared_as_by_pip(trusted: str, url: str, answer: bool) -> None:
    """With or without port, brackets, capitals."""
    assert TransportSettings(trusted_hosts=(trusted,) if trusted else ()).trusts(urlsplit(url)) is answer
