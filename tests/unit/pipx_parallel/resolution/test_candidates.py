"""The facts of a project for the solver: packaging rules as masks, over a mirror of an index in memory."""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from contextlib import contextmanager
from typing import Any

import pytest

from mirror.records.model import FetchFailure
from mirror.records.release_view import HEAD
from mirror.records.version_keys import compile_specifier
from pipx_parallel.config.settings import SelectionSettings
from pipx_parallel.model import Origin, RootRequirement
from pipx_parallel.resolution.candidate import Candidate
from pipx_parallel.resolution.candidates import ON, Candidates, SearchMode
from pipx_parallel.resolution.hash_rules import HashRules
from pipx_parallel.resolution.policy import Policy
from pipx_parallel.resolution.roots import with_hashes
from pipx_parallel.resolution.target_facts import TargetFacts
from pipx_parallel.resolver.ports import Edge, Unavailable
from pipx_parallel.targets.rules import TargetRules
from pipx_parallel.targets.targets import make_target
from tests.support.memory_index import Projects, hash_of
from tests.support.scenarios import memory_mirror

RULES = TargetRules(make_target("3.11", ("x86_64-manylinux_2_28",), "cp"))
LATER = ">=3.99"


@contextmanager
def candidates_of(
    packages: Projects,
    settings: SelectionSettings | None = None,
    pinned: Mapping[str, Sequence[str]] | None = None,
    roots: Sequence[RootRequirement] = (),
    **policy: Any,  # the Policy's own
) -> Iterator[Candidates]:
    """Give the candidates of an index in memory."""
    pins = {name: [compile_specifier(text) for text in texts] for name, texts in (pinned or {}).items()}
    with memory_mirror(packages) as mirror:
        made = Policy(settings or SelectionSettings(), **policy)
        yield Candidates(TargetFacts(mirror, RULES, made, pins, HashRules(roots)))


def versions_in(candidates: Candidates, name: str, mask: int) -> list[str]:
    """Return the versions in a mask."""
    candidate = candidates.candidate(name)
    assert isinstance(candidate, Candidate)
    return [version for release, version in enumerate(candidate.project.view.versions) if mask >> release + 1 & 1]


def domain(candidates: Candidates, name: str) -> list[str]:
    """Return the versions that may be chosen."""
    mask = candidates.domain(name)
    assert isinstance(mask, int), mask
    return versions_in(candidates, name, mask)


def root(name: str, *hashes: str, specifier: str = "") -> RootRequirement:
    """Return a line with hashes."""
    return RootRequirement(name, (), specifier, None, None, hashes, Origin("r.txt", 1), name)


def test_the_domain_is_what_the_target_can_install() -> None:
    """Tags and Requires-Python; what is unknown is said."""
    rows: Mapping[str, Any] = {
        "1": [], "2": {"python": LATER}, "3": {"files": ["cp311-cp311-win_amd64"]},
        "4": {"files": ["cp311-abi3-manylinux_2_17_x86_64"]},
    }  # fmt: skip
    with candidates_of({"pkg": rows, "alien": {"1": {"files": ["cp27-none-any"]}}}) as candidates:
        assert domain(candidates, "pkg") == ["1", "4"]
        assert candidates.domain("pkg[extra]") == ON
        assert candidates.switch_of("pkg[extra]") == "pkg"
        assert isinstance(candidates.domain("alien"), Unavailable)
        assert isinstance(candidates.domain("ghost"), Unavailable)


def test_old_releases_count_as_usable_until_they_are_read() -> None:
    """The line is drawn at the same place in every run."""
    rows = {str(number): {"python": LATER if number < 20 else None} for number in range(30)}
    with candidates_of({"pkg": rows}) as candidates:
        assert len(domain(candidates, "pkg")) == 30
        candidate = candidates.candidate("pkg")
        assert isinstance(candidate, Candidate)
        assert [candidate.file_kind_of(release) is None for release in (3, 19, 20, 30 - HEAD)] == [
            True,
            True,
            False,
            False,
        ]
        assert candidates.dependencies("pkg", 4) == Unavailable(f"requires Python {LATER}")


def test_the_best_file_stands_for_a_release() -> None:
    """Its needs are those of the file that the target would install; a yanked one only where all are."""
    rows = {"1": {"files": [
        {"tags": "py3-none-any", "requires": ["any"]},
        {"tags": "cp311-cp311-manylinux_2_17_x86_64", "requires": ["best"]},
        {"tags": "cp311-cp311-manylinux_2_28_x86_64", "requires": ["yanked"], "yanked": True},
    ]}}  # fmt: skip
    with candidates_of({"pkg": rows, "best": {"1": []}, "any": {"1": []}, "yanked": {"1": []}}) as candidates:
        assert candidates.dependencies("pkg", 1) == [Edge("best", 2, ("best", ""))]


