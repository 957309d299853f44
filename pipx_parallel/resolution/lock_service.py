"""Locks for whoever asks: a requirements file in, a lock or the explanation out. A use case; HTTP is the server's business.

What a stranger sends may name index projects and nothing else: no file, no URL, no index, no option that makes this machine
look elsewhere, and no build backend is ever run for it.
"""

from __future__ import annotations

import hashlib
import math
import threading
import time
from collections import OrderedDict
from typing import TYPE_CHECKING, NamedTuple

from mirror.errors import MirrorError, Unreachable
from mirror.http.fetcher import DeadlineError
from mirror.session.mirror import Mirror
from mirror.store.shared import HEAD, DecodedViews, NotingStore, SharedStore
from pipx_parallel.emitters.interface import LockContext
from pipx_parallel.emitters.registry import emitter_for
from pipx_parallel.errors import Bug, Incomplete, NoSolution, PipxParallelError, RequirementsError, UsageError
from pipx_parallel.model import IndexOptions
from pipx_parallel.requirements.load import InputRequest, load_inputs
from pipx_parallel.resolution.resolve import resolve
from pipx_parallel.resolver.ports import SolverObserver
from pipx_parallel.targets.targets import make_target

if TYPE_CHECKING:
    from collections.abc import Callable, Mapping, Sequence

    from mirror.ports import Store, Transport
    from mirror.settings import MirrorSettings
    from pipx_parallel.config.settings import ResolveSettings
    from pipx_parallel.model import Inputs, Target

_SOURCE = "requirements.txt"
_KINDS = {"pylock": "application/toml", "requirements": "text/plain; charset=utf-8", "json": "application/json"}
_SHORTLY = 60.0  # seconds
_MOST_GIVEN = 256  # locks kept: 60 kB each
_MOST_TARGETS = 200  # kept; each takes 50 ms to make


class Reply(NamedTuple):
    """What comes of a question: an HTTP-like status, a content type, a text."""

    status: int
    kind: str
    text: str


class _Given(NamedTuple):
    """An answer that was given, and what it was made of."""

    until: float  # wall-clock seconds: the records behind it may have to be asked about then
    heads: dict[str, bytes]  # how each record began
    version: object | None  # of the store when these were last seen to be so
    reply: Reply


class TooLongError(Exception):
    """The time for one answer is over."""


