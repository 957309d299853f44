"""The user's options as predicates over names, versions and masks."""

from __future__ import annotations

import random

import pytest

from mirror.policy.rules import Cutoff, Except, PolicyRules, Rule
from mirror.records.dependency_sets import compile_requirement
from mirror.records.freshness import FreshnessRecord
from mirror.records.model import FileKind
from mirror.records.project import Project
from mirror.records.release_view import ReleaseView
from mirror.records.version_keys import version_key
from pipx_parallel.config.settings import ResolveSettings, SelectionSettings
from pipx_parallel.resolution.policy import Policy
from pipx_parallel.resolution.policy_guard import PolicyGuard, rules_of
from pipx_parallel.targets.rules import TargetRules
from pipx_parallel.targets.targets import make_target

RULES = TargetRules(make_target("3.11", ("x86_64-manylinux_2_28",), "cp"))


def view_of(*kinds: FileKind, uploads: str = "") -> ReleaseView:
    """Return a view with one release for each kind of file."""
    versions = [f"{number}.0" for number in range(len(kinds))]
    return ReleaseView(
        name="pkg", freshness=FreshnessRecord(0.0), versions=versions, keys=[version_key(version) or "" for version in versions],
        prereleases=0, classified=0, file_kinds=list(kinds), kind_sets={(number,): 1 << number for number in range(len(kinds))},
        uploads_text=uploads.split() or ["0"] * len(kinds),
    )  # fmt: skip


@pytest.mark.parametrize(
    ("settings", "wheels", "sdists"),
    [
        (SelectionSettings(), True, True),
        (SelectionSettings(no_binary=("pkg",)), False, True),
        (SelectionSettings(no_binary=("other",)), True, True),
        (SelectionSettings(only_binary=(":all:",)), True, False),
        (SelectionSettings(only_binary=(":all:",), no_binary=("pkg",)), False, True),
        (SelectionSettings(no_binary=(":all:",), only_binary=("pkg",)), True, False),
    ],
)
def test_which_kinds_of_files_are_taken(settings: SelectionSettings, wheels: bool, sdists: bool) -> None:
    """--no-binary and --only-binary, by name or for all."""
    policy = Policy(settings)

    assert (policy.takes_wheels("pkg"), policy.sdist_rank("pkg") is not None) == (wheels, sdists)


@pytest.mark.parametrize(
    ("settings", "taken", "left"),
    [
        (SelectionSettings(pre=True, only_final=("pkg",)), False, 0b01),
        (SelectionSettings(only_final=(":all:",), all_releases=("pkg",)), True, 0b11),
        (SelectionSettings(only_final=(":all:",), all_releases=("other",)), False, 0b01),
    ],
)
def test_a_name_goes_before_all(settings: SelectionSettings, taken: bool, left: int) -> None:
    """Of --all-releases and --only-final, as in pip; here the second release is a pre-release."""
    policy = Policy(settings)

    assert (policy.takes_prereleases("pkg"), policy.allowed_releases("pkg", 0b11, 0b01)) == (taken, left)


def test_overrides_replace_and_excludes_remove() -> None:
    """The extras of whoever asks are kept."""
    asked = compile_requirement("lib[x]>=5")
    policy = Policy(SelectionSettings(), overrides={"lib": [compile_requirement("lib[y]==1")], "gone": []})

    assert policy.replaced(asked) == [compile_requirement("lib[x,y]==1")]
    assert policy.replaced(compile_requirement("gone")) == []
    assert policy.replaced(compile_requirement("other")) == (compile_requirement("other"),)


def test_only_final_leaves_no_pre_release() -> None:
    """By name."""
    policy = Policy(SelectionSettings(only_final=("pkg",)))

    assert policy.allowed_releases("pkg", 0b1110, 0b1010) == 0b1010
    assert policy.allowed_releases("other", 0b1110, 0b1010) == 0b1110


@pytest.mark.parametrize(
    ("resolution", "direct", "transitive"), [("highest", 3, 3), ("lowest", 1, 1), ("lowest-direct", 1, 3)]
)
def test_the_direction_of_choice(resolution: str, direct: int, transitive: int) -> None:
    """--resolution."""
    policy = Policy(SelectionSettings(resolution=resolution), directs=frozenset(["pkg"]))

    assert policy.best("pkg", 0b1110, 0b1110, 0) == direct
    assert policy.best("other", 0b1110, 0b1110, 0) == transitive