def test_yanked_releases_are_admitted_only_where_they_are_pinned() -> None:
    """By the dependency itself, or by a line of the user (PEP 592)."""
    rows: Mapping[str, Any] = {"1": [], "2": {"yanked": True}}
    with candidates_of({"pkg": rows}) as candidates:
        assert versions_in(candidates, "pkg", candidates.admitted("pkg", compile_specifier(">=1"))) == ["1"]
        assert versions_in(candidates, "pkg", candidates.admitted("pkg", compile_specifier("==2"))) == ["2"]
    with candidates_of({"pkg": rows}, pinned={"pkg": ["==2"]}) as candidates:
        assert versions_in(candidates, "pkg", candidates.admitted("pkg", compile_specifier(">=1"))) == ["1", "2"]


def test_the_newest_final_release_is_tried_first() -> None:
    """Before pre-releases, which come before yanked ones; the pin of an older lock before all."""
    rows: Mapping[str, Any] = {"1": [], "2": [], "3rc1": [], "4": {"yanked": True}}
    with candidates_of({"pkg": rows}) as candidates:
        candidates.candidate("pkg")
        first = [candidates.choose("pkg", mask) for mask in (0b11110, 0b11010, 0b11000, 0b10000)]
        assert first == [2, 1, 3, 4]
    with candidates_of({"pkg": rows}, prereleases=frozenset(["pkg"])) as candidates:
        candidates.candidate("pkg")
        assert candidates.choose("pkg", 0b11110) == 3
    with candidates_of({"pkg": rows}, SelectionSettings(preferred={"pkg": "1.0"})) as candidates:
        candidates.candidate("pkg")
        assert (candidates.choose("pkg", 0b11110), candidates.choose("pkg", 0b11100)) == (1, 2)
        assert candidates.best("pkg", 0b11110) == 2


def test_edges_of_markers_and_extras() -> None:
    """Markers that do not hold are left out; an extra is a switch of its own."""
    lines = ["lib>=2", "old; python_version < '3'", "lib[x,y]", "more; extra == 'e'", "pkg[f]; extra == 'e'"]
    with candidates_of({"pkg": {"1": lines}, "lib": {"1": [], "2": []}, "more": {"1": []}}) as candidates:
        assert candidates.dependencies("pkg", 1) == [
            Edge("lib", 0b100, ("lib", ">=2")), Edge("lib", 0b110, ("lib", "")),
            Edge("lib[x]", ON, ("lib[x]", "")), Edge("lib[y]", ON, ("lib[y]", "")),
        ]  # fmt: skip
        assert candidates.dependencies("pkg", 1, "pkg[e]") == [
            Edge("more", 0b10, ("more", "")), Edge("pkg[f]", ON, ("pkg[f]", "")),
        ]  # fmt: skip


def test_a_line_that_cannot_be_read_or_honoured_makes_its_release_unusable() -> None:
    """Not the project."""
    with candidates_of({"pkg": {"1": ["a >>> 1"], "2": ["a @ http://files.example/a.zip"], "3": []}}) as candidates:
        assert domain(candidates, "pkg") == ["1", "2", "3"]
        assert isinstance(candidates.dependencies("pkg", 1), Unavailable)
        assert isinstance(candidates.dependencies("pkg", 2), Unavailable)
        assert candidates.dependencies("pkg", 3) == []


def test_requires_python_of_the_metadata_counts() -> None:
    """Where the listing is silent."""
    with candidates_of({"pkg": {"1": {"metadata-python": LATER}}}) as candidates:
        assert candidates.dependencies("pkg", 1) == Unavailable(f"requires Python {LATER}")


def test_a_project_that_does_not_exist_is_a_reason_until_failures_are_collected() -> None:
    """Then it is a hole, noted with who needs it."""
    with candidates_of({"pkg": {"1": ["ghost"]}}) as candidates:
        assert candidates.dependencies("pkg", 1) == [Edge("ghost", 0, ("ghost", ""))]
        assert candidates.holes == {}

        assert candidates.met_failures()

        collecting = candidates.in_mode(SearchMode(collects_failures=True))

        assert collecting.dependencies("pkg", 1) == []
        assert isinstance(collecting.holes["ghost", None], FetchFailure)
        assert collecting.lacking == {"ghost": [("pkg", 1, "")]}
        assert not collecting.met_failures()


