"""Targets: the running Python, or another one described by options (PEP 425 tags, PEP 508 markers)."""

from __future__ import annotations

import os
import re
import sys
from typing import TYPE_CHECKING, NamedTuple

from mirror.equality import equal_by_type
from pipx_parallel.errors import UsageError
from pipx_parallel.model import Target

if TYPE_CHECKING:
    from collections.abc import Iterator, Mapping, Sequence

    from pipx_parallel.config.settings import ResolveSettings

_IMPLEMENTATIONS = {  # short name in tags -> implementation_name, platform_python_implementation
    "cp": ("cpython", "CPython"),
    "pp": ("pypy", "PyPy"),
    "py": ("python", ""),
    "ip": ("ironpython", "IronPython"),
    "jy": ("jython", "Jython"),
}
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
# Each platform has a tag for every version from the named one down to the first, so the numbers are bounded.
_NUMBER = r"[0-9]{1,2}"
_TAG = r"[a-z0-9_]{1,64}"  # a platform (dashes and dots replaced by underscores) or an ABI
_MOST_TAGS = 32  # maximum number of platforms, and of ABIs, of one target
_OLD_NAMES = {(2, 17): "manylinux2014", (2, 12): "manylinux2010", (2, 5): "manylinux1"}
_WINDOWS = {"x86_64": ("win_amd64", "AMD64"), "aarch64": ("win_arm64", "ARM64"), "i686": ("win32", "x86")}
_SYSTEMS = {  # sys_platform -> platform_system, os_name
    "linux": ("Linux", "posix"),
    "win32": ("Windows", "nt"),
    "darwin": ("Darwin", "posix"),
}


@equal_by_type
class _Platform(NamedTuple):
    """The meaning of a platform's name."""

    tags: tuple[str, ...]  # platform tags, best first
    sys_platform: str  # "" if the name does not state it
    machine: str


def target_fingerprint() -> str:
    """Return a text that changes whenever ``running_target()`` could, as the key under which its result is stored.

    Takes microseconds: nothing is imported, no process is started.
    """
    parts: list[object] = [
        sys.implementation.name, *sys.implementation.version, *sys.version_info, sys.platform, sys.maxsize,
        getattr(sys, "abiflags", ""), sys.executable, sys.prefix, os.name,
    ]  # fmt: skip
    if hasattr(os, "uname"):
        parts.extend((os.uname().sysname, os.uname().release, os.uname().version, os.uname().machine))
    else:
        parts.extend((*sys.getwindowsversion(), os.environ.get("PROCESSOR_ARCHITECTURE")))  # type: ignore[attr-defined]  # Windows only
    try:
        parts.append(os.confstr("CS_GNU_LIBC_VERSION"))
    except (AttributeError, ValueError, OSError):
        parts.append("no glibc")
    return "|".join(map(str, parts))


def running_target() -> Target:
    """Return the target of the running Python. Takes 50 ms: store it under ``target_fingerprint()``."""
    from packaging.markers import default_environment  # 45 ms, not needed if the target is stored
    from packaging.tags import sys_tags  # 45 ms, not needed if the target is stored

    markers = {key: str(value) for key, value in default_environment().items() if key != "extra"}
    return Target(
        label=_label(markers, markers["python_version"]),
        python_full_version=markers["python_full_version"],
        markers=markers,
        tags=tuple(dict.fromkeys(map(str, sys_tags()))),
    )


