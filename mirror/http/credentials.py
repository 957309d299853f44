"""Credentials for indexes, from URLs, environment variables, netrc and keyrings. They are never stored or printed.

``Credentials`` implements ``MirrorSettings.credentials``: called with a URL it returns (user, password) or None. After a 401
``challenged`` asks a keyring, as pip does: a keyring may start a program or prompt the user. Passwords are kept in memory only;
``secrets()`` lists them, so that a log can redact them.
"""

from __future__ import annotations

import os
import re
import threading
from typing import TYPE_CHECKING

from mirror.equality import NamedTuple
from mirror.ports import CredentialSource
from mirror.urls import split_url

if TYPE_CHECKING:
    from collections.abc import Callable, Iterable, Mapping

    Pair = tuple[str, str]

_PATIENCE = 60  # seconds; a keyring may prompt the user to unlock it
_PORTS = {"http": ":80", "https": ":443"}
VARIABLE = "PIPX_PARALLEL_CREDENTIALS_"  # + host in upper case, other characters than letters and digits as "_"; "user:password"


class _UrlCredentials(NamedTuple):
    """Credentials written in a URL; ``password`` is None if the URL has only a user (a keyring may have the password)."""

    origin: str  # scheme://host:port
    path: str
    user: str
    password: str | None


class Credentials(CredentialSource):
    """Finds (user, password) for a URL. Thread-safe."""

    def __init__(
        self,
        urls: Iterable[str] = (),
        *,
        environ: Mapping[str, str] | None = None,
        keyring: str = "auto",
        run: Callable[[list[str]], str | None] | None = None,
    ) -> None:
        """Read the credentials of URLs.

        Args:
            urls: They may hold credentials.
            environ: Environment variables; the process's if None.
            keyring: As pip's ``--keyring-provider``: auto, disabled, import or subprocess.
            run: Runs a program and returns its output; for tests.
        """
        self._environ = os.environ if environ is None else environ
        self._provider = keyring
        self._run = run or _run
        self._from_urls: list[_UrlCredentials] = []
        self._from_keyrings: dict[str, Pair | None] = {}  # by origin
        self._netrc: dict[str, Pair | None] = {}
        self._lock = threading.Lock()
        for url in urls:
            self.learn(url)

    def learn(self, url: str) -> str:
        """Store the credentials of a URL, if it has any; return the URL without them."""
        plain, pair = split_url(url)
        if pair is not None:
            self._from_urls.append(_UrlCredentials(_origin(plain), _path(plain), *pair))
        return plain

    def __call__(self, url: str) -> Pair | None:
        """Return the credentials for a URL, from an earlier keyring look-up, URLs, variables, netrc, in this order."""
        origin = _origin(url)
        pair = self._from_keyrings.get(origin)
        if pair is not None:
            return pair
        written = self._written(url)
        if written is not None and written.password is not None:
            return written.user, written.password
        variable = self._environ.get(VARIABLE + re.sub(r"[^A-Z0-9]", "_", _host(url).upper()))
        if variable:
            user, _, password = variable.partition(":")
            return user, password
        pair = self._from_netrc(_host(url))
        if pair is not None and (written is None or pair[0] == written.user):
            return pair
        return (written.user, "") if written is not None else None

    def challenged(self, url: str) -> bool:
        """Ask a keyring after a 401; return whether it has credentials for the host.

        Blocks while the keyring is asked, once per host. The caller retries once; a second 401 is final.
        """
        if self._provider == "disabled":
            return False
        origin = _origin(url)
        with self._lock:
            if origin not in self._from_keyrings:
                written = self._written(url)
                user = written.user if written is not None else None
                self._from_keyrings[origin] = self._from_keyring(origin, _host(url), user)
            return self._from_keyrings[origin] is not None

    def secrets(self) -> tuple[str, ...]:
        """Return every password read so far, longest first."""
        pairs = [*self._from_keyrings.values(), *self._netrc.values()]
        passwords = [pair[1] for pair in pairs if pair] + [entry.password or entry.user for entry in self._from_urls]
        passwords += [text.partition(":")[2] for name, text in self._environ.items() if name.startswith(VARIABLE)]
        return tuple(sorted(set(filter(None, passwords)), key=lambda password: (-len(password), password)))

    def _written(self, url: str) -> _UrlCredentials | None:
        """Return the credentials written for this origin; of several those with the longest common path prefix, as pip."""
        origin, path = _origin(url), _path(url)
        entries = [entry for entry in self._from_urls if entry.origin == origin]
        return max(entries, key=lambda entry: _common_length(entry.path, path), default=None)

    def _from_netrc(self, host: str) -> Pair | None:
        if host not in self._netrc:
            self._netrc[host] = _netrc(host, self._environ)
        return self._netrc[host]

    def _from_keyring(self, origin: str, host: str, user: str | None) -> Pair | None:
        if self._provider in ("auto", "import"):
            pair = _imported(origin, host, user)
            if pair is not None or self._provider == "import":
                return pair
        for service in (origin, host):
            if user:
                password = self._run(["keyring", "get", service, user])
                if password:
                    return user, password
            else:
                pair = _pair(self._run(["keyring", "--mode", "creds", "--output", "json", "get", service]))
                if pair is not None:
                    return pair
        return None


