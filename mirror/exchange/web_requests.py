"""Requests to a mirror on the web: sent at once, repeated if they fail."""

from __future__ import annotations

from queue import Empty, SimpleQueue
from typing import TYPE_CHECKING

from mirror.errors import StoreError, Unreachable
from mirror.exchange.byte_ranges import UNSATISFIABLE

if TYPE_CHECKING:
    from mirror.ports import Exchange, Request, Store, Transport
    from mirror.settings import MirrorSettings

_ATTEMPTS = 3
_SILENCE = 120.0  # seconds without any response after which a mirror counts as unreachable
_WORKERS = 16
_ANSWERS = (200, 206, 404, UNSATISFIABLE)  # that a file does not exist, or a range cannot be sent, is an answer


class WebRequests:
    """Sends requests to one mirror."""

    def __init__(self, shown: str, settings: MirrorSettings, store: Store) -> None:
        """Send nothing yet; ``shown`` names the mirror in messages, ``store`` keeps a transport's validators."""
        self._shown = shown
        self._settings = settings
        self._store = store
        self._transport: Transport | None = None

    def fetch(self, requests: list[Request]) -> list[Exchange]:
        """Return the exchanges, in order; a request that fails is retried.

        Raises:
            StoreError: The mirror does not answer.
            Unreachable: A request failed after all retries.
        """
        transport = self._opened()
        exchanges: list[Exchange | None] = [None] * len(requests)
        done: SimpleQueue[tuple[int, Exchange]] = SimpleQueue()

        def submit(index: int) -> None:
            transport.submit(requests[index], lambda exchange: done.put((index, exchange)))

        attempts = [1] * len(requests)
        for index in range(len(requests)):
            submit(index)
        for _ in range(len(requests) * _ATTEMPTS):
            if all(exchange is not None for exchange in exchanges):
                break
            try:
                index, exchange = done.get(timeout=_SILENCE)
            except Empty:
                raise StoreError(f"the mirror at {self._shown} does not answer") from None
            if exchange.status in _ANSWERS and exchange.problem is None:
                exchanges[index] = exchange
            elif attempts[index] < _ATTEMPTS and (exchange.status == 0 or exchange.status >= 500):
                attempts[index] += 1
                submit(index)
            else:
                reason = exchange.problem or f"it answered {exchange.status}"
                raise Unreachable(f"the mirror at {self._shown} cannot be used: {reason}")
        return [exchange for exchange in exchanges if exchange is not None]

    def close(self) -> None:
        """Close the connections; safe to call twice."""
        if self._transport is not None:
            self._transport.close()
            self._transport = None

    def _opened(self) -> Transport:
        if self._transport is None:
            from mirror.http.transports import make_transport  # an HTTP stack: loaded for the first request

            self._transport = make_transport(
                self._settings._replace(workers=self._settings.workers or _WORKERS), self._store, pages=False
            )
        return self._transport
