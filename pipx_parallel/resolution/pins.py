"""Convert a solution to pins and edges: bits to versions, releases to files; and name what is not available of it."""

from __future__ import annotations

from functools import partial
from typing import TYPE_CHECKING

from mirror.equality import NamedTuple
from mirror.errors import MirrorError
from mirror.names import with_extras
from mirror.records.dependency_sets import BASE
from mirror.records.filenames import VARIANT
from mirror.records.model import FetchFailure
from pipx_parallel.errors import Bug
from pipx_parallel.locks.quality import libyears
from pipx_parallel.model import Pin, PinCondition, RequirementEdge
from pipx_parallel.resolution.candidate import Candidate
from pipx_parallel.resolution.chosen_files import ChosenFiles, installable
from pipx_parallel.resolution.explain import Excluded, why_given_up, why_held
from pipx_parallel.resolution.package_keys import base_of, extra_of, is_extra, package_key
from pipx_parallel.resolution.wording import Wording, written
from pipx_parallel.resolver.masks import release_of
from pipx_parallel.resolver.outcome import Impossible
from pipx_parallel.resolver.terms import Bound, Required

if TYPE_CHECKING:
    from collections.abc import Mapping, Sequence

    from mirror.records.model import DistFile
    from mirror.records.simple_file import FileList
    from pipx_parallel.model import Relaxation, RootRequirement
    from pipx_parallel.resolution.candidates import Candidates
    from pipx_parallel.resolution.policy import Policy
    from pipx_parallel.resolution.shared_choices import TaggedFile
    from pipx_parallel.resolver.outcome import Held, Solution


def pins_of(
    solution: Solution, candidates: Candidates, roots: Sequence[RootRequirement], constraints: Sequence[RootRequirement]
) -> tuple[Pin, ...]:
    """Return one pin for each project chosen, sorted by name."""
    directs = {root.name for root in roots}
    names = sorted([name for name in solution.chosen if not is_extra(name)])
    keys = {name: _shared_key(solution, candidates, name, direct=name in directs) for name in names}
    shared = candidates.policy.shared
    made = {} if shared is None else {name: pin for name, key in keys.items() if (pin := shared.made.get(key))}
    chosen = {name: _candidate(candidates, name) for name in names if name not in made}
    releases = [(row, release_of(solution.chosen[name])) for name, row in chosen.items()]
    versions = {name: pin.version for name, pin in made.items()}
    versions.update({row.project.view.name: row.project.view.versions[release] for row, release in releases})
    maker = _PinMaker(
        solution, candidates, versions, Wording(candidates, roots, constraints), ChosenFiles(candidates, releases)
    )
    for name, candidate in chosen.items():
        bit = solution.chosen[name]
        try:
            made[name] = maker.pin(candidate, bit, direct=name in directs)
        except MirrorError:
            if (name, versions[name]) in candidates.holes:
                continue  # with --keep-going the failure is reported, and there is no pin
            raise
        if shared is not None and name not in solution.held and candidate.has_equals(release_of(bit)):
            shared.made[keys[name]] = made[name]
    return tuple([made[name] for name in names if name in made])


def _shared_key(solution: Solution, candidates: Candidates, name: str, *, direct: bool) -> tuple[object, ...]:
    """Return what decides the pin of a project whose files are for any platform, if nothing holds it back."""
    project = None if name in solution.held else candidates.facts.peek(name)
    locked = candidates.policy.locked_version(name)
    return name, solution.chosen[name], direct, locked, *candidates.rules.python, id(project)


class _PinMaker(NamedTuple):
    """Makes the pins of one solution."""

    solution: Solution
    candidates: Candidates
    versions: Mapping[str, str]
    wording: Wording
    files: ChosenFiles

    def pin(self, candidate: Candidate, bit: int, *, direct: bool) -> Pin:
        """Return the pin of a release. Raises ``MirrorError``."""
        solution, candidates, versions, wording, chosen_files = self
        view, release = candidate.project.view, release_of(bit)
        name = view.name
        best = release_of(_newest_installable(candidates, candidate, name, bit))
        files, tagged = chosen_files.read(candidate, release)
        held = solution.held.get(name) if best != release else None
        stated = candidate.project.stated_licence
        listed, usable = _files_of(files, tagged, candidates, candidate, release)
        return Pin(
            name,
            view.versions[release],
            listed,
            usable,
            requires_python=_requires_python(candidate, release),
            index=candidate.project.index_of(release) or None,
            url=candidate.project.reference,
            direct=direct,
            latest=view.versions[best],
            libyears=libyears(_uploaded(candidate, release), _uploaded(candidate, best)),
            status=None if view.status in {None, "active"} else view.status,
            metadata_from=_metadata_from(candidate, release, tagged),
            reason=_reason(held, Excluded(name, f"{name} {view.versions[best]}"), versions, wording, solution),
            bounded=held is not None and _is_bounded(held, name),
            conditions=_conditions(candidate, release, listed, usable, candidates.policy),
            stated_licence=None if stated is None else stated.spdx(),
        )


