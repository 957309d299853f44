"""Offline locks that were made before, given again for as long as nothing they were made of has changed.

An offline lock is a function of its command line, its environment, the files it opens, this interpreter and what the mirror
holds. Digests of all of these are kept beside the lock (never what they are of: it may be secret), and compared before it is
given again: that takes 10 ms, where resolving 171 packages takes 100. What was opened is taken from the interpreter's own audit
events (PEP 578), so that no reader can be forgotten; a run that also listed a folder, started a program or used the network is
not remembered.
"""

# Everything here is on the shortest way to an answer: no typing (7 ms), no hashlib (3 ms), os.path throughout.
from __future__ import annotations

import json
import os
import sys
import time

try:  # hashlib would load OpenSSL for it
    from _blake2 import blake2b
except ImportError:  # an interpreter that is built otherwise
    from hashlib import blake2b

from pipx_parallel.cli.cache_folder import cache_folder

TYPE_CHECKING = False
if TYPE_CHECKING:
    from collections.abc import Sequence
    from typing import Any

    from pipx_parallel.emitters.interface import Artifact

_FORMAT = 1
_MOST_KEPT = 64  # answers; the oldest go first
_LARGEST = 8 * 1024 * 1024  # characters of one answer
_NOISE = frozenset(("_", "OLDPWD", "SHLVL", "COLUMNS", "LINES", "WINDOWID"))  # variables that no answer depends on
# Events after which the opened files and the mirror are not all that an answer was made of.
_UNTOLD = frozenset(("subprocess.Popen", "os.posix_spawn", "os.fork", "socket.connect"))
_LISTED = frozenset(("os.listdir", "os.scandir"))


class Watch:
    """What one run is made of, noted as it goes. Made before anything is read; there is no end to an audit hook."""

    def __init__(self, given: Sequence[str]) -> None:
        """Begin to note."""
        self._began = time.time_ns()
        self._place = _place(given)
        self._opened: dict[str, None] = {}
        self._listed: dict[str, None] = {}
        self._whole = True
        self._mirror: tuple[str, str] | None = None
        sys.addaudithook(self._heard)

    def reads(self, mirror: str) -> None:
        """Note what a mirror holds, before anything of it is read."""
        from mirror.store.change_counter import (
            state_of,  # an answer that is remembered loads it as well, and nothing else does
        )

        folder = os.path.abspath(mirror)
        state = state_of(folder)
        self._mirror = None if state is None else (folder, state)

    def keep(self, artifacts: Sequence[Artifact], said: Sequence[str]) -> None:
        """Remember an answer, if all that it was made of is known. To be called before anything is written.

        ``said`` is what was said of it: what was locked, and what that changed; nothing where nothing was. Fails in silence:
        the answer is then found anew the next time.
        """
        from mirror.store.change_counter import state_of  # as above

        if not self._whole or self._mirror is None or state_of(self._mirror[0]) != self._mirror[1]:
            return
        self._whole = False  # what is opened from here on is our own
        imported_from = _imported_from()
        if not all(os.path.abspath(path) in imported_from for path in self._listed):
            return
        files = _digests([path for path in self._opened if not _is_ours(path, self._mirror[0])], self._began)
        if files is None:
            return
        rendered = [[artifact.name, artifact.mode, artifact.text] for artifact in artifacts]
        about = {"mirror": self._mirror, "files": files, "artifacts": rendered, "said": list(said)}
        text = json.dumps(about)
        if len(text) <= _LARGEST:
            _store(self._place, text)

    def _heard(self, event: str, details: tuple[Any, ...]) -> None:
        if event == "open" or event in _LISTED:
            path = details[0]
            if isinstance(path, str):
                (self._opened if event == "open" else self._listed)[path] = None
        elif event in _UNTOLD:
            self._whole = False


class Rendered:
    """An artifact as it was rendered (see ``emitters.interface.Artifact``, which takes 5 ms to load)."""

    __slots__ = ("mode", "name", "text")

    def __init__(self, name: str, mode: int, text: str) -> None:
        """Keep the three."""
        self.name = name
        self.mode = mode
        self.text = text


class Answer:
    """A lock that was made before."""

    def __init__(self, found: dict[str, Any], began: float) -> None:
        """Take what ``Watch.keep`` kept; ``began`` is on the performance counter. Raises ``KeyError`` and its kin."""
        self._artifacts = [Rendered(str(name), int(mode), str(text)) for name, mode, text in found["artifacts"]]
        self._said: list[str] = [str(part) for part in found["said"]]
        self._began = began

    def give(self) -> int:
        """Write it, say what was said of it, and return the exit code. Raises ``OutputError``."""
        from pipx_parallel.cli import printer  # loaded by who runs this; named where it is used
        from pipx_parallel.locks.writer import write

        write(self._artifacts, None)  # an answer for standard output is never sought
        if self._said:
            counted, done = self._said
            printer({}).say(f"locked {counted} in {time.perf_counter() - self._began:.2f} s{done and '; '}{done}")
        return 0


