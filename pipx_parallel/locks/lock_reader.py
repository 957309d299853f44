"""Read locks: pins, hashes and the digest of the inputs, from pylock.toml, hashed requirements, scripts and reports.

Locks of other tools are read too: any PEP 751 lock, requirements of pip-compile and uv. ``read_digest`` and ``read_pins``
are fast paths for our own locks: they import neither a TOML parser (10 ms) nor ``packaging`` (45 ms).
"""

from __future__ import annotations

import os
import re
from functools import lru_cache
from typing import TYPE_CHECKING, Any

from mirror.equality import NamedTuple
from mirror.errors import parse_toml
from mirror.names import normalize_name
from pipx_parallel.config.options import FILE_OPTIONS
from pipx_parallel.errors import RequirementsError
from pipx_parallel.model import KeptPin, Origin

if TYPE_CHECKING:
    from collections.abc import Iterator, Mapping

    from mirror.records.tables import Table

_HEAD = 4096  # characters: every format of this project has its digest within these
_DIGEST = re.compile(
    r'(?:^inputs = |^ *"inputs": |"pipx-parallel:inputs",\s*"value": |^# pipx-parallel: inputs )"?(sha256:[0-9a-f]{64})"?',
    re.MULTILINE,
)
# Texts, each compiled on first use: to keep the pins of one of our own locks takes none of them.
_COMMAND = r'(?m)^#    (pipx-parallel lock .*)$|^ *"?command"?(?: =|:) "((?:[^"\\]|\\.)*)"'
_OWN_HEADER = "# pipx-parallel: inputs "
_PACKAGE = r"""^\[\[packages\]\]\nname = "([a-z0-9-]+)"\n(?:version = "([^"\\\n]+)"(?:\nmarker = '([^'\n]+)')?)?"""
_PIN = (
    r"(?P<name>[A-Za-z0-9][A-Za-z0-9._-]*)\s*(?:\[[^\]]*\])?\s*"
    r"(?:===?\s*(?P<version>[A-Za-z0-9.!+_-]+)|@\s*(?P<url>\S+))\s*(?:;(?P<marker>.*))?"
)
# A bare URL with its name in the fragment, an editable source, or a path: the forms without ``name @``.
_BARE = r"(?:(?:-e|--editable)[= ]\s*)?(?P<url>[A-Za-z][A-Za-z0-9+.-]*:/\S+|\.{0,2}/\S+)\s*(?:;(?P<marker>.*))?"
_HASH = r"\s--hash[= ]\s*(\S+)"
_COMMENT = r"(?:^|\s)#.*$"
_HEREDOC = r"(?ms)<<'PIPX_PARALLEL_REQUIREMENTS'\n(.*?)^PIPX_PARALLEL_REQUIREMENTS$|^\$\w*Requirements = @'\n(.*?)^'@"
# Options that choose indexes, not packages: a lock does not depend on them.
_OF_REQUIREMENTS = ("--requirement", "--constraint", "--editable", "--hash", "--config-settings")
_OPTIONS = tuple([name for option in FILE_OPTIONS if option.name not in _OF_REQUIREMENTS for name in option.names])


class LockedPackage(NamedTuple):
    """One entry of a lock. ``version`` is None if the lock names only a source tree."""

    name: str  # normalised
    version: str | None
    hashes: tuple[str, ...] = ()  # "sha256:hex", sorted
    marker: str | None = None
    url: str | None = None  # of a direct reference


class Lock(NamedTuple):
    """The content of a lock of any format. ``packages`` are in the lock's order; a name can occur several times."""

    kind: str  # "pylock", "requirements", "script", "json" or "uv"
    packages: tuple[LockedPackage, ...]
    digest: str | None = None  # of the inputs, in our own locks

    def versions(self) -> dict[str, str]:
        """Return each project's version; of several entries (for different targets) the first one."""
        versions: dict[str, str] = {}
        for package in self.packages:
            if package.version is not None:
                versions.setdefault(package.name, package.version)
        return versions


def read_digest(text: str) -> str | None:
    """Return the digest of the inputs from the first lines of one of our locks; None if it has none."""
    match = _DIGEST.search(text[:_HEAD])
    return match[1] if match else None


def read_command(text: str) -> str | None:
    """Return the command that one of our locks says made it; None if it says none."""
    match = re.search(_COMMAND, text[: 4 * _HEAD])
    return match and (match[1] or match[2].replace('\\"', '"').replace("\\\\", "\\"))


def read_targets(text: str) -> tuple[str, ...]:
    """Return the labels of the targets that one of our pylock.toml or requirements files is for; () if it names none."""
    head = text[: 4 * _HEAD]
    listed = re.search(r"(?ms)^targets = \[(.*?)\]$", head)
    return tuple(re.findall(r'"([^"\n]+)"', listed[1]) if listed else re.findall(r"(?m)^# For (.+)\.$", head))


