"""Chooses the transport: libcurl if it can be loaded, else requests; aiohttp only if it is named.

The order follows the measurements in docs/performance.md.
"""

from __future__ import annotations

from contextlib import suppress
from typing import TYPE_CHECKING

from mirror.errors import NotInstalled
from mirror.http.transport_settings import TransportSettings

if TYPE_CHECKING:
    from collections.abc import Callable

    from mirror.ports import Store, Transport
    from mirror.settings import MirrorSettings


def make_transport(settings: MirrorSettings, store: Store, *, pages: bool = True) -> Transport:
    """Return the transport that the settings ask for.

    Args:
        settings: The transport, and its settings.
        store: Where a transport may store validators.
        pages: Whether project pages will be requested: they are parsed in a process of their own.

    Raises:
        NotInstalled: A transport is named and cannot be loaded.
    """
    transport_settings = TransportSettings(
        workers=settings.workers,
        timeout=settings.timeout,
        verify=settings.tls.verify,
        client_cert=settings.tls.client_cert,
        proxy=settings.proxy,
        trusted_hosts=settings.tls.trusted_hosts,
        user_agent=settings.user_agent,
        auth=settings.credentials,
    )
    if settings.transport in {"auto", "curl"}:
        try:
            from mirror.http.curl_transport import CurlTransport
        except ImportError as error:  # not installed, or built for another libcurl
            if settings.transport == "curl":
                raise NotInstalled(f"--transport curl: it cannot be loaded ({error}); use requests instead") from error
        else:
            return _made(lambda: CurlTransport(transport_settings), pages=pages)
    if settings.transport == "aiohttp":
        try:
            from mirror.http.aiohttp_transport import AiohttpTransport
        except ImportError as error:
            raise NotInstalled(
                f"--transport aiohttp needs the extra: pip install 'pipx-parallel[aiohttp]' ({error})"
            ) from error
        return _made(lambda: AiohttpTransport(transport_settings), pages=pages)
    from mirror.http.requests_transport import PooledTransport

    return PooledTransport(transport_settings, store)


def load_transport(settings: MirrorSettings) -> None:
    """Load what ``make_transport`` needs most often, libcurl; for a thread of its own, since it takes 30 ms."""
    if settings.transport in {"auto", "curl"}:
        with suppress(ImportError):  # ``make_transport`` reports it
            import mirror.http.curl_transport  # noqa: F401 - for its effect


def _made(make: Callable[[], Transport], *, pages: bool) -> Transport:
    """Return a transport; for pages one that parses them in a forked process if that is possible."""
    if not pages:
        return make()
    from mirror.http.page_transport import PageTransport, can_fork

    if can_fork():
        try:
            return PageTransport(make)
        except OSError:  # the system refuses a new process
            return make()
    return make()
