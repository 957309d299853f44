"""Targets: the running Python, or another one described by options (PEP 425 tags, PEP 508 markers)."""

from __future__ import annotations

import os
import re
import sys
from typing import TYPE_CHECKING

from pipx_parallel.errors import UsageError
from pipx_parallel.model import Target

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator, Mapping, Sequence

    from pipx_parallel.targets.platforms import Baseline, Platform

_IMPLEMENTATIONS = {  # short name in tags -> implementation_name, platform_python_implementation
    "cp": ("cpython", "CPython"),
    "pp": ("pypy", "PyPy"),
    "py": ("python", ""),
    "ip": ("ironpython", "IronPython"),
    "jy": ("jython", "Jython"),
}
_LABEL = r"([a-z]+) (\d+\.\d+[\d.]*(?:(?:-|, )\d+\.\d+[\d.]*\*?)*) (\S+)(?: (?!musl$)(\S+))?( musl)?"
_MOST_TAGS = 32  # maximum number of platforms, and of ABIs, of one target
_SYSTEMS = {  # sys_platform -> platform_system, os_name
    "linux": ("Linux", "posix"),
    "win32": ("Windows", "nt"),
    "darwin": ("Darwin", "posix"),
}


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


def make_target(  # noqa: PLR0913, PLR0917 - pip's own options, and what completes them
    python_version: str | None = None,
    platforms: Sequence[str] = (),
    implementation: str | None = None,
    abis: Sequence[str] = (),
    baseline: Baseline | None = None,
    running: Callable[[], Target] = running_target,
) -> Target:
    """Return the target that these options describe; everything else is as in the Python that ``running`` describes.

    ``python_version``: "3.13", "313", "3" or "3.13.1". ``platforms``: platform tags as pip takes them ("win_amd64",
    "manylinux_2_28_x86_64", "macosx_13_0_arm64"), each with its meaning in pip; or one short name for a
    whole platform: "linux", "windows", "macos", "x86_64-manylinux_2_28", "x86_64-unknown-linux-musl".
    ``implementation``: "cp", "pp", "py". Raises ``UsageError`` for an invalid value, and for platforms of two systems.
    """
    if not (python_version or platforms or implementation or abis):
        return running()
    from pipx_parallel.targets.platforms import parse_platform  # here and below: only for another target

    _check_tags(platforms, abis)
    base = running()
    version = _parse_version(python_version) if python_version else None
    short_name = _parse_implementation(implementation) if implementation else None
    parsed = [parse_platform(name, baseline) for name in platforms]
    markers = dict(base.markers)
    _set_python(markers, version, short_name)
    _set_platform(markers, parsed, platforms)
    platform_tags = list(dict.fromkeys(tag for platform in parsed for tag in platform.tags)) or None
    tags = _tags(version, platform_tags, short_name, list(abis) or None)
    libc = " musl" if platform_tags and platform_tags[0].startswith("musllinux") else ""
    return Target(
        label=_label(markers, markers["python_version"]) + libc,
        python_full_version=markers["python_full_version"],
        markers=markers,
        tags=tuple(dict.fromkeys(tags)),
    )


def _check_tags(platforms: Sequence[str], abis: Sequence[str]) -> None:
    from pipx_parallel.targets.platforms import TAG  # as above

    if max(len(platforms), len(abis)) > _MOST_TAGS:
        raise UsageError(f"a target names at most {_MOST_TAGS} platforms and {_MOST_TAGS} ABIs")
    for abi in abis:
        if not re.fullmatch(TAG, abi.lower()):
            raise UsageError(f"--abi: '{abi[:80]}' cannot be used", "give one such as cp313 or abi3")


def labelled_targets(label: str, running: Target) -> Iterator[Target]:
    """Yield each target that a label of a lock stands for ("cpython 3.10-3.14 win32 AMD64"), without tags.

    What the label does not say is as in ``running``. An unknown label yields nothing.
    """
    words = re.fullmatch(_LABEL, label)
    short = next((short for short, (name, _) in _IMPLEMENTATIONS.items() if words and name == words[1]), None)
    if words is None or short is None:
        return
    for version in _versions_of(words[2]):
        markers = dict(running.markers)
        _set_python(markers, version, short)
        if words[3] != markers["sys_platform"] or words[4] != markers["platform_machine"]:
            markers |= {"sys_platform": words[3], "platform_machine": words[4] or ""}
            markers["platform_system"], markers["os_name"] = _SYSTEMS.get(words[3], ("", ""))
            markers["platform_release"] = markers["platform_version"] = ""
        name = _label(markers, markers["python_version"]) + (words[5] or "")
        yield Target(name, markers["python_full_version"], markers, ())


def _versions_of(words: str) -> Iterator[tuple[int, ...]]:
    """Yield the Pythons of a label: ``3.10-3.12`` is three, of ``3.11.0-3.11.2`` it is the first."""
    for part in words.split(", "):
        first, last = (
            tuple(map(int, text.split(".")[:2])) for text in (part.partition("-")[0], part.rpartition("-")[2])
        )
        full = tuple(map(int, part.partition("-")[0].split(".")))
        yield full
        yield from [(first[0], minor) for minor in range(first[1] + 1, last[1] + 1)]


def _label(markers: Mapping[str, str], version: str) -> str:
    words = (markers["implementation_name"], version, markers["sys_platform"], markers["platform_machine"])
    return " ".join(word for word in words if word)


def _parse_version(text: str) -> tuple[int, ...]:
    """Read a version as pip reads ``--python-version``: "313" is 3.13."""
    from pipx_parallel.targets.platforms import NUMBER  # as above

    parts = text.split(".")
    if len(parts) == 1 and len(text) > 1:
        parts = [text[0], text[1:]]
    if len(parts) > 3 or not all(re.fullmatch(NUMBER, part) for part in parts):
        raise UsageError(
            f"--python-version: '{text[:80]}' is not a valid version", "give a version such as 3.13 or 3.13.1"
        )
    return tuple(map(int, parts))


def _parse_implementation(text: str) -> str:
    by_name = {name: short for short, (name, _) in _IMPLEMENTATIONS.items()}
    short = by_name.get(text.lower(), text.lower())
    if short not in _IMPLEMENTATIONS:
        raise UsageError(f"--implementation: '{text[:80]}' is not known", f"give one of {', '.join(_IMPLEMENTATIONS)}")
    return short


def _set_python(markers: dict[str, str], version: tuple[int, ...] | None, short: str | None) -> None:
    """Set the variables of version and implementation; missing parts of the version are 0, as in pip."""
    if short:
        markers["implementation_name"], markers["platform_python_implementation"] = _IMPLEMENTATIONS[short]
    if version:
        full = ".".join(map(str, (*version, 0, 0)[:3]))
        markers["python_version"] = ".".join(full.split(".")[:2])
        markers["python_full_version"] = markers["implementation_version"] = full


def _set_platform(markers: dict[str, str], parsed: Sequence[Platform], names: Sequence[str]) -> None:
    """Set the variables of the system; those that no name states, such as the kernel's release, become empty."""
    stated = [platform for platform in parsed if platform.sys_platform]
    systems = list(dict.fromkeys(platform.sys_platform for platform in stated))
    machines = list(dict.fromkeys(platform.machine for platform in stated if platform.machine))
    if len(systems) > 1 or len(machines) > 1:
        raise UsageError(f"--platform: {', '.join(names)} are different systems", "lock for one at a time")
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