def make_target(
    python_version: str | None = None,
    platforms: Sequence[str] = (),
    implementation: str | None = None,
    abis: Sequence[str] = (),
) -> Target:
    """Return the target that these options describe; everything else is as in the running Python.

    ``python_version``: "3.13", "313", "3" or "3.13.1". ``platforms``: platform tags as pip takes them ("win_amd64",
    "manylinux_2_28_x86_64", "macosx_13_0_arm64"), each with its meaning in pip; or one short name for a
    whole platform: "linux", "windows", "macos", "x86_64-manylinux_2_28", "x86_64-unknown-linux-musl".
    ``implementation``: "cp", "pp", "py". Raises ``UsageError`` for an invalid value, and for platforms of two systems.
    """
    if not (python_version or platforms or implementation or abis):
        return running_target()
    _check_tags(platforms, abis)
    base = running_target()
    version = _parse_version(python_version) if python_version else None
    short_name = _parse_implementation(implementation) if implementation else None
    parsed = [_parse_platform(name) for name in platforms]
    markers = dict(base.markers)
    _set_python(markers, version, short_name)
    _set_platform(markers, parsed, platforms)
    platform_tags = list(dict.fromkeys(tag for platform in parsed for tag in platform.tags)) or None
    tags = _tags(version, platform_tags, short_name, list(abis) or None)
    return Target(
        label=_label(markers, markers["python_version"]),
        python_full_version=markers["python_full_version"],
        markers=markers,
        tags=tuple(dict.fromkeys(tags)),
    )


def _check_tags(platforms: Sequence[str], abis: Sequence[str]) -> None:
    if max(len(platforms), len(abis)) > _MOST_TAGS:
        raise UsageError(f"a target names at most {_MOST_TAGS} platforms and {_MOST_TAGS} ABIs")
    for abi in abis:
        if not re.fullmatch(_TAG, abi.lower()):
            raise UsageError(f"--abi: '{abi[:80]}' cannot be used; give one such as cp313 or abi3")


def resolve_targets(settings: ResolveSettings) -> tuple[Target, ...]:
    """Return the targets of the settings: one per short platform name, and one for all platform tags together.

    Raises ``UsageError``.
    """
    short = [name for name in settings.target.platforms if _is_short(name)]
    tags = [name for name in settings.target.platforms if not _is_short(name)]
    groups = [(name,) for name in short] + ([tuple(tags)] if tags or not short else [])
    return tuple(make_target(*settings.target._replace(platforms=group)) for group in groups)


def _is_short(name: str) -> bool:
    return re.fullmatch(_TRIPLE, _ALIASES.get(name.lower(), name.lower())) is not None


def _label(markers: Mapping[str, str], version: str) -> str:
    words = (markers["implementation_name"], version, markers["sys_platform"], markers["platform_machine"])
    return " ".join(word for word in words if word)


def _parse_version(text: str) -> tuple[int, ...]:
    """Read a version as pip reads ``--python-version``: "313" is 3.13."""
    parts = text.split(".")
    if len(parts) == 1 and len(text) > 1:
        parts = [text[0], text[1:]]
    if len(parts) > 3 or not all(re.fullmatch(_NUMBER, part) for part in parts):
        raise UsageError(
            f"--python-version: '{text[:80]}' is not a valid version; give a version such as 3.13 or 3.13.1"
        )
    return tuple(map(int, parts))


def _parse_implementation(text: str) -> str:
    by_name = {name: short for short, (name, _) in _IMPLEMENTATIONS.items()}
    short = by_name.get(text.lower(), text.lower())
    if short not in _IMPLEMENTATIONS:
        raise UsageError(f"--implementation: '{text[:80]}' is not known; give one of {', '.join(_IMPLEMENTATIONS)}")
    return short


def _parse_platform(name: str) -> _Platform:
    lowered = name.lower()
    triple = re.fullmatch(_TRIPLE, _ALIASES.get(lowered, lowered))
    if triple is not None:
        return _from_triple(triple, name)
    tag = lowered.replace("-", "_").replace(".", "_")
    if not re.fullmatch(_TAG, tag):
        raise UsageError(
            f"--platform: '{name[:80]}' cannot be used; a tag has at most 64 letters, digits and underscores"
        )
    if tag == "any":
        return _Platform((tag,), "", "")
    if tag.startswith("win"):
        machine = next((machine for windows_tag, machine in _WINDOWS.values() if windows_tag == tag), "")
        return _Platform((tag,), "win32", machine)
    mac = re.fullmatch(r"macosx_(\d{1,2})_(\d{1,2})_(.+)", tag)
    if mac:
        machine = "" if mac[3].startswith(("universal", "intel", "fat")) else mac[3]
        return _Platform(tuple(_macos((int(mac[1]), int(mac[2])), mac[3])), "darwin", machine)
    linux = re.fullmatch(r"(?:linux|manylinux(?P<old>1|2010|2014)|(?:many|musl)linux_\d+_\d+)_(?P<arch>.+)", tag)
    if linux:
        return _Platform(tuple(_older_names(tag, linux["old"], linux["arch"])), "linux", linux["arch"])
    if re.fullmatch(r"(?:android|ios|pyodide|emscripten)_\w+", tag):
        raise UsageError(f"--platform: '{name}' is not supported")
    short = ", ".join(_ALIASES)
    raise UsageError(
        f"--platform: '{name}' is not a known platform; give a tag such as manylinux_2_28_x86_64, or one of {short}"
    )


