"""Clients of Redis for a URL: one server, Sentinel, or a cluster. The client library does the work; here its options are read.

    redis://USER:PASSWORD@HOST:PORT/DATABASE          one server; rediss:// with TLS, unix:// for a socket
    redis+sentinel://USER:PASSWORD@HOST:PORT,HOST:PORT/SERVICE/DATABASE
    redis+cluster://USER:PASSWORD@HOST:PORT,HOST:PORT

``rediss+sentinel`` and ``rediss+cluster`` use TLS. The query has the client's own options: ``ssl_ca_certs``, ``ssl_certfile``,
``ssl_keyfile``, ``socket_timeout`` and others; ``sentinel_username`` and ``sentinel_password`` are for the sentinels.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Any
from urllib.parse import unquote, urlsplit

import redis

if TYPE_CHECKING:
    from collections.abc import Mapping

_untyped: Any = redis  # its types leave out what is called through this name
_TIMES = {"socket_timeout": 30.0, "socket_connect_timeout": 5.0}  # seconds, unless the URL says otherwise
_SENTINEL_PORT, _CLUSTER_PORT = 26379, 6379
# A server that is away, or that is not the one to ask any more: after a failover, or while a cluster moves its keys.
AWAY = (
    redis.exceptions.ConnectionError,
    redis.exceptions.TimeoutError,
    redis.exceptions.BusyLoadingError,
    redis.exceptions.ReadOnlyError,
    redis.exceptions.ExecAbortError,
    redis.exceptions.ClusterDownError,
    redis.exceptions.TryAgainError,
    redis.exceptions.RedisClusterException,  # no node of a cluster can be reached; of no other class of the library
)


def is_cluster(url: str) -> bool:
    """Return whether a URL is that of a cluster, where a transaction is about keys of one hash slot."""
    return url.partition("://")[0].endswith("+cluster")


def client_of(url: str) -> Any:
    """Return a client that tries each command once. Raises ``ValueError``, ``TypeError`` or ``AttributeError`` for a wrong URL."""
    scheme, _, kind = url.partition("://")[0].partition("+")
    parts = urlsplit(url)
    user, _, hosts = parts.netloc.rpartition("@")
    first = hosts if not kind else hosts.partition(",")[0]
    database = parts.path if not kind else f"/{parts.path.strip('/').partition('/')[2]}"
    plain = f"{scheme}://{user}{'@' if user else ''}{first}{database}{f'?{parts.query}' if parts.query else ''}"
    options: dict[str, Any] = {**_TIMES, "retry": redis.retry.Retry(redis.backoff.NoBackoff(), 0)}
    options |= _untyped.connection.parse_url(plain)
    options.pop("decode_responses", None)  # values are bytes, whatever the URL says
    if not kind:
        return redis.Redis.from_pool(redis.ConnectionPool(**options))
    for name in ("host", "port", "connection_class"):
        options.pop(name, None)
    if scheme == "rediss":
        options["ssl"] = True
    sentinel = {name: options.pop(f"sentinel_{name}", None) for name in ("username", "password")}
    if kind == "cluster":
        nodes = [_untyped.cluster.ClusterNode(host, port) for host, port in _addresses(hosts, _CLUSTER_PORT)]
        return redis.cluster.RedisCluster(startup_nodes=nodes, **options)
    return _master(
        _addresses(hosts, _SENTINEL_PORT), unquote(parts.path.strip("/").partition("/")[0]), options, sentinel
    )


def _master(
    addresses: list[tuple[str, int]], service: str, options: dict[str, Any], sentinel: Mapping[str, str | None]
) -> Any:
    """Return a client of the present master of a service, which the sentinels know; it follows a failover."""
    if not service:
        raise ValueError("the URL has no service")
    ours = {name: value for name, value in options.items() if name.startswith(("ssl", "socket_", "retry"))}
    watchers = _untyped.Sentinel(addresses, sentinel_kwargs={**ours, **sentinel}, **options)
    return watchers.master_for(service)


def _addresses(hosts: str, port: int) -> list[tuple[str, int]]:
    rows = [urlsplit(f"//{host}") for host in hosts.split(",")]
    return [(row.hostname or "", row.port or port) for row in rows]