def test_the_cutoff_goes_by_the_files_of_a_release() -> None:
    """What has no time is left out, as in pip; a project may have a moment of its own."""
    wheel = FileKind("py3-none-any")
    view = view_of(wheel, wheel, wheel, uploads="100 0 2000000000+5")
    day = "2024-01-01T00:00:00Z"

    def admitted(selection: SelectionSettings) -> int:
        guard = PolicyGuard(rules_of(ResolveSettings(selection=selection)), 0.0)
        return Policy(selection, guard=guard).admitted(Project(view, "i", "", ""), 0b111)[0]

    assert Policy(SelectionSettings()).admitted(Project(view, "i", "", ""), 0b111)[0] == 0b111
    assert admitted(SelectionSettings(uploaded_prior_to=day)) == 0b001
    own = SelectionSettings(uploaded_prior_to=day, uploaded_prior_to_packages={"pkg": None})
    assert admitted(own) == 0b111


@pytest.mark.parametrize("seed", range(20))
def test_a_cutoff_alone_decides_as_one_among_other_rules(seed: int) -> None:
    """Where only the cutoff can refuse, times are compared; with an exception that concerns nothing, every rule is asked."""
    numbers = random.Random(seed)  # noqa: S311 - a test's universe
    kinds = (FileKind("py3-none-any"), FileKind("sdist"), FileKind("cp39-none-win32", None, yanked=True))
    count = numbers.randint(1, 12)
    uploads = " ".join(numbers.choice(["0", "50", "90+20", "100", "99", "120+4"]) for _ in range(count))
    view = view_of(*[numbers.choice(kinds) for _ in range(count)], uploads=uploads)
    rules = PolicyRules(cutoff=Cutoff(100))
    project, every = Project(view, "i", "", ""), (1 << count) - 1
    alone = PolicyGuard(rules, 0.0)
    among = PolicyGuard(rules._replace(exceptions=(Except("pkg", "99", frozenset((Rule.DENY,))),)), 0.0)

    assert alone.admitted(project, every) == among.admitted(project, every)
    assert alone.late("pkg") == among.late("pkg")
    assert [alone.refusal("pkg", it) for it in range(count)] == [among.refusal("pkg", it) for it in range(count)]


@pytest.mark.parametrize(
    ("kind", "settings", "reason"),
    [
        (FileKind("py3-none-any", ">=3.99"), SelectionSettings(), "requires Python >=3.99"),
        (FileKind("cp27-none-win32"), SelectionSettings(), "has no wheel for this target and no source archive"),
        (
            FileKind("sdist"),
            SelectionSettings(only_binary=(":all:",)),
            "has only a source archive, which --only-binary refuses",
        ),
        (
            FileKind("py3-none-any"),
            SelectionSettings(no_binary=("pkg",)),
            "has no source archive, and --no-binary refuses its wheels",
        ),
    ],
)
def test_why_a_release_cannot_be_used(kind: FileKind, settings: SelectionSettings, reason: str) -> None:
    """In words that lead on."""
    policy = Policy(settings)
    view = view_of(kind)

    assert policy.why_not_usable(view, 0, RULES) == reason
    assert reason in policy.why_nothing_is_usable(view, RULES)


def test_the_wheels_of_a_release_for_other_targets_are_named() -> None:
    """By Python and platform, without the versions of the system; nothing if another reason excludes the release."""
    kind = FileKind("cp35.cp310-cp35m-manylinux_2_17_x86_64.manylinux1_i686.macosx_10_9_universal2")
    words = " (wheels: cp35, cp310 on macosx universal2, manylinux i686, manylinux x86_64)"

    assert Policy(SelectionSettings()).wheels_elsewhere(view_of(kind), 0, RULES) == words
    assert words in Policy(SelectionSettings()).why_nothing_is_usable(view_of(kind), RULES)
    for other in (FileKind("sdist"), FileKind("py3-none-any"), FileKind("cp27-none-win32", ">=3.99")):
        assert not Policy(SelectionSettings()).wheels_elsewhere(view_of(other), 0, RULES)
