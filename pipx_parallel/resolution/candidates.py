"""The solver's source of facts (``CandidateSource``) over a mirror, for one target.

Packaging rules become masks here: the releases that a specifier admits (``candidate``, shared by all searches, has what the
target can install), and the edges of each dependency set.

Failures are recorded as holes, not as exclusions: a project or release whose facts are not available has no dependencies for the
solver, and is reported at the end. Otherwise a network fault would silently select an older release.
"""

from __future__ import annotations

from typing import TYPE_CHECKING

from mirror.equality import NamedTuple
from mirror.errors import BuildFailed, MirrorError, NeedsBuild, NotFound
from mirror.records.dependency_sets import BASE
from mirror.records.filenames import SDIST
from mirror.records.model import FetchFailure
from mirror.records.version_keys import compile_specifier
from pipx_parallel.resolution.candidate import Candidate
from pipx_parallel.resolution.package_keys import base_of, extra_of, is_extra, package_key
from pipx_parallel.resolution.source_archives import NOT_BUILT, SourceArchives
from pipx_parallel.resolution.target_facts import Admissions
from pipx_parallel.resolver.masks import release_of
from pipx_parallel.resolver.ports import Edge, Unavailable

if TYPE_CHECKING:
    from collections.abc import Iterable, Mapping, Sequence

    from mirror.records.dependency_sets import DependencySet
    from mirror.records.model import Dependency
    from pipx_parallel.resolution.build_steps import BuildSteps
    from pipx_parallel.resolution.target_facts import TargetFacts

_UNBOUNDED = compile_specifier("")
ON = 2  # the mask of an extra's switch that is on


class SearchMode(NamedTuple):
    """The options of a search; the defaults are those of the first search."""

    takes_all_archives: bool = False  # read every release with only a source archive
    collects_failures: bool = False  # projects that do not exist, and builds, are failures to report, not reasons
    # Not None: pre-releases and yanked releases are admitted, except these. None: they are withheld.
    refused: Mapping[str, int] | None = None