def read_pins(text: str, source: str) -> tuple[KeptPin, ...]:
    """Return the pins of a lock, in its order; fast for our own, else as ``read_lock``. Raises ``RequirementsError``."""
    if _kind(text) == "pylock" and 'created-by = "pipx-parallel"' in text[:_HEAD]:
        rows = re.findall(_PACKAGE, text, re.MULTILINE)
        return tuple([KeptPin(name, version, marker or None) for name, version, marker in rows if version])
    pins = _plain_pins(text) if _OWN_HEADER in text[:_HEAD] and _kind(text) == "requirements" else ()
    return pins or tuple(
        [
            KeptPin(package.name, package.version, package.marker)
            for package in read_lock(text, source).packages
            if package.version is not None
        ]
    )


def _plain_pins(text: str) -> tuple[KeptPin, ...]:
    """Return the pins if every one begins its line, as in files of this project; else ()."""
    pins: list[KeptPin] = []
    for line in text.splitlines():
        first = line[:1]
        if first in {"", "#", " "} or line.split("=")[0].split(" ")[0] in _OPTIONS:  # a comment, a hash, an index
            continue
        match = re.fullmatch(_PIN, line.removesuffix("\\").rstrip())
        if match is None or match["version"] is None:
            return ()
        marker = match["marker"]
        pins.append(KeptPin(normalize_name(match["name"]), match["version"], marker.strip() if marker else None))
    return tuple(pins)


@lru_cache(maxsize=2)  # the pins to keep and the summary of changes both read the old lock
def read_lock(text: str, source: str) -> Lock:
    """Read any lock; ``source`` is its path, for messages. Raises ``RequirementsError`` if it is not a lock."""
    kind = _kind(text)
    digest = read_digest(text)
    if kind == "pylock":
        return Lock(kind, tuple(_pylock(text, source)), digest)
    if kind == "json":
        return Lock(kind, tuple(_report(text, source)), digest)
    if kind == "uv":
        return Lock(kind, tuple(_uv(text, source)), digest)
    if kind == "script":
        blocks = ["".join(groups) for groups in re.findall(_HEREDOC, text)]
        return Lock(kind, tuple(package for block in blocks for package in _requirements(block, source)), digest)
    return Lock(kind, tuple(_requirements(text, source)), digest)


def _kind(text: str) -> str:
    # The pattern alone costs 40 million instructions on a lock of 3,500 lines.
    if "lock-version" in text and re.search(r"^lock-version\s*=", text, re.MULTILINE):
        return "pylock"
    if text.lstrip("\ufeff \t\r\n").startswith("{"):
        return "json"
    if text.startswith("version = ") and "\n[[package]]\n" in text:
        return "uv"
    marked = (
        "PIPX_PARALLEL_REQUIREMENTS" in text or "Requirements = @'" in text
    )  # the search alone costs 3 ms on 3,500 lines
    return "script" if marked and re.search(_HEREDOC, text) else "requirements"


def _pylock(text: str, source: str) -> Iterator[LockedPackage]:
    from packaging.pylock import Pylock, PylockUnsupportedVersionError, PylockValidationError  # 45 ms to load

    try:
        table = parse_toml(text)
        Pylock.from_dict(table)
    except (ValueError, RecursionError) as error:
        line = re.search(r"at line (\d+)", str(error))
        raise _refused(source, f"not TOML: {error}", int(line[1]) if line else None) from error
    except PylockUnsupportedVersionError as error:
        raise _refused(source, str(error)) from error
    except PylockValidationError as error:
        raise _refused(source, f"not a valid PEP 751 lock: {error}") from error
    for package in table["packages"]:
        yield _pylock_package(package)


def _pylock_package(package: Mapping[str, Any]) -> LockedPackage:
    files = [*package.get("wheels", ()), *(package[key] for key in ("sdist", "archive") if key in package)]
    hashes = {f"{name}:{value}" for file in files for name, value in file["hashes"].items()}
    ours = package.get("tool", {}).get("pipx-parallel", {})
    version = package.get("version") or (ours.get("version") if isinstance(ours, dict) else None)
    return LockedPackage(package["name"], version, tuple(sorted(hashes)), package.get("marker"), _pylock_url(package))


def _pylock_url(package: Mapping[str, Any]) -> str | None:
    if "vcs" in package:
        vcs = package["vcs"]
        return f"{vcs['type']}+{vcs.get('url') or vcs.get('path')}@{vcs['commit-id']}"
    source = package.get("archive") or package.get("directory")
    return None if source is None else str(source.get("url") or source.get("path"))


def _uv(text: str, source: str) -> Iterator[LockedPackage]:
    from pipx_parallel.locks.uv_lock import read_packages  # only a uv.lock needs it

    try:
        yield from [LockedPackage(*row) for row in read_packages(text)]
    except ValueError as error:
        raise _refused(source, f"not a uv.lock: {error}") from error


