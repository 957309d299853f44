"""Who the user is to which index: from URLs, variables, netrc and keyrings. An edge; its answers are never stored nor shown.

``Credentials`` is what ``MirrorSettings.credentials`` asks for: called with a URL it gives (user, password) or None, and once
the index has answered 401, ``challenged`` looks where looking may cost a program or a question (a keyring), as pip does.
Secrets live in memory only; ``secrets()`` lists them, so that whoever writes a log can leave them out.
"""

from __future__ import annotations

import os
import re
import threading
from typing import TYPE_CHECKING, NamedTuple

from mirror.ports import CredentialSource
from mirror.urls import split_url

if TYPE_CHECKING:
    from collections.abc import Callable, Iterable, Mapping

    Pair = tuple[str, str]

_PATIENCE = 60  # seconds that a keyring may take: it may ask the user to unlock it
VARIABLE = "PIPX_PARALLEL_CREDENTIALS_"  # + host, upper case, anything but letters and digits as "_": "user:password"


class _Known(NamedTuple):
    """Credentials written for a place; ``password`` is None where only the user is told (a keyring knows the rest)."""

    place: str  # scheme://host:port
    path: str
    user: str
    password: str | None


class Credentials(CredentialSource):
    """Finds (user, password) for a URL. Safe to call from several threads."""

    def __init__(
        self,
        urls: Iterable[str] = (),
        *,
        environ: Mapping[str, str] | None = None,
        keyring: str = "auto",
        run: Callable[[list[str]], str | None] | None = None,
    ) -> None:
        """Take in the credentials of URLs.

        Args:
            urls: They may hold credentials.
            environ: Variables to read in place of the process's.
            keyring: As pip's ``--keyring-provider``: auto, disabled, import or subprocess.
            run: Runs a program and returns what it prints; for tests.
        """
        self._environ = os.environ if environ is None else environ
        self._provider = keyring
        self._run = run or _run
        self._known: list[_Known] = []
        self._found: dict[str, Pair | None] = {}  # by host, of a keyring
        self._netrc: dict[str, Pair | None] = {}
        self._lock = threading.Lock()
        for url in urls:
            self.learn(url)

    def learn(self, url: str) -> str:
        """Take in the credentials that a URL holds, if any; return the URL without them."""
        plain, found = split_url(url)
        if found is not None:
            self._known.append(_Known(_place(plain), _path(plain), *found))
        return plain

    def __call__(self, url: str) -> Pair | None:
        """Return what is known without asking anybody: from a keyring asked before, URLs, variables, netrc; in this order."""
        place = _place(url)
        found = self._found.get(place)
        if found is not None:
            return found
        written = self._written(url)
        if written is not None and written.password is not None:
            return written.user, written.password
        told = self._environ.get(VARIABLE + re.sub(r"[^A-Z0-9]", "_", _host(url).upper()))
        if told:
            user, _, password = told.partition(":")
            return user, password
        kept = self._from_netrc(_host(url))
        if kept is not None and (written is None or kept[0] == written.user):
            return kept
        return (written.user, "") if written is not None else None

    def challenged(self, url: str) -> bool:
        """Look further after a 401; return whether there is something to try that a keyring gave.

        Blocks while the keyring is asked, once for a host. Whoever asks tries once, and takes a second 401 for the answer.
        """
        if self._provider == "disabled":
            return False
        place = _place(url)
        with self._lock:
            if place not in self._found:
                written = self._written(url)
                user = written.user if written is not None else None
                self._found[place] = self._from_keyring(place, _host(url), user)
            return self._found[place] is not None

    def secrets(self) -> tuple[str, ...]:
        """Return every password known so far, longest first."""
        pairs = [*self._found.values(), *self._netrc.values()]
        known = [pair[1] for pair in pairs if pair] + [one.password or one.user for one in self._known]
        known += [text.partition(":")[2] for name, text in self._environ.items() if name.startswith(VARIABLE)]
        return tuple(sorted({one for one in known if one}, key=lambda one: (-len(one), one)))

    def _written(self, url: str) -> _Known | None:
        """Return the credentials written for this host; of several those whose path is nearest (as pip)."""
        place, path = _place(url), _path(url)
        fitting = [one for one in self._known if one.place == place]
        return max(fitting, key=lambda one: _alike(one.path, path), default=None)

    def _from_netrc(self, host: str) -> Pair | None:
        if host not in self._netrc:
            self._netrc[host] = _netrc(host, self._environ)
        return self._netrc[host]

    def _from_keyring(self, place: str, host: str, user: str | None) -> Pair | None:
        if self._provider in ("auto", "import"):
            found = _imported(place, host, user)
            if found is not None or self._provider == "import":
                return found
        for service in (place, host):
            if user:
                password = self._run(["keyring", "get", service, user])
                if password:
                    return user, password
            else:
                found = _pair(self._run(["keyring", "--mode", "creds", "--output", "json", "get", service]))
                if found is not None:
                    return found
        return None