class LockService:
    """Answers questions from any thread; what it decoded of the mirror stays in memory."""

    def __init__(
        self,
        settings: ResolveSettings,
        opened: MirrorSettings,
        store: Store,
        transport: Callable[[], Transport],
        target: Target,
    ) -> None:
        """``target`` is whom to lock for where a question does not say; ``transport`` is made for a run that must ask."""
        self._settings = settings._replace(selection=settings.selection._replace(preferred={}), keep_going=False)
        self._opened = opened
        self._store = SharedStore(store)
        self._transport = transport
        self._targets: dict[tuple[str, str], Target] = {("", ""): target}
        self._given: OrderedDict[tuple[bytes, str, str, str], _Given] = OrderedDict()
        self._spare: list[DecodedViews] = []  # one is taken for each run, so that no two threads share a view
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

    def answer(self, body: bytes, query: Mapping[str, str], deadline: float) -> Reply:  # noqa: PLR0911 - one a blame
        """Return the lock of a requirements file; ``query`` may have ``format``, ``python`` and ``platform``."""
        format_ = query.get("format", "pylock")
        if format_ not in _KINDS:
            return _refusal(400, f"format={format_} cannot be used; give {', '.join(_KINDS)}")
        try:
            target = self._target(query.get("python", ""), query.get("platform", ""))
            return self._remembered(body, query, lambda store: self._locked(body, target, format_, deadline, store))
        except (RequirementsError, UsageError) as error:
            return _refusal(400, str(error))
        except (NoSolution, Incomplete) as error:
            return _refusal(422, str(error))
        except (TooLongError, DeadlineError):
            return _refusal(504, "no answer within the time that this server allows")
        except Unreachable as error:
            return _refusal(502, str(error))
        except (MirrorError, PipxParallelError) as error:
            return _refusal(500 if isinstance(error, Bug) else 503, str(error))

    def _remembered(self, body: bytes, query: Mapping[str, str], make: Callable[[Store], Reply]) -> Reply:
        """Return the answer, from memory where every record that it was made of is still the same, and fresh."""
        key = _key(body, query)
        version = self._store.version()  # before anything is read: what changes from here on is noticed
        known = self._given.get(key)
        if known is not None and time.time() < known.until:
            found = self._store.get_many(known.heads)
            if all(found.get(name, b"")[:HEAD] == head for name, head in known.heads.items()):
                self._keep(key, known._replace(version=version))
                return known.reply
        store = NotingStore(self._store)
        # Online an answer may be used again for as long as the records behind it may: a minute is less than any of them.
        until = math.inf if self._opened.offline else time.time() + _SHORTLY
        reply = make(store)
        self._keep(key, _Given(until, store.noted, version, reply))
        return reply

    def _keep(self, key: tuple[bytes, str, str, str], given: _Given) -> None:
        with self._lock:
            self._given[key] = given
            self._given.move_to_end(key)
            while len(self._given) > _MOST_GIVEN:
                self._given.popitem(last=False)

    def _locked(self, body: bytes, target: Target, format_: str, deadline: float, store: Store) -> Reply:
        inputs = load_inputs(InputRequest((_SOURCE,)), environ={}, reader=_BodyReader(body))
        _refuse_foreign(inputs)
        views = self._take()
        try:
            mirror = Mirror(self._opened._replace(deadline=deadline), store, self._transport, decoder=views.decode)
            with mirror:
                found = resolve(inputs, (target,), mirror, self._settings, _Deadline(deadline))
        finally:
            with self._lock:
                self._spare.append(views)
        shown = [resolution._replace(stats=None) for resolution in found]
        words = f"python={target.markers['python_version']} platform={target.markers['sys_platform']}"
        context = LockContext(f"POST /lock {words}", inputs.files, IndexOptions())
        return Reply(200, _KINDS[format_], emitter_for("-", format_).render("-", shown, context)[0].text)

    def _take(self) -> DecodedViews:
        with self._lock:
            return self._spare.pop() if self._spare else DecodedViews()

    def _target(self, python: str, platform: str) -> Target:
        known = self._targets.get((python, platform))
        if known is None:
            if len(self._targets) >= _MOST_TARGETS:
                raise UsageError("this server has made as many targets as it may")
            platforms: Sequence[str] = platform.split(",") if platform else ()
            known = self._targets[python, platform] = make_target(python or None, platforms)
        return known


class _Deadline(SolverObserver):
    """Ends a solve whose time is over."""

    def __init__(self, deadline: float) -> None:
        self._deadline = deadline

    def decided(self, package: str, bit: int) -> None:  # noqa: ARG002 - the observer's signature
        if time.monotonic() > self._deadline:
            raise TooLongError

    def conflicted(self, package: str) -> None:  # noqa: ARG002 - likewise
        if time.monotonic() > self._deadline:
            raise TooLongError


class _BodyReader:
    """A ``Reader`` that knows one text and nothing of this machine."""

    def __init__(self, body: bytes) -> None:
        self._body = body

    def read(self, location: str) -> bytes:
        """Return the body; refuse whatever it includes."""
        if location == _SOURCE:
            return self._body
        raise OSError("a requirements file that is sent to a server may not include others")

    def kind(self, path: str) -> str:
        """Return "file" for the body."""
        return "file" if path == _SOURCE else ""

    def absolute(self, path: str) -> str:
        """Return a path that is nowhere."""
        return f"/body/{path}"


def _refuse_foreign(inputs: Inputs) -> None:
    """Raise ``UsageError`` for whatever would make this machine look elsewhere than its own mirror."""
    options = inputs.options
    if options.index_url or options.extra_index_urls or options.find_links or options.no_index or options.trusted_hosts:
        raise UsageError(
            "a requirements file that is sent to a server may not say where to look (--index-url and its kin)"
        )
    for root in (*inputs.roots, *inputs.constraints, *inputs.overrides):
        if root.url is not None or root.editable:
            raise UsageError(f"{root.origin}: only projects of the server's indexes can be locked, not {root.text!r}")


def _key(body: bytes, query: Mapping[str, str]) -> tuple[bytes, str, str, str]:
    """Return what names a question: what was sent, and all of the query that an answer may depend on."""
    said = query.get("format", "pylock"), query.get("python", ""), query.get("platform", "")
    return hashlib.sha256(body).digest(), *said


def _refusal(status: int, text: str) -> Reply:
    return Reply(status, "text/plain; charset=utf-8", text.rstrip("\n") + "\n")
