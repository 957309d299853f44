"""Sort keys of versions (strings in PEP 440 order), and specifiers as intervals over them.

Parsing versions is too slow for a warm lock. With a stored key for each version, versions are compared as strings, and the
releases that a specifier admits are found by two bisections per interval. ``packaging`` defines valid versions and specifiers;
the fast paths here accept only forms for which both agree, which a property test checks.

Key layout: epoch, release without trailing zeros, pre-release stage, post, dev, local. A number is preceded by a letter for its
length ("a7", "b42"). Stage marks sort below every letter, so a longer release sorts above the suffixes of a shorter one.
"""

from __future__ import annotations

import re
from functools import lru_cache
from typing import TYPE_CHECKING

from mirror.limits import SPECIFIER_CLAUSES, VERSION_CHARACTERS
from mirror.records.model import CompiledSpecifier

if TYPE_CHECKING:
    from packaging.version import Version

LOWEST = ""
HIGHEST = "~"  # above every key: keys begin with a letter

_N = r"(?:0|[1-9][0-9]*)"
_PLAIN = re.compile(rf"({_N}(?:\.{_N})*)(?:(a|b|rc)({_N}))?(?:\.post({_N}))?(?:\.dev({_N}))?")
_SIMPLE_CLAUSE = re.compile(rf"\s*(>=|<=|==|!=|~=|<|>)\s*({_N}(?:\.{_N})*)(\.\*)?\s*")
_STAGES = {"a": "$0", "b": "$1", "rc": "$2"}
_EPOCH_ZERO = "a0"

Interval = tuple[str, str]


def _number(value: str) -> str:
    """Return digits (no leading zero) preceded by a letter for their count."""
    length = len(value)
    return chr(96 + length) + value if length <= 25 else "z" + _number(str(length)) + value


def _release(digits: str) -> str:
    """Return the key of a dotted release, trailing zeros dropped (PEP 440: 1.0 == 1.0.0)."""
    parts = digits.split(".")
    while parts and parts[-1] == "0":
        parts.pop()
    return "".join([_number(part) for part in parts])


def _suffix(stage: str, number: str | None, post: str | None, dev: str | None) -> str:
    """Return the key part below the release: stage, post, dev."""
    if stage:
        head = _STAGES[stage] + _number(number or "0")
    elif post is None and dev is not None:
        head = "#"  # PEP 440: a lone .devN sorts before any pre-release of its release
    else:
        head = "%"
    return head + ("!" if post is None else "$" + _number(post)) + ("%" if dev is None else "#" + _number(dev))


class _Numbers(dict[str, str]):
    """A cache of the keys of release numbers: all projects use the same few hundred. KeyError if it is not a number."""

    def __missing__(self, part: str) -> str:
        if not part.isdecimal() or not part.isascii() or (part[0] == "0" and part != "0"):
            raise KeyError(part)
        key = self[part] = _number(part)
        return key


_numbers = _Numbers()


def final_key(text: str) -> str | None:
    """Return the sort key of a final release in normal form ("1.2.3"), or None for any other text.

    Most versions have this form. This takes 0.6 µs, and ``version_key`` takes 3 µs.
    """
    if len(text) > VERSION_CHARACTERS:
        return None
    release = text
    while release.endswith(".0"):
        release = release[:-2]
    if release == "0":
        return None  # rare: its key has no release number, which ``version_key`` handles
    try:
        return _EPOCH_ZERO + "".join([_numbers[part] for part in release.split(".")]) + "%!%"
    except (KeyError, IndexError):
        return None


@lru_cache(maxsize=65536)
def version_key(text: str) -> str | None:
    """Return the sort key of a version as written, or None if it is not a version (PEP 440, appendix B).

    A text longer than ``VERSION_CHARACTERS`` is not a version.
    """
    if len(text) > VERSION_CHARACTERS:
        return None
    plain = _PLAIN.fullmatch(text)
    if plain is not None:
        release, stage, number, post, dev = plain.groups()
        return _EPOCH_ZERO + _release(release) + _suffix(stage, number, post, dev)
    from packaging.version import InvalidVersion, Version  # 15 ms, and only unusual spellings need it

    try:
        return key_of(Version(text))
    except InvalidVersion:
        return None