def _from_triple(match: re.Match[str], name: str) -> _Platform:
    arch = match["arch"]
    if match["windows"]:
        if arch not in _WINDOWS:
            raise UsageError(f"--platform: '{name}' is not a known platform; Windows runs on {', '.join(_WINDOWS)}")
        tag, machine = _WINDOWS[arch]
        return _Platform((tag,), "win32", machine)
    if match["macos"]:
        machine = "arm64" if arch == "aarch64" else arch
        return _Platform(tuple(_macos(_MACOS, machine)), "darwin", machine)
    musl = _pair(match["musl"]) if match["musl"] else _MUSL if match["libc"] == "musl" else None
    if musl:
        libc = [f"musllinux_{musl[0]}_{minor}_{arch}" for minor in range(musl[1], -1, -1)]
        return _Platform((*libc, f"linux_{arch}"), "linux", arch)
    glibc = _pair(match["glibc"]) if match["glibc"] else _LEGACY_GLIBC[match["legacy"]] if match["legacy"] else _GLIBC
    return _Platform((*_manylinux(glibc, arch), f"linux_{arch}"), "linux", arch)


def _pair(text: str) -> tuple[int, int]:
    major, _, minor = text.partition("_")
    return int(major), int(minor)


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


def _set_python(markers: dict[str, str], version: tuple[int, ...] | None, short: str | None) -> None:
    """Set the variables of version and implementation; missing parts of the version are 0, as in pip."""
    if short:
        markers["implementation_name"], markers["platform_python_implementation"] = _IMPLEMENTATIONS[short]
    if version:
        full = ".".join(map(str, (*version, 0, 0)[:3]))
        markers["python_version"] = ".".join(full.split(".")[:2])
        markers["python_full_version"] = markers["implementation_version"] = full


def _set_platform(markers: dict[str, str], parsed: Sequence[_Platform], names: Sequence[str]) -> None:
    """Set the variables of the system; those that no name states, such as the kernel's release, become empty."""
    stated = [platform for platform in parsed if platform.sys_platform]
    systems = list(dict.fromkeys(platform.sys_platform for platform in stated))
    machines = list(dict.fromkeys(platform.machine for platform in stated if platform.machine))
    if len(systems) > 1 or len(machines) > 1:
        raise UsageError(f"--platform: {', '.join(names)} are different systems; lock for one at a time")
    if not systems:
        return
    same = systems[0] == markers["sys_platform"] and machines[:1] in ([], [markers["platform_machine"]])
    markers["sys_platform"] = systems[0]
    markers["platform_system"], markers["os_name"] = _SYSTEMS[systems[0]]
    markers["platform_release"] = markers["platform_version"] = ""
    if machines or not same:
        markers["platform_machine"] = machines[0] if machines else ""


def _tags(
    version: tuple[int, ...] | None, platforms: list[str] | None, short: str | None, abis: list[str] | None
) -> Iterator[str]:
    """Yield the tags that pip accepts with the same options, best first."""
    from packaging import tags  # 45 ms, only for another target

    name = short or tags.interpreter_name()
    python = version[:2] if version else None
    interpreter = name + ("".join(map(str, python)) if python else tags.interpreter_version())
    if name == "cp":
        yield from map(str, tags.cpython_tags(python_version=python, abis=abis, platforms=platforms))
    else:
        yield from map(str, tags.generic_tags(interpreter=interpreter, abis=abis, platforms=platforms))
    yield from map(str, tags.compatible_tags(python_version=python, interpreter=interpreter, platforms=platforms))