def _report(text: str, source: str) -> list[LockedPackage]:
    import json  # here and below: only a report needs it

    from mirror.records.tables import Table

    try:
        report = Table(json.loads(text))
        if "bomFormat" in report and report.text("bomFormat") == "CycloneDX":
            return [*_bill(report)]
        if report.text("created-by") != "pipx-parallel" or report.integer("schema") != 1:
            raise _refused(source, "not a report of this version of pipx-parallel")
        packages: dict[tuple[str, str], LockedPackage] = {}
        for target in report.tables("targets"):
            for pin in target.tables("pins"):
                name, version = pin.text("name"), pin.text("version")
                package = LockedPackage(name, version, pin.texts("hashes"), None, pin.optional_text("url"))
                packages.setdefault((name, version), package)
    except json.JSONDecodeError as error:
        raise _refused(source, f"not JSON: {error.msg}", error.lineno) from error
    except RequirementsError:
        raise
    except (ValueError, RecursionError) as error:
        raise _refused(source, f"not a report of pipx-parallel: {error}") from error
    return [*packages.values()]


def _bill(report: Table) -> Iterator[LockedPackage]:
    """Yield the components of a CycloneDX document that come from a package index."""
    for component in report.tables("components"):
        if "purl" in component and component.text("purl").startswith("pkg:pypi/"):
            digests = {
                f"sha256:{digest.text('content')}"
                for reference in component.tables("externalReferences")
                for digest in reference.tables("hashes")
                if digest.text("alg") == "SHA-256"
            }
            yield LockedPackage(component.text("name"), component.optional_text("version"), tuple(sorted(digests)))


def _requirements(text: str, source: str) -> Iterator[LockedPackage]:
    for number, line in _logical_lines(text):
        if line.split("=")[0].split(" ")[0] in _OPTIONS:
            continue
        yield _pinned(line, number, source)


def _logical_lines(text: str) -> Iterator[tuple[int, str]]:
    """Yield (number of the first line, text) with continuations joined and comments removed, as in pip."""
    start = 0
    parts: list[str] = []
    for number, raw in enumerate(text.lstrip("\ufeff").splitlines(), 1):
        start = start if parts else number
        continues = raw.endswith("\\")
        part = raw[:-1] if continues else raw
        if "#" in raw:  # few of a lock's 3,500 lines: the pattern costs more than the rest of the loop
            continues = continues and not raw.lstrip().startswith("#")
            part = re.sub(_COMMENT, "", raw[:-1] if continues else raw)
        parts.append(part)
        if not continues:
            line = " ".join(" ".join(parts).split())
            parts = []
            if line:
                yield start, line
    line = " ".join(" ".join(parts).split())
    if line:
        yield start, line


def _pinned(line: str, number: int, source: str) -> LockedPackage:
    head, hashes = _without_hashes(line)
    match = re.fullmatch(_PIN, head)
    if match:
        marker = match["marker"].strip() if match["marker"] else None
        return LockedPackage(normalize_name(match["name"]), match["version"], hashes, marker, match["url"])
    bare = re.fullmatch(_BARE, head)
    if bare:
        url, marker = bare["url"], bare["marker"].strip() if bare["marker"] else None
        named = re.search(r"[#&]egg=([A-Za-z0-9._-]+)", url)
        name = named[1] if named else _name_of_path(url)
        return LockedPackage(normalize_name(name), None, hashes, marker, url)
    raise _refused(source, f"not a lock: {head!r} is not pinned by == or a URL", number)


def _name_of_path(url: str) -> str:
    """Return the project's name as the last piece of a path or URL says it: a folder's name, or the beginning of a file's."""
    path = re.sub(r"\[[^\]/]*\]$", "", url.partition("#")[0]).rstrip("/\\")
    if path.endswith("/."):  # the folder in which the lock was made
        path = os.path.abspath(path)
    last = re.split(r"[/\\]", path)[-1]
    file = re.match(r"([A-Za-z0-9._]+)-[^-]+(?:-[^-]+){3,4}\.whl$|(.+)-[^-]+(?:\.tar\.gz|\.zip)$", last)
    return (file[1] or file[2]) if file else last


def _without_hashes(line: str) -> tuple[str, tuple[str, ...]]:
    """Return the line without its ``--hash`` options, and their values, sorted."""
    head, *options = line.split(" --hash=")
    if " --hash " in f"{head} " or any(" " in option for option in options):  # another spelling, or text after a hash
        return re.sub(_HASH, "", line).strip(), tuple(sorted(re.findall(_HASH, line)))
    return head.strip(), tuple(sorted(options))


def _refused(source: str, problem: str, line: int | None = None) -> RequirementsError:
    return RequirementsError(Origin(source, line), problem, "lock again to replace it")
