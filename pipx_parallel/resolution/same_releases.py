"""Fewer different releases in the answers of several targets: one search for all of them, then project by project.

``joint_search`` finds the fewest projects that need several releases, and is exact within its limits for one target of each
answer; each other target takes the result if it fits. If it reaches a limit, or a target cannot take its result, every project
with several releases is tried alone, from the newest release that all its targets accept. What an existing lock pins is kept:
a project is not moved from such a pin to spare a release.
"""

from __future__ import annotations

from typing import TYPE_CHECKING

from mirror.records.version_keys import version_key
from pipx_parallel.errors import Incomplete, NoSolution
from pipx_parallel.locks.target_markers import python_range
from pipx_parallel.resolution.candidate import Candidate
from pipx_parallel.resolution.joint_search import search_jointly
from pipx_parallel.resolution.policy import bit_in
from pipx_parallel.resolution.shared_releases import accepts
from pipx_parallel.resolver.outcome import Impossible, SolverLimits

if TYPE_CHECKING:
    from collections.abc import Iterable, Mapping, Sequence

    from pipx_parallel.model import Target
    from pipx_parallel.resolution.candidates import Candidates
    from pipx_parallel.resolution.target_search import SearchContext, TargetSearch
    from pipx_parallel.resolver.outcome import Solution

    _Answer = tuple[Solution, Candidates]

MOST_TRIES = 24  # of a project at another release
MOST_VERSIONS = 8  # tried for one project
MOST_JOINT = 6  # targets searched at once
LIMITS = SolverLimits(conflicts=5_000, improve=50)  # of a search for a project at another release


def unify(
    context: SearchContext,
    searches: Sequence[TargetSearch],
    earlier: Mapping[str, Iterable[str]],
    *,
    agrees: bool,
) -> None:
    """Give targets the same releases as far as possible; with ``agrees`` false only targets that no marker can tell apart.

    ``earlier`` are releases of other extras and groups, which are preferred to others that are as good.

    Raises ``NoSolution`` if targets that no marker can tell apart cannot have the same releases.
    """
    unifier = _Unifier(context, searches, earlier, agrees=agrees)
    if agrees and unifier.movable():
        if not unifier.search_jointly():
            unifier.try_each()
        unifier.join_releases()
    unifier.settle_alike()


