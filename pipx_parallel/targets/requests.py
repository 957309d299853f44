"""Which targets the options ask for: ``--target``, ``--universal``, and ``--python-version`` with ``--platform``."""

from __future__ import annotations

import re
from functools import cache
from typing import TYPE_CHECKING

from mirror.equality import NamedTuple
from pipx_parallel.errors import UsageError
from pipx_parallel.targets.patches import patches_named, with_range
from pipx_parallel.targets.platforms import Baseline, group_platforms
from pipx_parallel.targets.targets import make_target, running_target

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator, Sequence

    from pipx_parallel.config.settings import TargetSettings
    from pipx_parallel.model import Target

# The CPython series that --universal chooses from, and those that it takes if nothing states a range.
SERIES = tuple(f"3.{minor}" for minor in range(8, 15))
_OLD = ("2.6", "2.7")
DEFAULT_RANGE = ">=3.10,<3.15"
UNIVERSAL_PLATFORMS = ("linux", "aarch64-unknown-linux-gnu", "macos", "x86_64-apple-darwin", "windows")
_LATER = 2  # further series that may be tried before they are released
_VERSION = r"\d+(?:\.\d+){0,2}"
_IMPLEMENTATION = r"(cpython|pypy|cp|pp)(\d+(?:\.\d+){0,2})?"

# What --target takes: a name and its meaning.
PLATFORMS = {
    "linux": "Linux x86_64, glibc",
    "windows": "Windows amd64",
    "macos": "macOS arm64",
    "aarch64-unknown-linux-gnu": "Linux aarch64, glibc",
    "x86_64-unknown-linux-musl": "Linux x86_64, musl (Alpine)",
    "aarch64-unknown-linux-musl": "Linux aarch64, musl",
    "x86_64-manylinux_2_17": "Linux x86_64 from glibc 2.17 on",
    "x86_64-apple-darwin": "macOS x86_64",
    "aarch64-pc-windows-msvc": "Windows arm64",
    "i686-pc-windows-msvc": "Windows x86 (32 bits)",
    "manylinux_2_28_x86_64": "any platform tag",
}


class _Python(NamedTuple):
    """A version, or the part of its series from there up to, and without, ``until``."""

    version: str | None
    until: str = ""


class _Wanted(NamedTuple):
    """One --target: None for what it does not say."""

    version: str | None
    platforms: tuple[str, ...]
    implementation: str | None


def help_text() -> str:
    """Return what ``--target help`` prints."""
    width = max(map(len, PLATFORMS))
    lines = [f"  {name:{width}}  {meaning}" for name, meaning in PLATFORMS.items()]
    return "\n".join(
        (
            "A target is a Python version, a platform, or both, in any order, with pypy for PyPy:",
            '  --target "3.13 windows"   --target "pypy3.11 linux"   --target 3.12   --target macos',
            "What it does not say is taken from --python-version and --platform, else from the running Python.",
            "",
            "Platforms:",
            *lines,
            "",
            f"--universal is every CPython of the range ({DEFAULT_RANGE} if nothing states one) on:",
            f"  {', '.join(UNIVERSAL_PLATFORMS)}",
            "With --platform it is on these instead. --minimum-glibc and --minimum-macos change linux and macos.",
            "",
        )
    )


def requested_targets(
    settings: TargetSettings,
    requires_python: str | None = None,
    running: Callable[[], Target] = running_target,
) -> tuple[Target, ...]:
    """Return every target that was asked for, none twice; the running Python if nothing was.

    ``requires_python`` is the range of the inputs, for ``--universal``. Raises ``UsageError``.
    """
    if not settings.is_stated:
        return (running(),)
    baseline = Baseline.of(settings.glibc, settings.macos)
    running = cache(running)  # asked once for each target
    made: list[Target] = []
    for python, platforms, implementation in _rows(settings, requires_python):
        name = implementation or settings.implementation
        for group in group_platforms(platforms) or ((),):
            target = make_target(python.version, group, name, settings.abis or _abis(python, name), baseline, running)
            begins = target.python_full_version if python.until or settings.universal else ""
            made.append(with_range(target, begins, python.until))
    return tuple({(target.label, target.python_from, target.tags): target for target in made}.values())


