"""Locks for clients of a server: cached while all their records are unchanged, else created in a process that can be killed.

Requests are untrusted and must not block the server: the process that solves a request is killed at its deadline, so the
caller's thread is always released.
"""

from __future__ import annotations

import hashlib
import math
import multiprocessing
import signal
import threading
import time
from collections import OrderedDict
from typing import TYPE_CHECKING

from mirror.equality import NamedTuple
from mirror.errors import MirrorError
from mirror.session.mirror import transport_for
from mirror.session.open_store import open_store
from mirror.store.shared import HEAD
from pipx_parallel.config.mirror_location import mirror_settings
from pipx_parallel.errors import Bug
from pipx_parallel.resolution.lock_solver import LockSolver, Reply, Solved, refusal, too_long

if TYPE_CHECKING:
    from collections.abc import Mapping
    from multiprocessing.connection import Connection
    from multiprocessing.context import SpawnProcess

    from mirror.ports import Store
    from pipx_parallel.config.settings import ResolveSettings
    from pipx_parallel.model import Target

_SHORTLY = 60.0  # seconds
_MOST_GIVEN = 256  # cached locks, 60 kB each
_GRACE = 0.5  # seconds after its deadline at which a process is killed


class _Given(NamedTuple):
    """A cached reply, and the records that it depends on."""

    until: float  # wall-clock seconds: its records may be stale then
    heads: dict[str, bytes]  # the first bytes of each record
    version: object | None  # of the store when the records were last compared
    reply: Reply


class LockService:
    """Handles requests from any thread."""

    def __init__(self, settings: ResolveSettings, store: Store, targets: tuple[Target, ...]) -> None:
        """Take the settings, the mirror's store, and the default targets of requests."""
        self._lasts = settings.mirror.offline and not (settings.policy is not None and settings.policy.depends_on_time)
        self._store = store
        self._solvers = _Solvers(settings, targets)
        self._given: OrderedDict[tuple[bytes, str], _Given] = OrderedDict()
        self._lock = threading.Lock()

    def ready(self, body: bytes, query: Mapping[str, str]) -> Reply | None:
        """Return the cached reply if it is known to be current; never waits, never solves."""
        stored = self._given.get(_key(body, query))
        if stored is None or stored.version is None or time.time() >= stored.until:
            return None
        try:
            return stored.reply if stored.version == self._store.version() else None
        except MirrorError:
            return None  # ``answer`` reports the error

    def answer(self, body: bytes, query: Mapping[str, str], deadline: float) -> Reply:
        """Return the lock of a requirements file, from the cache if all its records are unchanged and fresh."""
        key = _key(body, query)
        version = self._store.version()  # read first, so that later changes are detected
        stored = self._given.get(key)
        if stored is not None and time.time() < stored.until:
            records = self._store.get_many(stored.heads)
            if all(records.get(name, b"")[:HEAD] == head for name, head in stored.heads.items()):
                self._keep(key, stored._replace(version=version))
                return stored.reply
        # Online, a reply is valid as long as its records are; a minute is less than the freshness of any of them.
        # With a policy that depends on time another reply may be due at any moment.
        until = math.inf if self._lasts else time.time() + _SHORTLY
        solved = self._solvers.solve(body, query, deadline)
        if solved.heads is not None:
            self._keep(key, _Given(until, solved.heads, version, solved.reply))
        return solved.reply

    def start(self) -> None:
        """Start a process, so that the first request does not wait for it."""
        self._solvers.start()

    def close(self) -> None:
        """End every process."""
        self._solvers.close()

    def _keep(self, key: tuple[bytes, str], given: _Given) -> None:
        with self._lock:
            self._given[key] = given
            self._given.move_to_end(key)
            while len(self._given) > _MOST_GIVEN:
                self._given.popitem(last=False)


class _Solvers:
    """Processes that each handle one request at a time; one per concurrent request."""

    def __init__(self, settings: ResolveSettings, targets: tuple[Target, ...]) -> None:
        """Take the settings; start no process yet."""
        self._about = (settings, targets)
        self._context = multiprocessing.get_context("spawn")  # a server has threads, and a fork would copy their locks
        self._idle: list[tuple[SpawnProcess, Connection]] = []
        self._all: set[SpawnProcess] = set()
        self._lock = threading.Lock()

    def start(self) -> None:
        """Start one idle process."""
        solver = self._begin()
        with self._lock:
            self._idle.append(solver)

    def solve(self, body: bytes, query: Mapping[str, str], deadline: float) -> Solved:
        """Return the result of a process, which is killed at the deadline. Raises ``Bug`` if the solve failed with a bug."""
        with self._lock:
            solver = self._idle.pop() if self._idle else None
        process, connection = solver or self._begin()
        try:
            connection.send((body, dict(query), deadline - time.monotonic()))
            if not connection.poll(max(0.0, deadline - time.monotonic()) + _GRACE):
                self._end(process, connection)
                return Solved(too_long())
            solved: Solved | str = connection.recv()
        except (EOFError, OSError):  # killed by an operator, or because of its memory
            self._end(process, connection)
            return Solved(refusal(503, "the process that made this lock was ended; ask again"))
        with self._lock:
            self._idle.append((process, connection))
        if isinstance(solved, str):
            raise Bug(solved)
        return solved

    def close(self) -> None:
        """Kill every process."""
        with self._lock:
            self._idle.clear()
            processes = list(self._all)
        for process in processes:
            process.kill()

    def _begin(self) -> tuple[SpawnProcess, Connection]:
        ours, theirs = self._context.Pipe()
        process = self._context.Process(target=_answer_questions, args=(theirs, *self._about), daemon=True)
        process.start()
        theirs.close()
        with self._lock:
            self._all.add(process)
        return process, ours

    def _end(self, process: SpawnProcess, connection: Connection) -> None:
        process.kill()
        process.join()
        connection.close()
        with self._lock:
            self._all.discard(process)


def _answer_questions(connection: Connection, settings: ResolveSettings, targets: tuple[Target, ...]) -> None:
    """Handle the requests of a connection until it closes: the main function of a process."""
    signal.signal(signal.SIGINT, signal.SIG_IGN)  # Ctrl-C reaches the whole group; the server ends its processes
    signal.signal(signal.SIGTERM, signal.SIG_DFL)
    opened = mirror_settings(settings)
    solver: LockSolver | None = None
    while True:
        try:
            body, query, seconds = connection.recv()
        except (EOFError, OSError):
            return
        try:
            if solver is None:
                store = open_store(opened.location, opened)
                solver = LockSolver(settings, opened, store, transport_for(opened, store), targets)
            connection.send(solver.answer(body, query, time.monotonic() + seconds))
        except MirrorError as error:
            connection.send(Solved(refusal(503, str(error))))
        except Exception as error:  # noqa: BLE001 - a bug in one request must not end the process
            connection.send(f"{type(error).__name__}: {error}")


def _key(body: bytes, query: Mapping[str, str]) -> tuple[bytes, str]:
    """Return the cache key of a request: the digest of its body, and its query."""
    return hashlib.sha256(body).digest(), repr(sorted(query.items()))
