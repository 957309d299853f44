"""Platforms by name: short names as in uv, and the tags of pip, each with the tags that it includes."""

from __future__ import annotations

import re
from typing import TYPE_CHECKING

from mirror.equality import NamedTuple
from pipx_parallel.errors import UsageError

if TYPE_CHECKING:
    from collections.abc import Iterator, Sequence

# Each platform has a tag for every version from the named one down to the first, so the numbers are bounded.
NUMBER = r"[0-9]{1,2}"
TAG = r"[a-z0-9_]{1,64}"  # a platform (dashes and dots replaced by underscores) or an ABI
# Short names of platforms, as in uv. They assume the oldest C library or system that is still maintained.
_GLIBC, _MUSL, _MACOS = (2, 28), (1, 2), (13, 0)
_ALIASES = {
    "linux": "x86_64-unknown-linux-gnu",
    "windows": "x86_64-pc-windows-msvc",
    "macos": "aarch64-apple-darwin",
}
# Patterns are strings, compiled on first use: most runs use the stored target of the running Python.
_TRIPLE = (
    r"(?P<arch>[a-z0-9_]+?)-(?:(?:pc-)?(?P<windows>windows)(?:-msvc)?|(?:apple-)?(?P<macos>darwin)"
    r"|unknown-linux(?:-(?P<libc>gnu|musl))?|manylinux(?P<legacy>2014|2010|1)"
    r"|manylinux_(?P<glibc>\d{1,2}_\d{1,2})|musllinux_(?P<musl>\d{1,2}_\d{1,2}))"
)
_LEGACY_GLIBC = {"2014": (2, 17), "2010": (2, 12), "1": (2, 5)}
_OLD_NAMES = {(2, 17): "manylinux2014", (2, 12): "manylinux2010", (2, 5): "manylinux1"}
_WINDOWS = {"x86_64": ("win_amd64", "AMD64"), "aarch64": ("win_arm64", "ARM64"), "i686": ("win32", "x86")}


class Baseline(NamedTuple):
    """The oldest systems that short platform names stand for."""

    glibc: tuple[int, int] = _GLIBC
    macos: tuple[int, int] = _MACOS

    @classmethod
    def of(cls, glibc: str, macos: str) -> Baseline:
        """Return the baseline of the options ("2.28", "13.0"). Raises ``UsageError``."""
        return cls(_system_version("--minimum-glibc", glibc, _GLIBC), _system_version("--minimum-macos", macos, _MACOS))


class Platform(NamedTuple):
    """The meaning of a platform's name."""

    tags: tuple[str, ...]  # platform tags, best first
    sys_platform: str  # "" if the name does not state it
    machine: str


_BASELINE = Baseline()


def group_platforms(names: Sequence[str]) -> tuple[tuple[str, ...], ...]:
    """Return the platforms of each target: a short name is one, the tags of one system and machine are one together.

    A tag that states no machine (``macosx_11_0_universal2``, ``any``) belongs to the other tags. Raises ``UsageError``.
    """
    groups: dict[tuple[str, str], list[str]] = {}
    loose: list[tuple[str, str]] = []
    for name in names:
        if _is_short(name):
            groups["short", name] = [name]
            continue
        platform = parse_platform(name)
        if platform.machine:
            groups.setdefault((platform.sys_platform, platform.machine), []).append(name)
        else:
            loose.append((platform.sys_platform, name))
    for system, name in loose:
        joined = [group for (key, _), group in groups.items() if key == system or (not system and key != "short")]
        for group in joined or [groups.setdefault((system, ""), [])]:
            group.append(name)
    return tuple(tuple(sorted(group, key=names.index)) for group in groups.values())


def _is_short(name: str) -> bool:
    return re.fullmatch(_TRIPLE, _ALIASES.get(name.lower(), name.lower())) is not None