def _reason(
    held: Held | None, best: Excluded, versions: Mapping[str, str], wording: Wording, solution: Solution
) -> str | None:
    """Return why a pin is not its best release; None if it is."""
    if held is None:
        return None
    because = why_held(held, best, versions, wording, solution.held)
    return because + why_given_up(held, best.package, versions, wording, solution.held)


def _files_of(
    files: FileList, tagged: Sequence[TaggedFile], candidates: Candidates, candidate: Candidate, release: int
) -> tuple[Sequence[DistFile], tuple[DistFile, ...]]:
    """Return the files of a release, and those that the target may install.

    Yanked files are excluded if another file can be installed, as in pip; files that the policy refuses always are.
    """
    view = candidate.project.view
    listed: Sequence[DistFile] = candidates.hashes.among(view.name, files)
    kinds = [view.file_kinds[number] for number in view.kind_set_of(release)]
    if any([row[0] == VARIANT for row in kinds]):  # noqa: C419 - for each pin and target
        names = {name for _, name, tags in tagged if tags != VARIANT}
        listed = [file for file in listed if file.filename in names]
    if candidate.project.reference is None:
        version = view.versions[release]
        shared, find = candidates.policy.shared, partial(installable, files, tagged, candidates, view.name, version)
        usable = (
            find()
            if shared is None
            else shared.installable((view.name, version, *candidates.rules.python), tagged, find)
        )
        if candidates.policy.has_guard:
            listed = [file for file in listed if candidates.policy.admits_file(view.name, version, file)]
    else:
        usable = tuple(files)
    if any([row.yanked for row in kinds]):  # noqa: C419 - as above
        left = tuple([file for file in usable if file.yanked is None])
        if left:
            return [file for file in listed if file.yanked is None], left
    return listed, usable


def _conditions(
    candidate: Candidate, release: int, files: Sequence[DistFile], installable: Sequence[DistFile], policy: Policy
) -> tuple[PinCondition, ...]:
    """Return what has become of a pin; of most nothing has, and nothing is loaded for them."""
    project, view = candidate.project, candidate.project.view
    previous = policy.locked_version(view.name)
    more: list[PinCondition] = []
    if release < len(view.versions) - 1 and any([row[0] == VARIANT for row in view.file_kinds]):  # noqa: C419 - for each pin
        from pipx_parallel.resolution.pin_conditions import newer_variants  # few projects have variants

        more += newer_variants(view, release, lambda mask: policy.admitted(project, mask)[0])
    timing = policy.known_time(view.name, view.versions[release], installable[0]) if installable else None
    if timing is not None:
        from pipx_parallel.resolution.pin_conditions import of_known_time  # few indexes state no upload times

        more.append(of_known_time(timing))
    is_yanked = bool(installable) and installable[0].yanked is not None
    is_gone = view.withdrawn is not None or (previous is not None and previous not in view.versions)
    if not (is_yanked or is_gone or more or view.history or view.status not in {None, "active"}):
        return ()
    from pipx_parallel.resolution.pin_conditions import conditions_of  # as above

    return conditions_of(view, files, installable, previous, more)


def _is_bounded(held: Held, name: str) -> bool:
    """Return whether a line of the user on the project itself excludes its newest release."""
    return any(isinstance(fact, Required | Bound) and base_of(fact.edge.package) == name for fact in held.by)


def relaxations_of(solution: Solution, candidates: Candidates) -> tuple[Relaxation, ...]:
    """Return the relaxations of a solution, in the solver's order."""
    if not solution.escapes and not solution.lacking:
        return ()
    from pipx_parallel.resolution.relaxations import relaxations_of  # few solutions have one

    return relaxations_of(solution, candidates)