def normalised_version(text: str) -> str:
    """Return a valid version in PEP 440's normal form, with its trailing zeros."""
    if _PLAIN.fullmatch(text) is not None:
        return text
    from packaging.version import Version  # 15 ms, and only unusual spellings need it

    return str(Version(text))


def key_of(version: Version) -> str:
    """Return the sort key of a parsed version."""
    stage, number = version.pre or ("", 0)
    base = (
        _number(str(version.epoch))
        + _release(".".join(map(str, version.release)))
        + _suffix(
            stage,
            str(number),
            None if version.post is None else str(version.post),
            None if version.dev is None else str(version.dev),
        )
    )
    return base if version.local is None else base + _local(version.local)


def _local(local: str) -> str:
    """Return the key of a local version: numbers sort above words, shorter before longer (PEP 440)."""
    return "+" + "".join(
        ["1" + _number(str(int(part))) + "!" if part.isdigit() else "0" + part + "!" for part in local.split(".")]
    )


def is_prerelease_key(key: str) -> bool:
    """Return whether a key is of a pre-release or development release (PEP 440)."""
    if key.endswith("%!%"):
        return False  # a final release: most keys
    public = key.partition("+")[0]
    return "#" in public or "$0" in public or "$1" in public or "$2" in public


@lru_cache(maxsize=65536)
def compile_specifier(text: str) -> CompiledSpecifier:
    """Return the intervals that a specifier set admits; pre-releases are not treated specially.

    Raises:
        packaging.specifiers.InvalidSpecifier: A ValueError; the text is invalid, or exceeds ``limits``.
    """
    if not text:
        return CompiledSpecifier("", ((LOWEST, HIGHEST),))
    clauses = text.split(",")
    if len(clauses) > SPECIFIER_CLAUSES or any(len(clause) > VERSION_CHARACTERS for clause in clauses):
        _refuse_size(text)
    parts: list[list[Interval]] = []
    for clause in clauses:
        simple = _SIMPLE_CLAUSE.fullmatch(clause)
        if simple is None:
            return _compile_with_packaging(text)
        operator, digits, wildcard = simple.groups()
        bounds = _simple_bounds(operator, digits, wildcard is not None)
        if bounds is None:
            return _compile_with_packaging(text)
        parts.append(bounds)
    pins = len(clauses) == 1 and clauses[0].lstrip().startswith("==") and "*" not in text
    return CompiledSpecifier(text, tuple(_intersect_all(parts)), pins=pins)


def _refuse_size(text: str) -> None:
    from packaging.specifiers import InvalidSpecifier  # 40 ms, and only a hostile specifier needs it

    raise InvalidSpecifier(
        f"more than {SPECIFIER_CLAUSES} clauses, or one of more than {VERSION_CHARACTERS} characters: {text[:80]}…"
    )


def _simple_bounds(operator: str, digits: str, wildcard: bool) -> list[Interval] | None:  # noqa: FBT001, PLR0911 - one an operator
    """Return the intervals of one clause with a plain release number, or None if packaging must parse it."""
    if wildcard:
        return _prefix_bounds(operator, digits) if operator in ("==", "!=") else None
    base = _EPOCH_ZERO + _release(digits)
    key = base + "%!%"
    if operator == ">=":
        return [(key, HIGHEST)]
    if operator == "<":
        return [(LOWEST, base + "#!#a0")]  # PEP 440: <V takes no pre-release of V
    if operator == "<=":
        return [(LOWEST, key + ",")]
    if operator == ">":
        return [(base + "%%", HIGHEST)]  # PEP 440: >V takes no post-release and no local version of V
    if operator == "==":
        return [(key, key + ",")]
    if operator == "!=":
        return [(LOWEST, key), (key + ",", HIGHEST)]
    if "." not in digits:
        return None  # ~=1 is invalid: packaging raises the error
    return _intersect([(key, HIGHEST)], _prefix_bounds("==", digits.rpartition(".")[0]))


