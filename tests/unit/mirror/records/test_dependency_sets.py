"""Dependency sets: lines are grouped by extra, and a line has the same meaning as in packaging."""

from __future__ import annotations

import json

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from packaging.requirements import InvalidRequirement, Requirement
from packaging.utils import canonicalize_name

from mirror.errors import Malformed
from mirror.records.dependency_sets import DependencySet, compile_requirement
from mirror.records.version_keys import compile_specifier

LINES = [
    "requests",
    "Requests.Toolbelt>=1,<2",
    "a_b-C [Extra_one, two] >=1.0 ; python_version < '3.9'",
    "a (>=1.0)",
    "a (==1.*)",
    "a ()",
    "a[]>=1",
    "a ~= 1.4.2",
    "a!=1.0,!=2.*",
    "a===1.0-weird",
    "a@ https://files.example/a.zip",
    "a[x]@file:///a.zip ; os_name == 'nt'",
    "a>=1;extra=='x'",
    'a; python_version>"3" and extra == "x"',
    'a ; extra == "x" or extra == "y"',
    'a ; "x" == extra',
    "a>=1.0rc1",
    "a<2;(python_version >= '3.8')",
]


@pytest.mark.parametrize("line", LINES)
def test_a_line_means_what_packaging_says(line: str) -> None:
    """Name, extras, specifier, marker and URL."""
    ours, theirs = compile_requirement(line), Requirement(line)

    assert ours.name == canonicalize_name(theirs.name)
    assert ours.extras == tuple(sorted(canonicalize_name(extra) for extra in theirs.extras))
    assert ours.specifier.intervals == compile_specifier(str(theirs.specifier)).intervals
    assert ours.url == theirs.url
    assert (ours.marker is None) == (theirs.marker is None)


@pytest.mark.parametrize("line", ["", "a b", "a>=>=1", "-a", "a-", "a[", "a[x", "a (>=1", "a; nonsense = 1", "a>=x"])
def test_a_line_that_is_not_valid_is_malformed(line: str) -> None:
    """Named in the error; a marker is evaluated later, so a bad one may pass here."""
    with pytest.raises(InvalidRequirement):
        Requirement(line)
    if ";" in line:
        return
    with pytest.raises(Malformed, match="invalid requirement"):
        compile_requirement(line)


words = st.text(st.sampled_from("ab1.-_ ,<>=!~()[];'\"@x"), max_size=14)


@settings(max_examples=300, deadline=None)
@given(words)
def test_nothing_is_read_that_packaging_refuses(line: str) -> None:
    """Any text: a line that is accepted is valid for packaging, with the same meaning."""
    try:
        ours = compile_requirement(line)
    except Malformed:
        return
    if ours.marker is not None:
        return  # packaging refuses it when it is evaluated

    theirs = Requirement(line)

    assert ours.name == canonicalize_name(theirs.name)
    assert ours.specifier.intervals == compile_specifier(str(theirs.specifier)).intervals


def names(dependency_set: DependencySet, extra: str = "") -> list[str]:
    """Return the names a bucket holds."""
    return [dependency.name for dependency in dependency_set.dependencies(extra)]


def test_lines_are_sorted_into_extras() -> None:
    """By the extra that their marker names, in either order, normalised."""
    dependency_set = DependencySet(
        ["base", 'fast; extra == "Speed.Up"', 'both; "speed_up" == extra and os_name == "nt"', 'docs; extra == "docs"']
    )

    assert names(dependency_set) == ["base"]
    assert names(dependency_set, "speed-up") == ["fast", "both"]
    assert dependency_set.extras() == ["docs", "speed-up"]
    assert names(dependency_set, "nothing") == []


def test_a_marker_that_may_hold_without_the_extra_is_in_the_base_too() -> None:
    """`or`, and comparisons other than ==: the marker decides, so the line must be seen."""
    dependency_set = DependencySet(['a; extra == "x" or os_name == "posix"', 'b; extra != "x"', 'c; extra == "x"'])

    assert names(dependency_set) == ["a", "b"]
    assert "c" in names(dependency_set, "x")
    assert "a" in names(dependency_set, "x")


def test_a_set_is_read_back_from_the_store() -> None:
    """Compiled lines and others; also after a second round."""
    dependency_set = DependencySet([*LINES[:8], 'z>=1; extra == "x"'], ">=3.8")
    wanted = dependency_set.dependencies()
    stored = json.dumps(dependency_set.to_json())

    again = DependencySet.from_json(json.loads(stored))

    assert (again.lines, again.requires_python) == (dependency_set.lines, ">=3.8")
    assert again.dependencies() == wanted
    assert names(again, "x") == ["z"]
    assert DependencySet.from_json(json.loads(json.dumps(again.to_json()))).dependencies(
        "x"
    ) == dependency_set.dependencies("x")


def test_a_malformed_line_is_an_error_only_when_it_is_used() -> None:
    """An extra that is not requested may be invalid."""
    dependency_set = DependencySet(["base", 'x >>> 1; extra == "broken"'])

    assert names(dependency_set) == ["base"]
    with pytest.raises(Malformed):
        dependency_set.dependencies("broken")
