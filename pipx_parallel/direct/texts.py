"""Requirements and constraints files at a URL, as steps. What was read is kept in the mirror, so that it is there offline."""

from __future__ import annotations

import base64
import hashlib
import json
from typing import TYPE_CHECKING, Any

from mirror.errors import NotFound, Offline, Unreachable
from mirror.keys import REFERENCES
from mirror.ports import Request
from mirror.records.freshness import SERVE, conditional_headers, decide, from_headers, from_json, revalidated

if TYPE_CHECKING:
    from collections.abc import Generator

    from mirror.ports import Exchange
    from pipx_parallel.direct.steps import BuildContext

_LIMIT = 16 * 1024 * 1024  # bytes of a text


def read_text(url: str, context: BuildContext) -> Generator[Request, Exchange, bytes]:
    """Return the bytes at a URL, which may hold credentials.

    Raises ``NotFound``, ``Unreachable``, or ``Offline`` if the mirror lacks it and the network must not be used.
    """
    plain = context.learn(url)
    key = REFERENCES.key(hashlib.blake2s(f"text\n{plain}".encode(), digest_size=16).hexdigest())
    fresh, stored = _decoded(context.read_derived(key))
    if stored is not None and decide(fresh, context.now, refresh=context.refresh, offline=context.offline) == SERVE:
        return stored
    if context.offline:
        raise Offline(f"{plain}: not in the mirror, and offline")
    headers = conditional_headers(fresh) if stored is not None else ()
    exchange = yield Request(plain, headers, limit=_LIMIT)
    if stored is not None and (exchange.status == 304 or exchange.stale):
        context.write_derived(key, _encoded(list(revalidated(fresh, exchange.headers, context.now)), stored))
        return stored
    if exchange.status in {404, 410}:
        raise NotFound(f"{plain}: there is no such file")
    if exchange.problem is not None or exchange.status != 200:
        raise Unreachable(f"{plain}: {exchange.problem or f'the server answered {exchange.status}'}")
    context.write_derived(key, _encoded(list(from_headers(exchange.headers, context.now)), exchange.body))
    return exchange.body


def _encoded(fresh: list[Any], body: bytes) -> bytes:
    return json.dumps([fresh, base64.b64encode(body).decode("ascii")]).encode()


def _decoded(data: bytes | None) -> tuple[Any, bytes | None]:
    try:
        match json.loads(data or b"null"):
            case [fresh, str() as body]:
                return from_json(fresh), base64.b64decode(body, validate=True)
    except ValueError:
        return None, None  # damaged: read again
    return None, None
