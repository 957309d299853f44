"""Create a lock for an untrusted request: a requirements file in, a lock or an explanation out. The server handles HTTP.

A request may name only projects of the server's indexes: no file, no URL, no index, no option that changes what this machine
reads. No build backend is run for it.
"""

from __future__ import annotations

import re
import time
from typing import TYPE_CHECKING

from mirror.equality import NamedTuple
from mirror.errors import MirrorError, Unreachable
from mirror.limits import DeadlineError, RequestBudget
from mirror.session.mirror import Mirror
from mirror.store.shared import DecodedViews, NotingStore, SharedStore
from pipx_parallel.config.settings import TargetSettings
from pipx_parallel.emitters.interface import LockContext
from pipx_parallel.emitters.locked_files import strong_hash
from pipx_parallel.emitters.registry import emitter_for
from pipx_parallel.errors import Bug, Incomplete, NoSolution, PipxParallelError, RequirementsError, UsageError
from pipx_parallel.model import IndexOptions
from pipx_parallel.requirements.load import InputRequest, load_inputs
from pipx_parallel.resolution.deadline import Deadline, OutOfTimeError
from pipx_parallel.resolution.resolve import resolve
from pipx_parallel.targets.requests import requested_targets

if TYPE_CHECKING:
    from collections.abc import Callable, Mapping, Sequence

    from mirror.ports import Store, Transport
    from mirror.settings import MirrorSettings
    from pipx_parallel.config.settings import ResolveSettings
    from pipx_parallel.model import Inputs, Resolution, Target

_SOURCE = "requirements.txt"
_KINDS = {"pylock": "application/toml", "requirements": "text/plain; charset=utf-8", "json": "application/json"}
_QUERY = ("format", "python", "platform", "target", "universal", "requires-python")
_MOST_TARGETS = 50  # of one request
_MOST_CACHED = 200  # sets of targets; each takes 50 ms to create


class Reply(NamedTuple):
    """The reply to a request: an HTTP status, a content type, a text."""

    status: int
    kind: str
    text: str


class Solved(NamedTuple):
    """A reply, and the first bytes of each record that it depends on; None if it must not be cached."""

    reply: Reply
    heads: dict[str, bytes] | None = None


class LockSolver:
    """Handles one request at a time; decoded records of the mirror stay in memory."""

    def __init__(
        self,
        settings: ResolveSettings,
        opened: MirrorSettings,
        store: Store,
        transport: Callable[[], Transport],
        targets: tuple[Target, ...],
    ) -> None:
        """Take the settings; ``targets`` are the default targets, ``transport`` creates the transport of an online run."""
        self._settings = settings._replace(selection=settings.selection._replace(preferred={}), keep_going=False)
        self._opened = opened
        self._store = SharedStore(store)
        self._transport = transport
        self._targets: dict[TargetSettings, tuple[Target, ...]] = {TargetSettings(): targets}
        self._views = DecodedViews()

    def answer(self, body: bytes, query: Mapping[str, str], deadline: float) -> Solved:
        """Return the lock of a requirements file; ``query`` may have ``format``, and what describes targets (``_QUERY``)."""
        try:
            _check_query(query)
            targets = self._targets_of(_target_settings(query))
            store = NotingStore(self._store)
            reply = self._locked(body, targets, query.get("format", "pylock"), deadline, store)
        except (RequirementsError, UsageError) as error:
            return Solved(refusal(400, _lines_named(str(error))))
        except (NoSolution, Incomplete) as error:
            return Solved(refusal(422, _lines_named(str(error))))
        except (OutOfTimeError, DeadlineError):
            return Solved(too_long())
        except Unreachable as error:
            return Solved(refusal(502, str(error)))
        except (MirrorError, PipxParallelError) as error:
            return Solved(refusal(500 if isinstance(error, Bug) else 503, str(error)))
        return Solved(reply, store.noted)

    def _locked(self, body: bytes, targets: tuple[Target, ...], format_: str, deadline: float, store: Store) -> Reply:
        inputs = load_inputs(InputRequest((_SOURCE,)), environ={}, reader=_BodyReader(body))
        _refuse_foreign(inputs)
        opened = self._opened._replace(budget=RequestBudget(deadline=deadline))
        with Mirror(opened, store, self._transport, decoder=self._views.decode) as mirror:
            settings, ends = self._settings.with_time(time.time()), Deadline(time.monotonic, deadline)
            try:
                resolutions = resolve(inputs, targets, mirror, settings, ends)
            except Incomplete as error:
                from pipx_parallel.resolution.failure_report import report  # only if something is missing

                raise Incomplete(error.failures, report(error.failures, inputs, mirror.files.names)) from error
        _refuse_unhashed(resolutions)
        shown = [resolution._replace(stats=None) for resolution in resolutions]
        context = LockContext(f"POST /lock {_words(targets)}", inputs.files, IndexOptions(), targets=targets)
        return Reply(200, _KINDS[format_], emitter_for("-", format_).render("-", shown, context)[0].text)

    def _targets_of(self, asked: TargetSettings) -> tuple[Target, ...]:
        made = self._targets.get(asked)
        if made is None:
            if len(self._targets) >= _MOST_CACHED:
                del self._targets[next(key for key in self._targets if key != TargetSettings())]  # the oldest
            made = requested_targets(asked)
            if len(made) > _MOST_TARGETS:
                raise UsageError(f"{len(made)} targets are too many for one request", f"give at most {_MOST_TARGETS}")
            self._targets[asked] = made
        return made


