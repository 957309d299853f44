"""Lists of requirements over small indexes at random, and every answer that each has: worked out with ``packaging`` alone."""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from functools import cached_property
from random import Random
from typing import NamedTuple

from packaging.requirements import Requirement
from packaging.specifiers import SpecifierSet
from packaging.tags import parse_tag
from packaging.version import Version

from pipx_parallel.model import Target
from tests.support.memory_index import Projects

_NAMES = ("pa", "pb", "pc", "pd", "pe", "pf")
_EXTRAS = ("x", "y")
_PLAIN = ("0.9", "1.0", "1.5", "2.0", "2.1", "3.0")
_ODD = (*_PLAIN, "1.0.post1", "1.0a1", "1.1.dev2", "2.0b1", "2.0+cpu", "2.0+cu9", "3.0rc2", "1!0.5")
_SPECIFIERS = (
    "",
    "",
    "",
    "",
    ">={0}",
    "<{0}",
    "=={0}",
    "!={0}",
    ">{0}",
    "<={0}",
    ">={0},<{1}",
    "=={2}.*",
    "!={2}.*",
    "~={2}.0",
)
_MARKERS = (
    "",
    "",
    "",
    "",
    "python_version < '3.9'",
    "python_version >= '3.9'",
    "sys_platform == 'win32'",
    "sys_platform == 'linux'",
)
_PYTHONS = (None, None, None, ">=3.8", "<3", "<3.11", ">=3.12", "!=3.11.*")
_FILES = (
    None,
    None,
    None,
    None,
    ["sdist"],
    ["cp312-cp312-win_amd64"],
    ["cp311-cp311-manylinux_2_17_x86_64"],
    ["py3-none-any", "sdist"],
)

Answer = Mapping[str, str]


class Case(NamedTuple):
    """A list, what bounds it, and the index it is about."""

    roots: tuple[str, ...]
    constraints: tuple[str, ...]
    packages: Projects


def case_of(random: Random) -> Case:
    """Draw a case: up to six projects of up to six releases, with all that a release may have."""
    return _Maker(random).case()


class _Maker:
    """Draws one case; odd versions, yanks, kinds of files and Pythons each come up in a part of the cases only."""

    def __init__(self, random: Random) -> None:
        self.random = random
        self.names = _NAMES[: random.randint(3, len(_NAMES))]
        pool = random.choice((_PLAIN, _ODD))
        self.versions = {name: random.sample(pool, random.randint(1, 6)) for name in self.names}
        self.yanks, self.pythons, self.files, self.extras = (random.random() < part for part in (0.4, 0.5, 0.4, 0.7))

    def case(self) -> Case:
        packages = {name: {version: self.release() for version in self.versions[name]} for name in self.names}
        roots = tuple(self.requirement() for _ in range(self.random.randint(1, 3)))
        bounded = self.random.choice(self.names)
        constraints = (f"{bounded}{self.specifier(bounded) or '>=0'}",) if self.random.random() < 0.3 else ()
        return Case(roots, constraints, packages)

    def release(self) -> Mapping[str, object]:
        random = self.random
        row: dict[str, object] = {"requires": [self.need() for _ in range(random.choice((0, 0, 1, 1, 2, 3)))]}
        if self.pythons and (python := random.choice(_PYTHONS)):
            row["python"] = python
        if self.yanks and random.random() < 0.15:
            row["yanked"] = "bad"
        if self.files and (files := random.choice(_FILES)):
            row["files"] = files
        return row

    def need(self) -> str:
        marker = self.random.choice(_MARKERS)
        if self.extras and self.random.random() < 0.35:
            extra = f"extra == '{self.random.choice(_EXTRAS)}'"
            marker = f"{marker} and {extra}" if marker else extra
        return self.requirement() + (f"; {marker}" if marker else "")

    def requirement(self) -> str:
        name = "pmissing" if self.random.random() < 0.02 else self.random.choice(self.names)
        wanted = sorted(self.random.sample(_EXTRAS, self.random.randint(1, 2)))
        extras = f"[{','.join(wanted)}]" if self.extras and self.random.random() < 0.25 else ""
        return f"{name}{extras}{self.specifier(name)}"

    def specifier(self, name: str) -> str:
        pool = self.versions.get(name, _PLAIN)
        first, second = (self.random.choice(pool) for _ in range(2))
        text = self.random.choice(_SPECIFIERS)
        if text.startswith((">", "<")):  # these take no local version
            first, second = first.partition("+")[0], second.partition("+")[0]
        return text.format(first, second, self.random.choice("123"))