def _origin(url: str) -> str:
    """Return scheme, host and port; the scheme's own port is left out, because both spellings are one origin (RFC 6454)."""
    scheme, _, rest = url.partition("://")
    scheme, host = scheme.lower(), re.split("[/?#]", rest, maxsplit=1)[0].rpartition("@")[2].lower()
    return f"{scheme}://{host.removesuffix(_PORTS.get(scheme, '?'))}"


def _host(url: str) -> str:
    host = _origin(url).partition("://")[2]
    return host if host.endswith("]") else host.rpartition(":")[0] or host


def _common_length(left: str, right: str) -> int:
    return len(os.path.commonprefix((left, right)))  # noqa: RUF071 - character by character, as pip


def _path(url: str) -> str:
    return "/" + url.partition("://")[2].partition("/")[2]


def _netrc(host: str, environ: Mapping[str, str]) -> Pair | None:
    """Return the entry of the user's netrc file for a host; None if the file cannot be read, as pip."""
    home = environ.get("HOME") or environ.get("USERPROFILE") or os.path.expanduser("~")
    named = environ.get("NETRC")
    if named and named.startswith(("~/", "~\\")):  # as pip; a shell expands it only at the start of a word
        named = home + named[1:]
    for path in [named] if named else [f"{home}/.netrc", f"{home}/_netrc"]:
        if not os.path.isfile(path):  # pathlib costs 9 ms to load
            continue
        from netrc import NetrcParseError, netrc  # 2 ms; only if there is such a file

        try:
            entries = netrc(path)
            entry = entries.hosts.get(host.strip("[]")) or entries.authenticators(
                host
            )  # an IPv6 address has no brackets there
        except (NetrcParseError, OSError, UnicodeDecodeError):
            return None
        return (entry[0] or entry[1] or "", entry[2] or "") if entry and (entry[0] or entry[2]) else None
    return None


def _imported(origin: str, host: str, user: str | None) -> Pair | None:
    """Ask the keyring package if it is installed; None if its back end fails, as pip."""
    try:
        from importlib import import_module  # an optional package that the user may have installed

        keyring = import_module("keyring")
    except ImportError:
        return None
    for service in (origin, host):
        try:
            if user and (password := keyring.get_password(service, user)):
                return user, str(password)
            credential = None if user else keyring.get_credential(service, None)
        except Exception:  # noqa: BLE001 - a back end may raise anything
            return None
        if credential is not None and credential.password:
            return str(credential.username), str(credential.password)
    return None


def _pair(text: str | None) -> Pair | None:
    import json  # only for the output of a keyring program

    try:
        match json.loads(text or "null"):
            case {"username": str() as user, "password": str() as password}:
                return user, password
    except ValueError:
        return None
    return None


def _run(command: list[str]) -> str | None:
    """Return the output of a program without its last line end; None if it fails or is not installed."""
    import shutil  # this import and the next: only after a 401
    import subprocess

    program = shutil.which(command[0])
    if program is None:
        return None
    try:
        done = subprocess.run(  # noqa: S603 - the program that pip runs; no shell
            [program, *command[1:]], stdin=subprocess.DEVNULL, stdout=subprocess.PIPE, stderr=subprocess.DEVNULL,
            timeout=_PATIENCE, check=False,
        )  # fmt: skip
    except (OSError, subprocess.SubprocessError):
        return None
    return done.stdout.decode("utf-8", "replace").rstrip("\r\n") if done.returncode == 0 else None