def is_sought(given: Sequence[str]) -> bool:
    """Return whether a command line may be one whose answer is remembered: an offline lock that is written somewhere."""
    return bool(given) and given[0] == "lock" and "--offline" in given and "-" not in given


def recall(given: Sequence[str]) -> Answer | None:
    """Return the answer to a command line if it is remembered, and nothing that it was made of has changed since."""
    began = time.perf_counter()
    try:
        with open(_place(given), encoding="utf-8", errors="surrogatepass") as file:
            found = json.load(file)
        folder, state = found["mirror"]
        if any(_digest_of(path) != digest for path, digest in found["files"]):
            return None
        from mirror.store.change_counter import state_of  # 3 ms of SQLite, once everything else is as it was

        return Answer(found, began) if state_of(folder) == state else None
    except (OSError, ValueError, TypeError, KeyError):  # none, or a damaged one: found anew
        return None


def _place(given: Sequence[str]) -> str:
    """Return where an answer is kept: named by the words, the place, the environment, the interpreter and this tool."""
    environ = sorted([name, value] for name, value in os.environ.items() if name not in _NOISE)
    system = list(os.uname()) if hasattr(os, "uname") else [os.name, sys.platform]
    package = os.path.dirname(os.path.dirname(os.path.abspath(__file__)))
    key = [_FORMAT, list(given), os.getcwd(), environ, system, sys.version, sys.prefix, _libc(), _tree_state(package)]
    return os.path.join(cache_folder(), "answers", _digest(repr(key).encode("utf-8", "surrogatepass")) + ".json")


def _libc() -> str:
    try:
        return os.confstr("CS_GNU_LIBC_VERSION") or ""
    except (AttributeError, ValueError, OSError):
        return ""


def _tree_state(package: str) -> list[Any]:
    """Return what changes when this tool is installed again, or edited: when its folders were written to."""
    beside = os.path.join(os.path.dirname(package), "mirror")
    folders = [
        package,
        beside,
        *[os.path.join(package, name) for name in ("cli", "resolver", "emitters", "requirements")],
    ]
    return [package, *[os.stat(folder).st_mtime_ns for folder in folders]]


def _imported_from() -> set[str]:
    """Return the folders that importing lists."""
    files = [getattr(module, "__file__", None) for module in list(sys.modules.values())]
    return {os.path.abspath(folder) for folder in [*sys.path, *[os.path.dirname(file) for file in files if file]]}


def _is_ours(path: str, mirror: str) -> bool:
    """Return whether a path is no input: a module, the mirror (its state is compared), or a cache of this tool's."""
    path = os.path.abspath(path)
    tool = os.path.dirname(os.path.dirname(os.path.dirname(os.path.abspath(__file__))))
    library = os.path.dirname(os.path.abspath(os.__file__))
    roots = (mirror, cache_folder(), library, os.path.join(tool, "pipx_parallel"), os.path.join(tool, "mirror"))
    return (path + os.sep).startswith(tuple([root + os.sep for root in roots])) or path.endswith(
        (".py", ".pyc", ".so", ".pyd")
    )


def _digests(paths: Sequence[str], began: int) -> list[list[str | None]] | None:
    """Return (absolute path, digest) of each file, None for one that is not there; None for all if one changed meanwhile."""
    found: list[list[str | None]] = []
    for path in paths:
        absolute = os.path.abspath(path)
        try:
            if os.stat(absolute).st_mtime_ns >= began:
                return None
        except OSError:
            pass  # not there, which is as good as any content
        found.append([absolute, _digest_of(absolute)])
    return found


def _digest_of(path: str) -> str | None:
    """Return the digest of a file's bytes; None where it cannot be read."""
    try:
        with open(path, "rb") as file:
            return _digest(file.read())
    except OSError:
        return None


def _digest(data: bytes) -> str:
    return blake2b(data, digest_size=24).hexdigest()


def _store(path: str, text: str) -> None:
    from mirror.store.atomic import write_file  # only when something is remembered

    folder = os.path.dirname(path)
    try:
        os.makedirs(folder, mode=0o700, exist_ok=True)
        write_file(path, text.encode("utf-8", "surrogatepass"), 0o600)
        with os.scandir(folder) as entries:
            kept = sorted((entry.stat().st_mtime_ns, entry.path) for entry in entries)
        for _, old in kept[:-_MOST_KEPT]:
            os.unlink(old)
    except OSError:
        return
