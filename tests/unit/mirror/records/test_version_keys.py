"""Sort keys and intervals agree with packaging on every version and specifier."""

from __future__ import annotations

from itertools import product

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from packaging.specifiers import InvalidSpecifier, Specifier, SpecifierSet
from packaging.version import Version

from mirror.records.version_keys import compile_specifier, final_key, is_prerelease_key, normalised_version, version_key

RELEASES = ("0", "1", "1.0", "1.0.1", "1.2", "1.10", "2", "2.0.0.1", "10.0", "2024.1.15", "20240101123456")
SUFFIXES = (
    "",
    "a1",
    "b2",
    "rc1",
    "rc10",
    ".post0",
    ".post1",
    ".post12",
    ".dev0",
    ".dev3",
    "a1.dev2",
    "rc1.post1",
    ".post1.dev0",
    ".post1.dev4",
    "+local.1",
    "+local.a",
    "+1",
    "+2.x",
    ".post1+abc",
    "rc1+z.9",
)
VERSIONS = [e + r + s for e, r, s in product(("", "1!"), RELEASES, SUFFIXES)]


def key_of(text: str) -> str:
    """Return the sort key of a text that is a version."""
    key = version_key(text)
    assert key is not None
    return key


def test_keys_sort_as_packaging_does() -> None:
    """Sorting by key and sorting by Version give one order, equal keys being equal versions."""
    keyed = [(key_of(text), Version(text)) for text in VERSIONS]

    for (key_a, a), (key_b, b) in product(keyed, keyed):
        assert (key_a < key_b, key_a == key_b) == (a < b, a == b), (a, b)


def test_a_pre_release_is_recognised_by_its_key() -> None:
    """The key alone is enough."""
    assert [is_prerelease_key(key_of(t)) for t in VERSIONS] == [Version(t).is_prerelease for t in VERSIONS]


def test_normal_form_is_packagings() -> None:
    """The spelling that is kept is packaging's own."""
    odd = ["1.0-1", "v1.2", "1.0ALPHA1", "01.2", "1.0.0-rc.1", "1.0+Ubuntu_1"]
    assert [normalised_version(t) for t in VERSIONS + odd] == [str(Version(t)) for t in VERSIONS + odd]


def test_the_fast_path_for_final_releases_agrees() -> None:
    """It gives the same key as the slow path, or None."""
    odd = ["1.", ".1", "01.2", "1..2", "", "1.0-1", "v1", "\u0661", "1.0.0.0", "0", "0.0", "00"]
    read = [(text, final_key(text)) for text in VERSIONS + odd]

    assert [(text, key) for text, key in read if key is not None and key != version_key(text)] == []
    assert sum(key is not None for _, key in read) > len(RELEASES) - 2


def test_what_is_no_version_has_no_key() -> None:
    """Text that PEP 440 does not know gives None."""
    assert [version_key(text) for text in ("", "latest", "1.0-beta-x", "1..2")] == [None] * 4


def clauses() -> list[str]:
    """Return every clause that packaging accepts, over the pool of versions."""
    valid = []
    for operator, text in product(("==", "!=", ">=", "<=", ">", "<", "~=", "==*", "!=*"), VERSIONS):
        clause = operator.rstrip("*") + text + (".*" if operator.endswith("*") else "")
        try:
            Specifier(clause)
        except InvalidSpecifier:
            continue
        valid.append(clause)
    return valid


def admits(text: str, key: str) -> bool:
    """Return whether the compiled specifier admits a key."""
    return any(low <= key < high for low, high in compile_specifier(text).intervals)


@pytest.mark.parametrize("chunk", range(8))
def test_every_single_clause_admits_what_packaging_admits(chunk: int) -> None:
    """Each operator with each version agrees on every version of the pool."""
    parsed = [(key_of(text), Version(text)) for text in VERSIONS]
    for clause in clauses()[chunk::8][::7]:
        specifier = SpecifierSet(clause)
        for key, version in parsed:
            assert admits(clause, key) == specifier.contains(version, prereleases=True), (clause, version)


@settings(max_examples=150, deadline=None)
@given(st.lists(st.sampled_from(clauses()), min_size=2, max_size=4), st.sampled_from(VERSIONS))
def test_sets_of_clauses_agree(parts: list[str], text: str) -> None:
    """A set admits what all its clauses admit."""
    joined = ",".join(parts)

    assert admits(joined, key_of(text)) == SpecifierSet(joined).contains(Version(text), prereleases=True)


def test_explicit_pre_releases_and_pins_are_noted() -> None:
    """PEP 440 and PEP 592 depend on them."""
    seen = {
        t: compile_specifier(t)[2:4] for t in ("==1.0", ">=1.0rc1", "<2", "==1.*", "!=1.0a1", "===1.0", "==1.0rc1,>0")
    }

    assert seen == {
        "==1.0": (False, True),
        ">=1.0rc1": (True, False),
        "<2": (False, False),
        "==1.*": (False, False),
        "!=1.0a1": (False, False),
        "===1.0": (False, True),
        "==1.0rc1,>0": (True, True),
    }