def answers_of(candidates: Candidates) -> list[object]:
    """Return what a solver may ask of the index of the test below."""
    return [
        *[candidates.domain(name) for name in ("app", "lib", "ghost")],
        *[candidates.dependencies("app", bit) for bit in range(1, 20)],
        *[candidates.has_extra("app", bit, "app[x]") for bit in range(1, 20)],
        candidates.admitted("lib", compile_specifier(">=1")),
    ]


MODES = [
    SearchMode(takes_all_archives=True),
    SearchMode(collects_failures=True),
    SearchMode(refused={}),
    SearchMode(takes_all_archives=True, collects_failures=True, refused={"lib": 0b10}),
]


@pytest.mark.parametrize("mode", MODES)
def test_the_answers_of_an_instance_never_change_while_it_lives(mode: SearchMode) -> None:
    """Each mode answers something else, by an instance of its own; the solver's facts stay as they are."""
    wheels: dict[str, Any] = {f"2.{minor}": ["ghost"] for minor in range(17)}
    index = {
        "app": {"0.1": {"requires": ["lib"], "files": ["sdist"]}, "1": ["lib"], **wheels},
        "lib": {"1": [], "2rc1": [], "3": {"yanked": True}},
    }
    with candidates_of(index) as candidates:
        for bit in range(19, 0, -1):
            candidates.dependencies("app", bit)
        before = answers_of(candidates)

        other = candidates.in_mode(mode)

        assert answers_of(other) != before
        assert answers_of(candidates) == before
        assert other.after_builds({"app": 19}) is None
        with pytest.raises(AttributeError):
            candidates.mode.refused = {}  # type: ignore[misc]


def test_hashes_leave_what_they_name() -> None:
    """Of releases, and of the files of a release: what is left of it is what it needs."""
    rows = {
        str(release): {"files": ["py3-none-any", {"tags": "py2.py3-none-any", "requires": ["lib"]}]}
        for release in (1, 2, 3)
    }
    named = f"sha256:{hash_of('pkg-2-py2.py3-none-any.whl')}"
    with candidates_of({"pkg": rows, "lib": {"1": []}}, roots=[root("pkg", named)]) as candidates:
        everything = candidates.admitted("pkg", compile_specifier(""))
        assert versions_in(candidates, "pkg", with_hashes(candidates, "pkg", everything)) == ["2"]
        assert candidates.dependencies("pkg", 2) == [Edge("lib", 0b10, ("lib", ""))]
        assert with_hashes(candidates, "lib", 0b10) == 0b10


@pytest.mark.parametrize(("lines", "left"), [([["a", "b"], ["b", "c"]], {"b"}), ([["a"], ["b"]], set()), ([[]], None)])
def test_of_two_lines_only_the_hashes_that_both_name_count(lines: list[list[str]], left: set[str] | None) -> None:
    """As in pip; a line without hashes says nothing."""
    from mirror.records.model import DistFile

    rules = HashRules([root("pkg", *[f"sha256:{digest}" for digest in line]) for line in lines])
    files = {name: DistFile(f"{name}.whl", "http://x", (("sha256", name),)) for name in "abc"}

    assert {name for name, file in files.items() if rules.allows("pkg", file)} == (set("abc") if left is None else left)
    assert ("pkg" in rules) == (left is not None)


def test_no_archive_is_read_behind_many_releases_with_wheels() -> None:
    """It may take a build of minutes, for a release of years ago; where nothing else is left it is read after all."""
    wheels: dict[str, Any] = {f"2.{minor}": ["b"] for minor in range(17)}
    with candidates_of(
        {"a": {"1.0": {"requires": ["c"], "files": ["sdist"]}, **wheels}, "b": {}, "c": {"1": []}}
    ) as candidates:
        for bit in range(18, 2, -1):
            candidates.dependencies("a", bit)
        assert not isinstance(candidates.dependencies("a", 1), Unavailable)

    with candidates_of(
        {"a": {"1.0": {"requires": ["c"], "files": ["sdist"]}, **wheels}, "b": {}, "c": {"1": []}}
    ) as candidates:
        for bit in range(18, 1, -1):
            candidates.dependencies("a", bit)
        assert isinstance(candidates.dependencies("a", 1), Unavailable)
        assert not candidates.is_complete()
        thorough = candidates.in_mode(SearchMode(takes_all_archives=True))
        assert [edge.package for edge in _edges(thorough.dependencies("a", 1))] == ["c"]


def _edges(answer: Sequence[Edge] | Unavailable) -> Sequence[Edge]:
    assert not isinstance(answer, Unavailable), answer.reason
    return answer
