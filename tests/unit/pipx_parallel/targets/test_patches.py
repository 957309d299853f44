"""Where the patch releases of one Python series stop being alike."""

from __future__ import annotations

import pytest

from pipx_parallel.targets.patches import parts_of, patches_named, with_range
from pipx_parallel.targets.rules import TargetRules
from pipx_parallel.targets.targets import make_target

LINUX = make_target("3.11", ("linux",))


@pytest.mark.parametrize(
    ("text", "expected"),
    [
        ('python_full_version < "3.11.3"', {3, 4}),
        ('python_full_version >= "3.12.1"', set()),
        (">=3.11.0", {1}),
        ("!=3.11.1,!=3.11.4", {1, 2, 4, 5}),
    ],
)
def test_a_value_can_change_only_where_a_text_names_a_release(text: str, expected: set[int]) -> None:
    """Or at the next one, for bounds that include it."""
    assert patches_named("3.11", text) == expected


def ranges(*markers: str, specifiers: tuple[str, ...] = (), around: bool = False) -> list[tuple[str, str, str]]:
    """Return label, start and end of each part of CPython 3.11 on Linux."""
    parts = parts_of(TargetRules(LINUX), [(marker, "") for marker in markers], specifiers, around=around)
    return [(part.label, part.python_from, part.python_until) for part in parts]


def test_markers_that_do_not_change_leave_one_part() -> None:
    """The target itself, with its own label."""
    assert parts_of(
        TargetRules(LINUX), [('python_version < "3.12"', ""), ('python_full_version < "3.10.2"', "")], [], around=False
    ) == [LINUX]
    assert parts_of(TargetRules(LINUX), [('python_version < "3.11.3"', "")], [">=3.9", ">=3.11.0"], around=False) == [
        LINUX
    ]


def test_a_marker_on_the_full_version_cuts() -> None:
    """Each part has the markers of its first release."""
    parts = parts_of(TargetRules(LINUX), [('python_full_version < "3.11.3"', "")], [], around=False)

    assert [part.label for part in parts] == ["cpython 3.11.0-3.11.2 linux x86_64", "cpython 3.11.3+ linux x86_64"]
    assert [part.markers["python_full_version"] for part in parts] == ["3.11.0", "3.11.3"]
    assert [part.markers["implementation_version"] for part in parts] == ["3.11.0", "3.11.3"]
    assert [part.markers["python_version"] for part in parts] == ["3.11", "3.11"]


def test_requires_python_cuts_too() -> None:
    """A single release can be a part of its own."""
    assert ranges(specifiers=("!=3.11.4",)) == [
        ("cpython 3.11.0-3.11.3 linux x86_64", "", "3.11.4"),
        ("cpython 3.11.4 linux x86_64", "3.11.4", "3.11.5"),
        ("cpython 3.11.5+ linux x86_64", "3.11.5", ""),
    ]


def test_a_certain_release_keeps_the_part_around_it() -> None:
    """Its markers stay those of the release itself."""
    running = make_target("3.11.7", ("linux",))

    (part,) = parts_of(TargetRules(running), [('python_full_version < "3.11.3"', "")], [], around=True)

    assert (part.python_from, part.python_until, part.python_full_version) == ("3.11.3", "", "3.11.7")


def test_a_marker_counts_with_its_extra() -> None:
    """``extra`` is part of many markers."""
    marker = 'python_full_version < "3.11.2" and extra == "x"'

    assert len(parts_of(TargetRules(LINUX), [(marker, "x")], [], around=False)) == 2
    assert len(parts_of(TargetRules(LINUX), [(marker, "")], [], around=False)) == 1


def test_the_whole_series_is_the_target_itself() -> None:
    """No bound, no other label."""
    assert with_range(LINUX, "3.11.0", "") == LINUX


def test_what_was_evaluated_of_other_patch_releases_is_stored_with_the_rules() -> None:
    """The next run cuts the target without evaluating a marker: results of a damaged one are worked out again."""
    marker = 'python_full_version < "3.11.3"'
    rules = TargetRules(LINUX)
    parts = parts_of(rules, [(marker, "")], [], around=False)
    stored = rules.dump()
    assert stored is not None

    again = TargetRules(LINUX, stored)
    assert parts_of(again, [(marker, "")], [], around=False) == parts
    assert again.dump() is None

    wrong = TargetRules(LINUX, stored.replace(b"true", b"false"))
    assert parts_of(wrong, [(marker, "")], [], around=False) == [LINUX]  # the stored results are what is used
