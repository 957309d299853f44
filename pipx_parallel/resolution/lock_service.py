"""Locks for clients of a server: stored while every record behind them is unchanged, else made in a process that can be killed.

A question comes from a stranger, so nothing in it may hold up the server: whatever its solve does, the process that runs it ends
at its limit, and the caller's thread is free again.
"""

from __future__ import annotations

import hashlib
import math
import multiprocessing
import signal
import threading
import time
from collections import OrderedDict
from typing import TYPE_CHECKING, NamedTuple

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
_MOST_GIVEN = 256  # locks kept: 60 kB each
_GRACE = 0.5  # seconds past its limit after which a solve that looks at no clock is killed


class _Given(NamedTuple):
    """An answer that was given, and what it was made of."""

    until: float  # wall-clock seconds: the records behind it may have to be asked about then
    heads: dict[str, bytes]  # how each record began
    version: object | None  # of the store when these were last seen to be so
    reply: Reply


class LockService:
    """Answers questions from any thread."""

    def __init__(self, settings: ResolveSettings, store: Store, target: Target) -> None:
        """``store`` is the mirror of the settings; ``target`` is whom to lock for where a question does not say."""
        self._offline = settings.mirror.offline
        self._store = store
        self._solvers = _Solvers(settings, target)
        self._given: OrderedDict[tuple[bytes, str], _Given] = OrderedDict()
        self._lock = threading.Lock()

    def ready(self, body: bytes, query: Mapping[str, str]) -> Reply | None:
        """Return an answer that was given before and still holds, if that can be told at once; never waits, never solves."""
        known = self._given.get(_key(body, query))
        if known is None or known.version is None or time.time() >= known.until:
            return None
        try:
            return known.reply if known.version == self._store.version() else None
        except MirrorError:
            return None  # whoever asks for the answer is told what is wrong

    def answer(self, body: bytes, query: Mapping[str, str], deadline: float) -> Reply:
        """Return the lock of a requirements file, from memory where every record that it was made of is the same, and fresh."""
        key = _key(body, query)
        version = self._store.version()  # before anything is read: what changes from here on is noticed
        known = self._given.get(key)
        if known is not None and time.time() < known.until:
            found = self._store.get_many(known.heads)
            if all(found.get(name, b"")[:HEAD] == head for name, head in known.heads.items()):
                self._keep(key, known._replace(version=version))
                return known.reply
        # Online an answer may be used again for as long as the records behind it may: a minute is less than any of them.
        until = math.inf if self._offline else time.time() + _SHORTLY
        solved = self._solvers.solve(body, query, deadline)
        if solved.heads is not None:
            self._keep(key, _Given(until, solved.heads, version, solved.reply))
        return solved.reply

    def start(self) -> None:
        """Start a process for the first question, so that it need not wait for one."""
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
    """Processes that each answer one question at a time; as many as callers ask at once."""

    def __init__(self, settings: ResolveSettings, target: Target) -> None:
        """Start none yet."""
        self._about = (settings, target)
        self._context = multiprocessing.get_context("spawn")  # a server has threads, and a fork would copy their locks
        self._idle: list[tuple[SpawnProcess, Connection]] = []
        self._all: set[SpawnProcess] = set()
        self._lock = threading.Lock()

    def start(self) -> None:
        """Have one process ready."""
        solver = self._begin()
        with self._lock:
            self._idle.append(solver)

    def solve(self, body: bytes, query: Mapping[str, str], deadline: float) -> Solved:
        """Return the answer of a process; at the limit it is killed. Raises ``Bug`` where the solve met one."""
        with self._lock:
            solver = self._idle.pop() if self._idle else None
        process, connection = solver or self._begin()
        try:
            connection.send((body, dict(query), deadline - time.monotonic()))
            if not connection.poll(max(0.0, deadline - time.monotonic()) + _GRACE):
                self._end(process, connection)
                return Solved(too_long())
            solved: Solved | str = connection.recv()
        except (EOFError, OSError):  # killed: by an operator, or for the memory it took
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


def _answer_questions(connection: Connection, settings: ResolveSettings, target: Target) -> None:
    """Answer what comes through the connection until it closes: what runs in a process of its own."""
    signal.signal(signal.SIGINT, signal.SIG_IGN)  # Ctrl-C reaches the whole group; the server says when to end
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
                solver = LockSolver(settings, opened, store, transport_for(opened, store), target)
            connection.send(solver.answer(body, query, time.monotonic() + seconds))
        except MirrorError as error:
            connection.send(Solved(refusal(503, str(error))))
        except Exception as error:  # noqa: BLE001 - one question that meets a bug must not end the process
            connection.send(f"{type(error).__name__}: {error}")


def _key(body: bytes, query: Mapping[str, str]) -> tuple[bytes, str]:
    """Return what names a question: what was sent, and the whole query."""
    return hashlib.sha256(body).digest(), repr(sorted(query.items()))
