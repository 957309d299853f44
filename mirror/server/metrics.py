"""The figures of a server in Prometheus's text format."""

from __future__ import annotations

from typing import TYPE_CHECKING

import msgspec

from mirror.http.fetch_job import LATENCY_BOUNDS
from mirror.ports import Purpose

if TYPE_CHECKING:
    from collections.abc import Iterable, Mapping

    from mirror.http.fetch_job import FetchCounts

    Rows = Iterable[tuple[Mapping[str, str], float]]


class Gauges(msgspec.Struct, frozen=True):
    """What is so at this moment."""

    active: int  # requests under way
    waiting: int  # requests that wait for a free slot
    solving: int  # locks being made
    healthy: bool


class Lookups(msgspec.Struct, frozen=True):
    """Where project pages came from, and the requests to the index behind them; ``upstream`` is None before the first."""

    hits: int
    revalidated: int
    upstream: FetchCounts | None


class Metrics:
    """Counts what a server answers. ``worker`` is the label of this process, if there are several."""

    def __init__(self, worker: str = "") -> None:
        """Start at zero."""
        self._worker = worker
        self._counts: dict[tuple[str, int], int] = {}
        self._seconds: dict[str, float] = {}
        self.locks = {"memory": 0, "solved": 0}

    def answered(self, route: str, status: int, seconds: float) -> None:
        """Count an answer."""
        self._counts[route, status] = self._counts.get((route, status), 0) + 1
        self._seconds[route] = self._seconds.get(route, 0.0) + seconds

    def text(self, gauges: Gauges, lookups: Lookups) -> str:
        """Return all figures, each with its help and type."""
        requests = [({"route": route, "status": str(status)}, n) for (route, status), n in sorted(self._counts.items())]
        seconds = [({"route": route}, n) for route, n in sorted(self._seconds.items())]
        locks = [({"source": source}, n) for source, n in self.locks.items()]
        parts = (
            self._family("mirror_requests_total", "counter", "Requests answered, by route and status.", requests),
            self._family("mirror_request_seconds_total", "counter", "Seconds spent on requests, by route.", seconds),
            self._family("mirror_locks_total", "counter", "Locks by POST /lock: solved, or answered from memory.", locks),
            self._family("mirror_locks_solving", "gauge", "Locks that are being solved.", [({}, gauges.solving)]),
            self._family("mirror_waiting", "gauge", "Requests that wait for a free slot.", [({}, gauges.waiting)]),
            self._family("mirror_active", "gauge", "Requests under way.", [({}, gauges.active)]),
            self._family("mirror_healthy", "gauge", "1 if the store can be used, 0 if not.", [({}, int(gauges.healthy))]),
            *self._upstream(lookups),
        )  # fmt: skip
        return "\n".join(line for part in parts for line in part) + "\n"

    def _upstream(self, lookups: Lookups) -> Iterable[list[str]]:
        """Yield the figures of the index behind the mirror. What locks ask of the index by themselves is not in them."""
        counts = lookups.upstream
        purposes = {} if counts is None else {kind: tuple(row) for kind, row in list(counts.for_purpose.items())}
        fetched = max(0, purposes.get(Purpose.PAGES, (0, 0))[0] - lookups.revalidated)
        results = {"hit": lookups.hits, "revalidated": lookups.revalidated, "miss": fetched}
        yield self._family(
            "mirror_lookups_total",
            "counter",
            "Project pages from the mirror (hit), confirmed by the index (revalidated), or fetched from it (miss).",
            [({"result": result}, n) for result, n in results.items()],
        )
        yield self._family(
            "mirror_upstream_requests_total",
            "counter",
            "Requests to the index, by purpose.",
            [({"purpose": purpose.value}, row[0]) for purpose, row in purposes.items()],
        )
        yield self._family(
            "mirror_upstream_bytes_total",
            "counter",
            "Bytes received from the index, by purpose.",
            [({"purpose": purpose.value}, row[1]) for purpose, row in purposes.items()],
        )
        failures = {"retry": counts.retries, "failure": counts.failures} if counts is not None else {}
        yield self._family(
            "mirror_upstream_errors_total",
            "counter",
            "Requests to the index that were repeated (retry) or given up (failure).",
            [({"kind": kind}, n) for kind, n in failures.items()],
        )
        yield self._latency(counts)

    def _latency(self, counts: FetchCounts | None) -> list[str]:
        name, total = "mirror_upstream_seconds", 0
        lines = list(_described(name, "histogram", "Seconds from a request to the index until its answer."))
        for bound, number in zip((*map(str, LATENCY_BOUNDS), "+Inf"), counts.latencies if counts else (), strict=False):
            total += number
            lines.append(self._row(f"{name}_bucket", {"le": bound}, total))
        if counts is not None:
            lines += [self._row(f"{name}_sum", {}, counts.seconds), self._row(f"{name}_count", {}, total)]
        return lines

    def _family(self, name: str, kind: str, help_text: str, rows: Rows) -> list[str]:
        return [*_described(name, kind, help_text), *[self._row(name, labels, value) for labels, value in rows]]

    def _row(self, name: str, labels: Mapping[str, str], value: float) -> str:
        all_labels = {**labels, **({"worker": self._worker} if self._worker else {})}
        inner = ",".join(f'{key}="{text}"' for key, text in all_labels.items())
        return f"{name}{{{inner}}} {value:.6g}" if inner else f"{name} {value:.6g}"


def _described(name: str, kind: str, text: str) -> tuple[str, str]:
    return f"# HELP {name} {text}", f"# TYPE {name} {kind}"