class Release(NamedTuple):
    """A release as ``packaging`` sees it for one target."""

    installable: bool
    yanked: bool
    requirements: tuple[Requirement, ...]


class Answers:
    """All answers of a case for a target."""

    def __init__(self, case: Case, target: Target) -> None:
        """Parse everything once."""
        self.roots = [Requirement(text) for text in case.roots]
        self.bounds = [Requirement(text) for text in case.constraints]
        self._python = target.python_full_version
        self._markers = dict(target.markers)
        self._tags = {tag for text in target.tags for tag in parse_tag(text)}
        self._releases = {
            name: {version: self._release(row) for version, row in rows.items()} for name, rows in case.packages.items()
        }

    @cached_property
    def every(self) -> list[Answer]:
        """Every set of releases that meets all that is asked within it, and holds nothing that nothing requires."""
        return [answer for answer in self._extended({}) if self._is_sound(answer)]

    def needs_no_last_resort(self, answer: Answer) -> bool:
        """Return whether it holds final releases alone that are not yanked."""
        return not any(
            Version(version).is_prerelease or self._releases[name][version].yanked for name, version in answer.items()
        )

    def _release(self, row: object) -> Release:
        assert isinstance(row, Mapping)
        python, files = row.get("python"), row.get("files", ["py3-none-any"])
        fits = python is None or SpecifierSet(python).contains(self._python, prereleases=True)
        has = any(file == "sdist" or not self._tags.isdisjoint(parse_tag(file)) for file in files)
        return Release(fits and has, "yanked" in row, tuple(Requirement(text) for text in row["requires"]))

    def _extended(self, answer: dict[str, str]) -> Iterator[Answer]:
        asked = self._asked(answer)
        if asked is None:
            return
        missing = next((name for name in asked if name not in answer), None)
        if missing is None:
            yield dict(answer)
            return
        for version, release in self._releases[missing].items():
            if release.installable and all(demand.contains(version, prereleases=True) for demand in asked[missing]):
                yield from self._extended({**answer, missing: version})

    def _asked(self, answer: Answer, *, by_itself: bool = True) -> dict[str, list[SpecifierSet]] | None:
        """Return what is asked of each project that is needed; None where one is needed that nobody has."""
        demands: dict[str, list[SpecifierSet]] = {}
        queue = [("", requirement) for requirement in self.roots]
        looked: set[tuple[str, str]] = set()
        for parent, requirement in queue:  # grows while it is read
            name = requirement.name
            if name not in self._releases:
                return None
            asked = demands.setdefault(name, [])
            asked += [requirement.specifier] if by_itself or parent != name else []
            for extra in ("", *sorted(requirement.extras)) if name in answer else ():
                if (name, extra) not in looked:
                    looked.add((name, extra))
                    requirements = self._releases[name][answer[name]].requirements
                    queue += [(name, need) for need in requirements if self._holds(need, extra)]
        for bound in self.bounds:
            if bound.name in demands:
                demands[bound.name].append(bound.specifier)
        return demands

    def _holds(self, need: Requirement, extra: str) -> bool:
        return need.marker is None or need.marker.evaluate({**self._markers, "extra": extra})

    def _is_sound(self, answer: Answer) -> bool:
        """Return whether all is met, and each last resort allowed by somebody other than itself (PEP 440, PEP 592)."""
        asked = self._asked(answer)
        by_others = self._asked(answer, by_itself=False)
        return (
            asked is not None
            and by_others is not None
            and set(asked) == set(answer)
            and all(demand.contains(answer[name], prereleases=True) for name, ones in asked.items() for demand in ones)
            and all(self._is_allowed(name, answer[name], by_others[name]) for name in answer)
        )

    def _is_allowed(self, name: str, version: str, asked: Sequence[SpecifierSet]) -> bool:
        if self._releases[name][version].yanked and not any(_pins(demand) for demand in asked):
            return False
        if not Version(version).is_prerelease or any(demand.prereleases for demand in asked):
            return True
        return not any(
            release.installable
            and not release.yanked
            and not Version(other).is_prerelease
            and all(demand.contains(other, prereleases=True) for demand in asked)
            for other, release in self._releases[name].items()
        )


def _pins(specifier: SpecifierSet) -> bool:
    return any(
        demand.operator == "===" or (demand.operator == "==" and not demand.version.endswith(".*"))
        for demand in specifier
    )