def _place(url: str) -> str:
    scheme, _, rest = url.partition("://")
    return f"{scheme.lower()}://{re.split('[/?#]', rest, maxsplit=1)[0].rpartition('@')[2].lower()}"


def _host(url: str) -> str:
    host = _place(url).partition("://")[2]
    return host if host.endswith("]") else host.rpartition(":")[0] or host


def _alike(left: str, right: str) -> int:
    """Return how many letters two paths begin alike with."""
    return next(
        (at for at, pair in enumerate(zip(left, right, strict=False)) if pair[0] != pair[1]), min(len(left), len(right))
    )


def _path(url: str) -> str:
    return "/" + url.partition("://")[2].partition("/")[2]


def _netrc(host: str, environ: Mapping[str, str]) -> Pair | None:
    """Return what the user's netrc file has for a host; a file that cannot be read has nothing (as pip)."""
    named = environ.get("NETRC")
    home = environ.get("HOME") or environ.get("USERPROFILE") or ""
    for path in [named] if named else [f"{home}/.netrc", f"{home}/_netrc"]:
        if not os.path.isfile(path):  # pathlib costs 9 ms to load
            continue
        from netrc import NetrcParseError, netrc  # 2 ms; only where there is such a file

        try:
            found = netrc(path).authenticators(host)
        except (NetrcParseError, OSError, UnicodeDecodeError):
            return None
        return (found[0] or found[1] or "", found[2] or "") if found and (found[0] or found[2]) else None
    return None


def _imported(place: str, host: str, user: str | None) -> Pair | None:
    """Ask the keyring package where it is installed; whatever goes wrong in a back end is no answer (as pip)."""
    try:
        from importlib import import_module  # the package is none of ours: it is used where the user has it

        keyring = import_module("keyring")
    except ImportError:
        return None
    for service in (place, host):
        try:
            if user and (password := keyring.get_password(service, user)):
                return user, str(password)
            found = None if user else keyring.get_credential(service, None)
        except Exception:  # noqa: BLE001 - a back end may raise anything
            return None
        if found is not None and found.password:
            return str(found.username), str(found.password)
    return None


def _pair(text: str | None) -> Pair | None:
    import json  # loaded already wherever there is a mirror

    try:
        match json.loads(text or "null"):
            case {"username": str() as user, "password": str() as password}:
                return user, password
    except ValueError:
        return None
    return None


def _run(command: list[str]) -> str | None:
    """Return what a program prints, its end of line taken off; None where it fails or is not there."""
    import shutil  # here and below: only where an index has refused
    import subprocess  # likewise

    program = shutil.which(command[0])
    if program is None:
        return None
    try:
        done = subprocess.run(  # noqa: S603 - the program pip would run, no shell between
            [program, *command[1:]], stdin=subprocess.DEVNULL, stdout=subprocess.PIPE, stderr=subprocess.DEVNULL,
            timeout=_PATIENCE, check=False,
        )  # fmt: skip
    except (OSError, subprocess.SubprocessError):
        return None
    return done.stdout.decode("utf-8", "replace").rstrip("\r\n") if done.returncode == 0 else None