def _prefix_bounds(operator: str, digits: str, epoch: str = _EPOCH_ZERO) -> list[Interval]:
    """Return the intervals of ==N.* or !=N.*."""
    head, _, last = digits.rpartition(".")
    following = f"{head}.{int(last) + 1}" if head else str(int(last) + 1)
    low, high = epoch + _release(digits) + "#", epoch + _release(following) + "#"
    return [(low, high)] if operator == "==" else [(LOWEST, low), (high, HIGHEST)]


def _compile_with_packaging(text: str) -> CompiledSpecifier:
    """Return the intervals of any specifier set, parsed by packaging."""
    from packaging.specifiers import SpecifierSet  # 40 ms, and only unusual specifiers need it
    from packaging.version import InvalidVersion, Version

    parsed = SpecifierSet(text)
    parts: list[list[Interval]] = []
    literal = None
    prereleases = pins = False
    for clause in parsed:
        if clause.operator == "===":
            literal = clause.version
            pins = True
            continue
        wildcard = clause.version.endswith(".*")
        version = Version(clause.version[:-2] if wildcard else clause.version)
        if clause.operator != "!=":
            prereleases = prereleases or version.is_prerelease
        pins = pins or (clause.operator == "==" and not wildcard)
        parts.append(_bounds(clause.operator, version, wildcard))
    if literal is not None:
        try:
            prereleases = prereleases or Version(literal).is_prerelease
        except InvalidVersion:
            prereleases = False
    return CompiledSpecifier(text, tuple(_intersect_all(parts)), prereleases, pins, literal)


def _bounds(operator: str, version: Version, wildcard: bool) -> list[Interval]:  # noqa: FBT001, PLR0911 - one an operator
    """Return the intervals of one parsed clause (PEP 440, version specifiers; > and < as in packaging 26)."""
    digits = ".".join(map(str, version.release))
    if wildcard:
        return _prefix_bounds(operator, digits, _number(str(version.epoch)))
    key = key_of(version)
    public = key.partition("+")[0]
    if operator == ">=":
        return [(key, HIGHEST)]
    if operator == "<=":
        return [(LOWEST, public + ",")]
    if operator == "<":
        first = public.removesuffix("%") + "#a0" if version.post is not None else public.removesuffix("%!%") + "#!#a0"
        return [(LOWEST, key if version.is_prerelease else first)]
    if operator == ">":
        return [(_above(version, public), HIGHEST)]
    if operator == "~=":
        prefix = _prefix_bounds("==", digits.rpartition(".")[0], _number(str(version.epoch)))
        return _intersect([(key, HIGHEST)], prefix)
    low, high = key, (key + " " if version.local is not None else key + ",")
    return [(low, high)] if operator == "==" else [(LOWEST, low), (high, HIGHEST)]


def _above(version: Version, public: str) -> str:
    """Return the least key that >V admits: above V, its local versions and its post-releases."""
    if version.dev is not None:
        return public.rpartition("#")[0] + "#" + _number(str(version.dev + 1))
    if version.post is not None:
        return public.rpartition("$")[0] + "$" + _number(str(version.post + 1))
    return public.removesuffix("!%") + "%"


def _intersect_all(parts: list[list[Interval]]) -> list[Interval]:
    """Return the intersection of all lists, by halves, so that n lists take n log n steps."""
    if len(parts) < 2:
        return parts[0] if parts else [(LOWEST, HIGHEST)]
    half = len(parts) // 2
    return _intersect(_intersect_all(parts[:half]), _intersect_all(parts[half:]))


def _intersect(left: list[Interval], right: list[Interval]) -> list[Interval]:
    """Return the intersection of two ascending lists of disjoint half-open intervals, in one pass."""
    common: list[Interval] = []
    left_index = right_index = 0
    while left_index < len(left) and right_index < len(right):
        low, high = max(left[left_index][0], right[right_index][0]), min(left[left_index][1], right[right_index][1])
        if low < high:
            common.append((low, high))
        if left[left_index][1] < right[right_index][1]:
            left_index += 1
        else:
            right_index += 1
    return common