def parse_platform(name: str, baseline: Baseline | None = None) -> Platform:
    """Return the meaning of a platform's name. Raises ``UsageError``."""
    baseline = baseline or _BASELINE
    lowered = name.lower()
    triple = re.fullmatch(_TRIPLE, _ALIASES.get(lowered, lowered))
    if triple is not None:
        return _from_triple(triple, name, baseline)
    tag = lowered.replace("-", "_").replace(".", "_")
    if not re.fullmatch(TAG, tag):
        raise UsageError(
            f"--platform: '{name[:80]}' cannot be used", "a tag has at most 64 letters, digits and underscores"
        )
    if tag == "any":
        return Platform((tag,), "", "")
    if re.fullmatch(r"win32|win_\w+", tag):
        machine = next((machine for windows_tag, machine in _WINDOWS.values() if windows_tag == tag), "")
        return Platform((tag,), "win32", machine)
    mac = re.fullmatch(r"macosx_(\d{1,2})_(\d{1,2})_(.+)", tag)
    if mac:
        machine = "" if mac[3].startswith(("universal", "intel", "fat")) else mac[3]
        return Platform(tuple(_macos((int(mac[1]), int(mac[2])), mac[3])), "darwin", machine)
    linux = re.fullmatch(r"(?:linux|manylinux(?P<old>1|2010|2014)|(?:many|musl)linux_\d+_\d+)_(?P<arch>.+)", tag)
    if linux:
        return Platform(tuple(_older_names(tag, linux["old"], linux["arch"])), "linux", linux["arch"])
    if re.fullmatch(r"(?:android|ios|pyodide|emscripten)_\w+", tag):
        raise UsageError(f"--platform: '{name}' is not supported")
    short = ", ".join(_ALIASES)
    raise UsageError(
        f"--platform: '{name}' is not a known platform", f"give a tag such as manylinux_2_28_x86_64, or one of {short}"
    )


def _from_triple(match: re.Match[str], name: str, baseline: Baseline) -> Platform:
    arch = match["arch"]
    if match["windows"]:
        if arch not in _WINDOWS:
            raise UsageError(f"--platform: '{name}' is not a known platform; Windows runs on {', '.join(_WINDOWS)}")
        tag, machine = _WINDOWS[arch]
        return Platform((tag,), "win32", machine)
    if match["macos"]:
        machine = "arm64" if arch == "aarch64" else arch
        return Platform(tuple(_macos(baseline.macos, machine)), "darwin", machine)
    musl = _pair(match["musl"]) if match["musl"] else _MUSL if match["libc"] == "musl" else None
    if musl:
        libc = [f"musllinux_{musl[0]}_{minor}_{arch}" for minor in range(musl[1], -1, -1)]
        return Platform((*libc, f"linux_{arch}"), "linux", arch)
    glibc = (
        _pair(match["glibc"])
        if match["glibc"]
        else _LEGACY_GLIBC[match["legacy"]]
        if match["legacy"]
        else baseline.glibc
    )
    return Platform((*_manylinux(glibc, arch), f"linux_{arch}"), "linux", arch)


def _pair(text: str) -> tuple[int, int]:
    major, _, minor = text.partition("_")
    return int(major), int(minor)


def _system_version(option: str, text: str, default: tuple[int, int]) -> tuple[int, int]:
    match = re.fullmatch(rf"({NUMBER})(?:\.({NUMBER}))?", text)
    if match is None:
        raise UsageError(
            f"{option}: {text[:80]!r} is not a valid version", f"give one such as {default[0]}.{default[1]}"
        )
    return int(match[1]), int(match[2] or 0)


def _manylinux(glibc: tuple[int, int], arch: str) -> Iterator[str]:
    """Yield every manylinux tag that this version of glibc supports (PEP 600), newest first."""
    oldest = 5 if arch in ("x86_64", "i686") else 17
    for minor in range(glibc[1], oldest - 1, -1):
        yield f"manylinux_{glibc[0]}_{minor}_{arch}"
        old = _OLD_NAMES.get((glibc[0], minor))
        if old:
            yield f"{old}_{arch}"


def _older_names(tag: str, old: str | None, arch: str) -> Iterator[str]:
    """Yield the tag and, as pip does, the older manylinux names that it includes."""
    yield tag
    if old in ("2010", "2014") and arch in ("x86_64", "i686"):
        yield from (f"{name}_{arch}" for name in ("manylinux2010", "manylinux1") if name != f"manylinux{old}")


def _macos(version: tuple[int, int], arch: str) -> Iterator[str]:
    from packaging.tags import mac_platforms  # 45 ms, only with --platform

    return mac_platforms(version, arch)