def _lines_named(text: str) -> str:
    """Return a message with "line 3" for the lines of the body, which has no file name."""
    return re.sub(rf"\b{re.escape(_SOURCE)}:(\d+)", r"line \1", text)


def _target_settings(query: Mapping[str, str]) -> TargetSettings:
    """Return the targets that a request describes; values are separated by commas."""
    versions, platforms, targets = (
        tuple(word.strip() for word in query.get(name, "").split(",") if word.strip())
        for name in ("python", "platform", "target")
    )
    universal = query.get("universal", "") not in {"", "0", "false"}
    return TargetSettings(
        versions, platforms, targets=targets, universal=universal, requires_python=query.get("requires-python")
    )


def _words(targets: Sequence[Target]) -> str:
    """Return the targets as the lock's header names them."""
    if len(targets) > 1:
        return f"for {len(targets)} targets"
    markers = targets[0].markers
    return f"python={markers['python_version']} platform={markers['sys_platform']}"


def _refuse_unhashed(resolutions: Sequence[Resolution]) -> None:
    """Raise ``NoSolution`` naming every file that its index states no hash of: pip refuses a lock that lacks one."""
    bare = {
        f"{pin.name} {pin.version}: its index states no sha256 of {file.filename}; `pipx-parallel lock` downloads and hashes it"
        for resolution in resolutions
        for pin in resolution.pins
        for file in pin.installable[:1]
        if strong_hash(file) is None
    }
    if bare:
        raise NoSolution(tuple(sorted(bare)))


class _BodyReader:
    """A ``Reader`` of one text, without access to this machine's files."""

    def __init__(self, body: bytes) -> None:
        self._body = body

    def read(self, location: str) -> bytes:
        """Return the body. Raises ``OSError`` for an included file."""
        if location == _SOURCE:
            return self._body
        raise OSError("a requirements file that is sent to a server may not include others")

    def kind(self, path: str) -> str:
        """Return "file" for the body."""
        return "file" if path == _SOURCE else ""

    def beside(self, path: str) -> list[str]:  # noqa: ARG002 - part of the protocol
        """Return nothing."""
        return []

    def absolute(self, path: str) -> str:
        """Return a path that does not exist."""
        return f"/body/{path}"


def _refuse_foreign(inputs: Inputs) -> None:
    """Raise ``UsageError`` for options and references that would make this machine read anything but its mirror."""
    options = inputs.options
    if options.index_url or options.extra_index_urls or options.find_links or options.no_index or options.trusted_hosts:
        raise UsageError(
            "a requirements file that is sent to a server may not name indexes (--index-url and similar options)"
        )
    for root in (*inputs.roots, *inputs.constraints, *inputs.overrides):
        if root.url is not None or root.editable:
            raise UsageError(f"{root.origin}: only projects of the server's indexes can be locked, not {root.text!r}")


def _check_query(query: Mapping[str, str]) -> None:
    """Raise ``UsageError`` for an unknown parameter or format."""
    unknown = sorted(query.keys() - set(_QUERY))
    if unknown:
        raise UsageError(f"{unknown[0][:80]!r} is no parameter of /lock", f"give {', '.join(_QUERY)}")
    if query.get("format", "pylock") not in _KINDS:
        raise UsageError(f"format={query['format'][:80]} cannot be used", f"give {', '.join(_KINDS)}")


def too_long() -> Reply:
    """Return the reply to a request whose deadline has passed."""
    return refusal(504, "no answer within the time that this server allows")


def refusal(status: int, text: str) -> Reply:
    """Return a reply with the reason why there is no lock."""
    return Reply(status, "text/plain; charset=utf-8", text.rstrip("\n") + "\n")