def unknown_pythons(targets: Sequence[Target]) -> list[str]:
    """Return the Python series that no Python has or will have soon: perhaps typing errors."""
    newest = int(SERIES[-1].partition(".")[2]) + _LATER
    series = dict.fromkeys(target.markers["python_version"] for target in targets)
    return [text for text in series if not (text in _OLD or (text.startswith("3.") and int(text[2:]) <= newest))]


def _abis(python: _Python, implementation: str | None) -> tuple[str, ...]:
    """Return the ABI of a PyPy, which nothing else states; for others it follows from the version."""
    if implementation not in {"pp", "pypy"} or python.version is None:
        return ()
    return (f"pypy{''.join(python.version.split('.')[:2])}_pp73",)


def _rows(settings: TargetSettings, requires_python: str | None) -> Iterator[tuple[_Python, Sequence[str], str | None]]:
    """Yield Python, platforms and implementation of each target or group of targets."""
    wanted = [_parsed(text) for text in settings.targets]
    versions: Sequence[_Python] = [_Python(version) for version in settings.python_versions]
    platforms: Sequence[str] = settings.platforms
    name = None
    if settings.universal:
        if settings.python_versions:
            raise UsageError("--universal takes its versions from --requires-python, not from --python-version")
        versions = _universal_versions(settings.requires_python, requires_python)
        platforms = platforms or UNIVERSAL_PLATFORMS
        name = None if settings.implementation else "cp"
    completed = {(not row.version, not row.platforms) for row in wanted}
    takes_versions, takes_platforms = any(row[0] for row in completed), any(row[1] for row in completed)
    left = bool(versions and not takes_versions) or bool(platforms and not takes_platforms)
    if settings.universal or not wanted or left:
        for python in versions or (_Python(None),):
            yield python, platforms, name
    for row in wanted:
        for python in (_Python(row.version),) if row.version else versions or (_Python(None),):
            yield python, row.platforms or settings.platforms, row.implementation or name


def _parsed(text: str) -> _Wanted:
    """Read ``--target``: a version, an implementation, a platform, in any order."""
    version: str | None = None
    implementation: str | None = None
    platforms: list[str] = []
    for word in text.split():
        named = re.fullmatch(_IMPLEMENTATION, word.lower())
        if named:
            implementation, number = named[1], named[2]
        else:
            number = word if re.fullmatch(_VERSION, word) else None
            platforms += [word] * (number is None)
        if number and version:
            raise _refused(text)
        version = number or version
    if not text.split():
        raise _refused(text)
    try:
        group_platforms(platforms)
    except UsageError as error:
        raise _refused(text) from error
    return _Wanted(version, tuple(platforms), implementation)


def _refused(text: str) -> UsageError:
    wanted = 'a Python version, a platform, or both: "3.13 windows" (--target help lists them)'
    return UsageError(f"--target: {text[:80]!r} cannot be used", f"give {wanted}")


def _universal_versions(asked: str | None, requires_python: str | None) -> list[_Python]:
    """Return the parts of each CPython series that a range admits: most often all of it or nothing."""
    from packaging.specifiers import InvalidSpecifier, SpecifierSet  # 45 ms, loaded with the target's tags anyway

    text = asked or requires_python or DEFAULT_RANGE
    try:
        specifier = SpecifierSet(text)
    except InvalidSpecifier:
        raise UsageError(f"--requires-python: {text[:80]!r} is not a specifier", "write it like >=3.10,<3.15") from None
    versions: list[_Python] = []
    for series in SERIES:
        cuts = [0, *sorted(patches_named(series, text))]
        admitted = [specifier.contains(f"{series}.{cut}") for cut in cuts]
        if all(admitted):
            versions.append(_Python(series))
            continue
        for number, cut in enumerate(cuts):
            if admitted[number] and not (number and admitted[number - 1]):
                end = next((later for later in range(number, len(cuts)) if not admitted[later]), None)
                versions.append(_Python(f"{series}.{cut}", "" if end is None else f"{series}.{cuts[end]}"))
    if not versions:
        raise UsageError(f"--universal: no CPython from {SERIES[0]} to {SERIES[-1]} satisfies {text}")
    return versions