class _Unifier:
    """The searches of one lock, each with its answer."""

    def __init__(
        self,
        context: SearchContext,
        searches: Sequence[TargetSearch],
        earlier: Mapping[str, Iterable[str]],
        *,
        agrees: bool,
    ) -> None:
        self.shared = context.shared
        self.earlier = earlier
        self.agrees = agrees
        self.searches = searches
        self.direct = {root.name for root in context.inputs.roots}
        self.tries = MOST_TRIES

    def movable(self) -> list[str]:
        """Return the projects with several releases of which no target is at the pin of an existing lock, direct ones first."""
        names: dict[str, set[str]] = {}
        pinned: set[str] = set()
        for search in self.searches:
            policy = search.candidates.policy
            for name, version in search.versions().items():
                names.setdefault(name, set()).add(version)
                if policy.locked_version(name) == version:
                    pinned.add(name)
        split = (name for name, versions in names.items() if len(versions) > 1 and name not in pinned)
        return sorted(split, key=lambda name: (name not in self.direct, name))

    def _split_names(self) -> list[str]:
        releases = {row for search in self.searches for row in search.versions().items()}
        names = [name for name, _ in releases]
        return sorted({name for name in names if names.count(name) > 1})

    def _count(self) -> int:
        """Return how many releases there are beyond one for each project."""
        releases = {row for search in self.searches for row in search.versions().items()}
        return len(releases) - len({name for name, _ in releases})

    # --- all targets at once ----------------------------------------------------------------------------------------------

    def search_jointly(self) -> bool:
        """Take the answer that parts the fewest projects; return whether the answers are known to part no more than needed."""
        split = self._split_names()
        groups = self._groups()
        if len(groups) > MOST_JOINT or len(self.movable()) < len(split):
            return False
        self._share({name: dict.fromkeys(versions) for name, versions in self.earlier.items()})
        answer = search_jointly([self.searches[numbers[0]] for numbers in groups], len(split))
        self._share_current()
        if answer.versions is None:
            return answer.proved and all(len(numbers) == 1 for numbers in groups)
        rows = zip(groups, answer.versions, strict=True)
        return self._took({number: row for numbers, row in rows for number in numbers})

    def _groups(self) -> list[list[int]]:
        """Return the numbers of searches with equal answers; each alone if there are few."""
        if len(self.searches) <= MOST_JOINT:
            return [[number] for number in range(len(self.searches))]
        groups: dict[tuple[tuple[str, str], ...], list[int]] = {}
        for number, search in enumerate(self.searches):
            groups.setdefault(tuple(sorted(search.versions().items())), []).append(number)
        return list(groups.values())

    def _took(self, versions: Mapping[int, Mapping[str, str]]) -> bool:
        """Give every search these versions if they are its first choices then, and fewer; return whether they are."""
        before, count = self._answers(), self._count()
        for number, row in versions.items():
            self._share({name: {version: None} for name, version in row.items()})
            if not (self.searches[number].take_first_choices() and self.searches[number].versions() == row):
                self._restore(before)
                return False
        if self._count() >= count:
            self._restore(before)
            return False
        self._share_current()
        return True

    # --- one project after another ----------------------------------------------------------------------------------------

    def try_each(self) -> None:
        """Find one release for projects that have several, as far as there is one."""
        while [name for name in self.movable() if self._unify(name)]:
            pass

    def join_releases(self) -> None:
        """Give the targets with one of three or more releases of a project another of these, where they can have it."""
        for name in self.movable():
            for version in sorted(set(self._holders(name).values()), key=_sort_key):
                holders = self._holders(name)
                others = sorted(set(holders.values()) - {version}, key=_sort_key, reverse=True)
                own = {number: current for number, current in holders.items() if current == version}
                if len(others) > 1:
                    any(self._try(name, other, own) for other in others)

    def _unify(self, name: str) -> bool:
        """Give all targets that have a project the same release; return whether that was possible."""
        holders = self._holders(name)
        if len(set(holders.values())) < 2:
            return False
        return any(self._try(name, version, holders) for version in self._common(name, holders))

    def _holders(self, name: str) -> dict[int, str]:
        versions = {number: search.versions().get(name) for number, search in enumerate(self.searches)}
        return {number: version for number, version in versions.items() if version is not None}

    def _common(self, name: str, holders: Mapping[int, str], *, strict: bool = True) -> list[str]:
        """Return the releases that every holder accepts: those chosen now, then older ones, the newest first."""
        searches = [self.searches[number] for number in holders]
        chosen = sorted(set(holders.values()), key=_sort_key, reverse=True)
        candidate = searches[0].candidates.candidate(name)
        if not isinstance(candidate, Candidate):
            return []
        oldest = _sort_key(chosen[-1])
        older = [version for version in reversed(candidate.project.view.versions) if _sort_key(version) < oldest]
        common: list[str] = []
        for version in (*chosen, *older):
            if all(_accepts(search, name, version, strict=strict) for search in searches):
                common.append(version)
                if len(common) == MOST_VERSIONS:
                    break
        return common

    def _try(self, name: str, version: str, holders: Mapping[int, str], *, must: bool = False) -> bool:
        """Search all holders again with this release; keep the answers if there are fewer different releases then."""
        if not must and not self.tries:
            return False
        self.tries -= not must
        before, count = self._answers(), self._count()
        self._share_current({name: {version: None}})
        bounds = {name: f"=={version}"}
        is_possible = all(
            current == version or self._is_answered(number, bounds) for number, current in holders.items()
        )
        if is_possible and (must or self._count() < count):
            self._share_current()
            return True
        self._restore(before)
        return False

    def _is_answered(self, number: int, bounds: Mapping[str, str]) -> bool:
        """Search one target again; return whether there is an answer, of which everything is available."""
        search = self.searches[number]
        try:
            return search.take_first_choices(bounds) or not isinstance(search.solve(bounds, LIMITS), Impossible)
        except (Incomplete, NoSolution):  # offline without this metadata, or a limit: another release is tried
            return False

    def settle_alike(self) -> None:
        """Give targets that no marker can tell apart the same releases. Raises ``NoSolution`` if they cannot have them."""
        groups: dict[tuple[object, ...], list[int]] = {}
        for number, search in enumerate(self.searches):
            groups.setdefault(_environment(search.target), []).append(number)
        for group in groups.values():
            for name in self._split_names() if len(group) > 1 else ():
                holders = {number: version for number, version in self._holders(name).items() if number in group}
                if len(set(holders.values())) < 2:
                    continue
                if not any(
                    self._try(name, version, holders, must=True)
                    for version in self._common(name, holders, strict=False)
                ):
                    raise _not_alike(name, [(self.searches[number].target, holders[number]) for number in holders])

    # --- answers and preferences ------------------------------------------------------------------------------------------

    def _answers(self) -> list[_Answer]:
        return [(search.solution, search.candidates) for search in self.searches]

    def _restore(self, before: Sequence[_Answer]) -> None:
        for search, answer in zip(self.searches, before, strict=True):
            search.take(*answer)
        self._share_current()

    def _share_current(self, first: Mapping[str, dict[str, None]] | None = None) -> None:
        """Prefer what is chosen now, ``first`` before it."""
        pins = {name: dict(versions) for name, versions in (first or {}).items()}
        for search in self.searches:
            for name, version in search.versions().items():
                pins.setdefault(name, {})[version] = None
        for name, versions in self.earlier.items():
            pins.setdefault(name, {}).update(dict.fromkeys(versions))
        self._share(pins)

    def _share(self, pins: Mapping[str, dict[str, None]]) -> None:
        if self.shared is not None and self.agrees:
            self.shared.pins = pins


def _accepts(search: TargetSearch, name: str, version: str, *, strict: bool) -> bool:
    candidate = search.candidates.candidate(name)
    if not isinstance(candidate, Candidate):
        return False
    bit = bit_in(candidate.project.view, version, candidate.usable)
    return bit is not None and (not strict or accepts(search.candidates.policy, candidate, bit))


def _environment(target: Target) -> tuple[object, ...]:
    values = [
        value for name, value in sorted(target.markers.items()) if name not in {"platform_release", "platform_version"}
    ]
    return (*python_range(target), *values)


def _not_alike(name: str, rows: Sequence[tuple[Target, str]]) -> NoSolution:
    words = ", ".join(f"{version} for {target.label}" for target, version in rows)
    problem = f"{name} needs different releases ({words}), and no marker can tell these targets apart"
    return NoSolution((f"{problem}; lock them in files of their own",))


def _sort_key(version: str) -> tuple[str, str]:
    return version_key(version) or "", version
