"""The settings of every transport, as one frozen record."""

from __future__ import annotations

from collections.abc import Callable
from urllib.parse import SplitResult

from mirror.equality import NamedTuple


class TransportSettings(NamedTuple):
    """How requests are sent. ``auth`` returns (user, password) for a URL, or None; they are never stored or printed."""

    workers: int = 10  # requests at once; 0: the transport's default
    timeout: float = 15.0  # seconds: to connect, and without a byte while reading
    verify: str | bool = True  # a CA bundle's path, or whether certificates are checked
    client_cert: str | None = None  # path of a PEM file with certificate and key
    proxy: str | None = None  # URL; may hold credentials
    trusted_hosts: tuple[str, ...] = ()  # "host" or "host:port": certificates are not checked there
    user_agent: str = "python-metadata-mirror"
    auth: Callable[[str], tuple[str, str] | None] | None = None

    def trusts(self, url: SplitResult) -> bool:
        """Return whether the host of a URL is trusted without a certificate; brackets and case of a trusted host do not matter."""
        try:
            port = url.port
        except ValueError:
            port = None
        trusted = {host.lower().replace("[", "").replace("]", "") for host in self.trusted_hosts}
        return bool(trusted) and not trusted.isdisjoint((url.hostname or "", f"{url.hostname}:{port or 443}"))