class Candidates:
    """A ``resolver.ports.CandidateSource`` over a mirror, for one search; also records failures.

    The results of an instance do not change. Another mode, or a search after a build, uses a new instance over the same
    ``TargetFacts``.
    """

    def __init__(
        self,
        facts: TargetFacts,
        mode: SearchMode | None = None,
        admissions: Admissions | None = None,
        steps: BuildSteps | None = None,
    ) -> None:
        """Take the facts, the mode, the admissions of an instance that refuses the same releases, and how builds are spread."""
        self.facts = facts
        self.mode = mode = mode or SearchMode()
        self.mirror, self.rules, self.policy, self.hashes = facts.mirror, facts.rules, facts.policy, facts.hashes
        self.candidate, self.active = facts.candidate, facts.active
        self.admissions = admissions or Admissions(facts, mode.refused)
        self.admitted = self.admissions.admitted  # called for every edge, so without a wrapper
        self._steps = steps and steps._replace(read=facts.archives.masks())
        self.archives = SourceArchives(facts.mirror, facts.archives, takes_all=mode.takes_all_archives, steps=steps)
        self.holes: dict[tuple[str, str | None], FetchFailure] = {}
        self.lacking: dict[str, list[tuple[str, int, str]]] = {}  # project -> (package, bit, extra) that depend on it
        self.has_missing_projects = False
        self._dependency_sets: dict[tuple[str, int], DependencySet | FetchFailure | Unavailable] = {}
        self._edges: dict[tuple[str, int, str], Sequence[Edge] | Unavailable] = {}

    def in_mode(self, mode: SearchMode, steps: BuildSteps | None = None) -> Candidates:
        """Return the candidates of the same facts in another mode."""
        return Candidates(self.facts, mode, self.admissions if mode.refused is self.mode.refused else None, steps)

    def after_builds(self, chosen: Mapping[str, int] | None) -> Candidates | None:
        """Build the releases of a solution (None: there is none) that need it; return the candidates of the next search, if any."""
        built = frozenset(self.archives.build(chosen or {}))
        changed = built if self._steps is None else built | self.archives.unsettled
        self._dependency_sets = {key: result for key, result in self._dependency_sets.items() if key not in changed}
        self._edges = {key: edges for key, edges in self._edges.items() if key[:2] not in changed}
        steps = self._steps and self._steps.following(chosen, built, self.dependencies)
        if not built and steps is None:
            return None
        later = Candidates(self.facts, self.mode, self.admissions, steps)
        later._take_over(self)
        return later

    def _take_over(self, before: Candidates) -> None:
        """Copy the results of an earlier instance."""
        self.holes = before.holes.copy()
        self.lacking = {name: rows.copy() for name, rows in before.lacking.items()}
        self.has_missing_projects = before.has_missing_projects
        self.archives.left_out = before.archives.left_out.copy() if self._steps is None else {}
        self._dependency_sets, self._edges = before._dependency_sets, before._edges

    def is_complete(self) -> bool:
        """Return whether no source archive was left out that a search with ``takes_all_archives`` would read."""
        return not self.archives.left_out

    def met_failures(self) -> bool:
        """Return whether there were failures that a search with ``collects_failures`` would report."""
        return (self.has_missing_projects or self.facts.archives.met) and not self.mode.collects_failures

    # --- the methods of CandidateSource-------------------------------------------------------------------------------------

    def prepare(self, packages: Sequence[str]) -> None:
        """Request these projects from the mirror in parallel."""
        self.facts.want_all([base_of(name) for name in packages])

    def domain(self, package: str) -> int | Unavailable:
        """Return the releases that may be chosen, or why there are none."""
        if is_extra(package):
            return ON
        usable = self.facts.usable(package)
        return usable if isinstance(usable, int) else Unavailable(usable)

    def switch_of(self, package: str) -> str | None:
        """Return the project of an extra, None for a project."""
        return base_of(package) if is_extra(package) else None

    def choose(self, package: str, mask: int) -> int:
        """Return the release to try first: the pin of the existing lock, else the newest final, pre-release, yanked release.

        With several targets, the release of another target precedes newer ones.
        """
        candidate = self.candidate(package)
        if isinstance(candidate, FetchFailure):
            raise candidate.error
        if self.policy.shared is not None:
            from pipx_parallel.resolution.shared_releases import shared_release  # only with several targets

            bit = shared_release(self.policy, candidate, mask)
            if bit is not None:
                return bit
        masks = (candidate.finals, candidate.yanked, candidate.binary)
        return self.policy.choose(package, candidate.project.view, mask, *masks)

    def best(self, package: str, mask: int) -> int:
        """Return the release that would be tried first if no lock existed."""
        candidate = self.candidate(package)
        if isinstance(candidate, FetchFailure):
            raise candidate.error
        return self.policy.best(package, mask, candidate.finals, candidate.yanked, candidate.binary)

    def newest(self, package: str) -> int:
        """Return the newest release that a requirement without bounds admits."""
        candidate = self.candidate(package)
        usable = candidate.usable if isinstance(candidate, Candidate) else 0
        return (self.admitted(package, _UNBOUNDED) & usable).bit_length() - 1

    def uploaded(self, package: str, bit: int) -> int:
        """Return the day of a release's first upload, counted from 1970; 0 if it is unknown."""
        candidate = self.candidate(package)
        return candidate.uploaded(release_of(bit)) if isinstance(candidate, Candidate) else 0

    def later_uploads(self, package: str, bit: int) -> int:
        """Return the older releases, as a mask, that were uploaded on a later day, of those that are checked before a search."""
        candidate = self.candidate(package)
        return candidate.later_uploads(release_of(bit)) if isinstance(candidate, Candidate) else 0

    def has_extra(self, package: str, bit: int, switch: str) -> bool:
        """Return whether a release states needs of an extra; one whose needs are not known is given the benefit."""
        dependency_set = self.dependency_set(package, bit)
        return (
            isinstance(dependency_set, FetchFailure | Unavailable)
            or dependency_set is NOT_BUILT
            or extra_of(switch) in dependency_set.extras()
        )

    def prepare_dependencies(self, package: str, bits: Sequence[int]) -> None:
        """Request the dependencies of these candidates from the mirror in parallel."""
        candidate = self.candidate(package)
        if isinstance(candidate, Candidate):
            for bit in bits:
                release = release_of(bit)
                number = self._file_kind_of(candidate, release)
                file_kind = candidate.metadata_kind(release, number) if isinstance(number, int) else None
                if file_kind is not None and candidate.project.view.file_kinds[file_kind].tags != SDIST:
                    self.mirror.want_dependencies(candidate.project, release, file_kind)

    def dependencies(self, package: str, bit: int, switch: str | None = None) -> Sequence[Edge] | Unavailable:
        """Return the dependencies of a candidate, or those that an extra adds."""
        extra = BASE if switch is None else extra_of(switch)
        key = (package, bit, extra)
        edges = self._edges.get(key)
        if edges is None:
            edges = self._edges[key] = self._dependencies(package, bit, extra)
        return edges

    # --- facts ----------------------------------------------------------------------------------------------------------

    def _file_kind_of(self, candidate: Candidate, release: int) -> int | FetchFailure | None:
        """Return the file kind of a release, None if no file can be installed, or the failure."""
        try:
            return candidate.file_kind_of(release)
        except MirrorError as error:
            view = candidate.project.view
            return FetchFailure(view.name, view.versions[release], error)

    def dependency_set(self, package: str, bit: int) -> DependencySet | FetchFailure | Unavailable:
        """Return the dependency set of a candidate; wait until it is loaded."""
        dependency_set = self._dependency_sets.get((package, bit))
        if dependency_set is None:
            dependency_set = self._dependency_sets[package, bit] = self._load_dependency_set(package, bit)
        return dependency_set

    def _load_dependency_set(self, package: str, bit: int) -> DependencySet | FetchFailure | Unavailable:
        candidate = self.candidate(package)
        if isinstance(candidate, FetchFailure):
            return candidate
        release = release_of(bit)
        view = candidate.project.view
        file_kind = self._file_kind_of(candidate, release)
        if not isinstance(file_kind, int):
            return file_kind or Unavailable(self.policy.why_not_usable(view, release, self.rules))
        if view.file_kinds[file_kind].yanked and self.admissions.withholds_yanked(candidate, package, bit):
            return Unavailable("it is yanked")  # an old release, only now checked
        return self._read(package, bit, candidate, candidate.metadata_kind(release, file_kind))

    def _read(
        self, package: str, bit: int, candidate: Candidate, file_kind: int
    ) -> DependencySet | FetchFailure | Unavailable:
        """Return the dependencies from the metadata of a release, without a build if possible."""
        release, view, archives = release_of(bit), candidate.project.view, self.archives
        if view.file_kinds[file_kind].tags != SDIST:
            archives.note_known(package, bit)
        elif not archives.takes(package, bit):
            return Unavailable("has only a source archive")
        elif (release, file_kind) not in view.built:
            refused = archives.refused_unread(package, bit, view.uploads(release)[1])
            if refused is not None:
                return refused
        result = self.mirror.dependencies(candidate.project, release, file_kind)
        if not isinstance(result, FetchFailure):
            (archives.note_built if (release, file_kind) in view.built else archives.note_known)(package, bit)
        elif isinstance(result.error, BuildFailed) and not self.mode.collects_failures:
            return archives.failed(package, bit, result.error)
        elif isinstance(result.error, NeedsBuild) and not self.mode.collects_failures:
            return archives.postponed(package, bit, (candidate.project, release, file_kind), result.error) or result
        return result

    def _dependencies(self, package: str, bit: int, extra: str) -> Sequence[Edge] | Unavailable:
        result = self.dependency_set(package, bit)
        if isinstance(result, FetchFailure):
            self.holes[result.project, result.release] = result
            return ()
        if isinstance(result, Unavailable):
            return result
        if extra == BASE and not self.rules.python_allowed(result.requires_python):
            return Unavailable(f"requires Python {result.requires_python}")
        try:
            wanted = self.active(result, extra)
        except MirrorError as error:
            return Unavailable(f"its metadata is invalid, which pip refuses: {error}")
        if self.policy.ignores_dependencies:
            return ()
        self.facts.want(wanted)
        guesses = self._steps if result is NOT_BUILT and extra == BASE else None
        return guesses.assumed(package, bit, self) if guesses else self._edges_of(package, bit, extra, wanted)

    def _edges_of(
        self, package: str, bit: int, extra: str, wanted: Iterable[Dependency]
    ) -> Sequence[Edge] | Unavailable:
        edges: list[Edge] = []
        for dependency in wanted:
            name = dependency.name
            is_direct = name in self.facts.directs
            if dependency.specifier.pins and not is_direct:
                self.facts.met_pins.setdefault(name, []).append(dependency.specifier.intervals)
            if dependency.url is not None and not is_direct:
                return Unavailable(f"depends on {name} at a URL, which an index may not ask for")
            child = self.candidate(name)
            if isinstance(child, FetchFailure):
                if self.mode.collects_failures or not isinstance(child.error, NotFound):
                    self.holes[name, None] = child
                    self.lacking.setdefault(name, []).append((package, bit, extra))
                    continue
                self.has_missing_projects = True
            mask = self.admitted(name, dependency.specifier)
            if name == package:  # an extra that requires other extras of the same project (PEP 508 allows this)
                if not mask >> bit & 1:
                    return Unavailable(f"depends on another release of itself ({name}{dependency.specifier.text})")
            else:
                key = (name, dependency.specifier.text)
                edges.append(Edge(name, mask, key))
            switches = [
                package_key(name, other) for other in dependency.extras if not (name == package and other == extra)
            ]
            edges += [Edge(switch, ON, (switch, "")) for switch in switches]
        return edges