def _metadata_from(candidate: Candidate, release: int, tagged: Sequence[TaggedFile]) -> str | None:
    """Return the wheel of another target whose metadata was read; None if the metadata is from an installable file."""
    own = candidate.file_kind_of(release)
    number = None if own is None else candidate.metadata_kind(release, own)
    if number is None or number == own:
        return None
    wanted = candidate.project.view.file_kinds[number].tags
    return next((name for _, name, tags in tagged if tags == wanted), None)


def _newest_installable(candidates: Candidates, candidate: Candidate, name: str, bit: int) -> int:
    """Return the best release that the target could install without other requirements; ``bit`` is the chosen one.

    Old releases count as usable until they are checked; those above the chosen one are checked here.
    """
    if release_of(bit) == len(candidate.project.view.versions) - 1:
        return bit
    mask = candidate.usable >> bit << bit & ~candidate.later | 1 << bit
    while (best := candidates.best(name, mask)) != bit and candidate.file_kind_of(release_of(best)) is None:
        mask &= ~(1 << best)
    return best


def edges_of(solution: Solution, roots: Sequence[RootRequirement]) -> tuple[RequirementEdge, ...]:
    """Return the requirement edges, sorted by child, parent and requirement: one for each line of the user, parent and child."""
    edges: dict[tuple[str, str, str], RequirementEdge] = {}
    for root in roots:
        if root.name in solution.chosen:
            requirement = f"{with_extras(root.name, root.extras)}{root.specifier}"
            edge = RequirementEdge("", root.name, requirement, root.origin, root.extras)
            edges.setdefault((root.name, "", f"{edge.requirement}\n{root.origin}\n{root.origin.part or ''}"), edge)
    merged: dict[tuple[str, str], tuple[set[str], dict[str, None]]] = {}
    for parent, switch, need in solution.dependencies:
        child = base_of(need.package)
        extras, specifiers = merged.setdefault((child, switch or parent), (set(), {}))
        if is_extra(need.package):
            extras.add(extra_of(need.package))
        elif text := written(need)[1]:
            specifiers[text] = None
    for (child, source), (extras, specifiers) in merged.items():
        names = tuple(sorted(extras))
        requirement = f"{with_extras(child, names)}{','.join(specifiers)}"
        edges[child, source, requirement] = RequirementEdge(source, child, requirement, None, names)
    return tuple([edges[key] for key in sorted(edges)])


def _uploaded(candidate: Candidate, release: int) -> int:
    """Return the time of a release's first upload in epoch seconds; 0 if it is unknown."""
    view = candidate.project.view
    if candidate.project.reference is not None or release < view.classified:
        return 0
    return view.uploads(release)[0]


def _requires_python(candidate: Candidate, release: int) -> str | None:
    file_kind = candidate.file_kind_of(release)
    return None if file_kind is None else candidate.project.view.file_kinds[file_kind].requires_python


def _candidate(candidates: Candidates, name: str) -> Candidate:
    candidate = candidates.candidate(name)
    if not isinstance(candidate, Candidate):
        raise Bug(f"{name} was chosen but is not known")
    return candidate


def missing_of(candidates: Candidates, outcome: Solution | Impossible) -> tuple[FetchFailure, ...]:
    """Return the holes that affect the outcome: projects that are not available, and chosen releases without metadata."""
    holes = sorted(candidates.holes.items(), key=lambda row: (row[0][0], row[0][1] or ""))
    return tuple([failure for (name, release), failure in holes if _concerns(candidates, outcome, name, release)])


def _concerns(candidates: Candidates, outcome: Solution | Impossible, name: str, release: str | None) -> bool:
    """Return whether a hole affects the outcome: a chosen release, or a dependency of one. Without a solution all do."""
    if isinstance(outcome, Impossible):
        return True
    if release is None:
        return any(
            not package
            or (outcome.chosen.get(package) == bit and (extra == BASE or package_key(package, extra) in outcome.chosen))
            for package, bit, extra in candidates.lacking[name]
        )
    bit, candidate = outcome.chosen.get(name), candidates.candidate(name)
    return (
        bit is not None
        and isinstance(candidate, Candidate)
        and candidate.project.view.versions[release_of(bit)] == release
    )
