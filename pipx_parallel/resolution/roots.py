"""Convert roots and constraints to dependencies and solver edges for a search, and create its policy."""

from __future__ import annotations

from typing import TYPE_CHECKING

from mirror.errors import MirrorError
from mirror.records.model import CompiledSpecifier, Dependency, FetchFailure
from mirror.records.version_keys import compile_specifier, is_prerelease_key, version_key
from pipx_parallel.errors import RequirementsError
from pipx_parallel.resolution.candidate import Candidate
from pipx_parallel.resolution.candidates import ON, Candidates
from pipx_parallel.resolution.hash_rules import HashRules
from pipx_parallel.resolution.package_keys import package_key
from pipx_parallel.resolution.policy import Policy
from pipx_parallel.resolution.target_facts import TargetFacts
from pipx_parallel.resolver.masks import bits_of, release_of
from pipx_parallel.resolver.ports import Edge, RootEdge
from pipx_parallel.targets.rules import TargetRules

if TYPE_CHECKING:
    from collections.abc import Callable, Iterable, Mapping, Sequence

    from mirror.records.project import Project
    from mirror.session.mirror import Mirror
    from pipx_parallel.config.settings import ResolveSettings, SelectionSettings
    from pipx_parallel.direct.collect import Directs
    from pipx_parallel.model import Inputs, RootRequirement, Target
    from pipx_parallel.resolution.policy_guard import PolicyGuard
    from pipx_parallel.resolution.shared_choices import SharedChoices


def candidates_for(
    inputs: Inputs,
    target: Target,
    mirror: Mirror,
    settings: ResolveSettings,
    directs: Mapping[str, Project] | None = None,
) -> tuple[Candidates, list[Dependency], list[Dependency]]:
    """Return the candidates, the requirements and the constraints for a target, from inputs that are not yet filtered.

    ``directs`` are the projects of its direct references.

    Raises ``RequirementsError``.
    """
    rules = TargetRules.stored(target, mirror.records.read_derived)
    roots = [root for root in inputs.roots if root.name not in inputs.excludes and rules.marker_holds(root.marker)]
    constraints = [root for root in inputs.constraints if rules.marker_holds(root.marker)]
    return candidates_of(inputs, roots, constraints, rules, mirror, settings, directs=directs)


def candidates_of(  # noqa: PLR0913, PLR0917 - the use case's own parameters, and what of the inputs concerns the target
    inputs: Inputs,
    roots: Sequence[RootRequirement],
    constraints: Sequence[RootRequirement],
    rules: TargetRules,
    mirror: Mirror,
    settings: ResolveSettings,
    shared: SharedChoices | None = None,
    directs: Mapping[str, Project] | None = None,
) -> tuple[Candidates, list[Dependency], list[Dependency]]:
    """Return the same for roots and constraints that are already filtered for the target. Raises ``RequirementsError``."""
    wanted = [_dependency(root) for root in roots]
    bounds = [_dependency(root) for root in constraints]
    selection = settings.selection._replace(preferred=_preferred(settings.selection, rules))
    settings = settings._replace(selection=selection)
    policy = _policy(inputs, settings, wanted, rules, _guard(settings, mirror))
    policy.shared, policy.offline = shared, settings.mirror.offline
    wanted = [_overridden(dependency, policy) for dependency in wanted]
    hashes = HashRules([*inputs.roots, *inputs.constraints])
    pins = _pins(wanted + bounds, settings.selection.preferred)
    return Candidates(TargetFacts(mirror, rules, policy, pins, hashes, directs)), wanted, bounds


def for_target(
    inputs: Inputs, rules: TargetRules, directs: Directs | None
) -> tuple[Inputs, dict[str, Project], tuple[FetchFailure, ...]]:
    """Return the inputs that apply to a target, with every direct reference named; the projects of these; and the failures."""
    parts = [[root for root in part if rules.marker_holds(root.marker)] for part in (inputs.roots, inputs.constraints)]
    parts.append(list(inputs.overrides))  # an override whose marker is false removes its project
    lost: list[FetchFailure] = []
    projects: dict[str, Project] = {}
    if directs is not None:
        for index, part in enumerate(parts):
            parts[index], failures = directs.name(part)
            lost += failures
        projects, failures = directs.projects([root for part in parts for root in part], rules)
        lost += failures
    roots, constraints, overrides = parts
    remaining = tuple([root for root in roots if root.name not in inputs.excludes])
    return (
        inputs._replace(roots=remaining, constraints=tuple(constraints), overrides=tuple(overrides)),
        projects,
        tuple(lost),
    )


def _dependency(root: RootRequirement) -> Dependency:
    """Return a root as a dependency. Raises ``RequirementsError``."""
    if not root.name:
        raise RequirementsError(
            root.origin, f"nothing says which project this is: {root.text}", "write it as name @ URL"
        )
    try:
        return Dependency(root.name, root.extras, compile_specifier(root.specifier.replace(" ", "")), url=root.url)
    except ValueError as error:
        raise RequirementsError(root.origin, f"invalid specifier {root.specifier!r}", "see PEP 440") from error


def _overridden(dependency: Dependency, policy: Policy) -> Dependency:
    """Apply ``--override`` to a line of the user: as in uv, overrides also replace root requirements."""
    rows = policy.replaced(dependency)
    if len(rows) < 2:
        return rows[0] if rows else dependency
    return rows[0]._replace(
        specifier=compile_specifier(",".join(row.specifier.text for row in rows if row.specifier.text))
    )


def _policy(
    inputs: Inputs,
    settings: ResolveSettings,
    wanted: Iterable[Dependency],
    rules: TargetRules,
    guard: PolicyGuard | None,
) -> Policy:
    overrides: dict[str, list[Dependency]] = {name: [] for name in inputs.excludes}
    for root in inputs.overrides:
        rows = overrides.setdefault(root.name, [])
        if rules.marker_holds(root.marker):
            rows.append(_dependency(root))
    prereleases = frozenset(
        dependency.name for dependency in [*wanted, *_bound_dependencies(inputs)] if dependency.specifier.prereleases
    )
    return Policy(
        settings.selection,
        prereleases=prereleases,
        directs=frozenset(root.name for root in inputs.roots),
        overrides=overrides,
        guard=guard,
    )


def _guard(settings: ResolveSettings, mirror: Mirror) -> PolicyGuard | None:
    if settings.policy is None and not settings.selection.has_cutoff:
        return None
    from pipx_parallel.resolution.known_times import knowledge_of  # as above
    from pipx_parallel.resolution.policy_guard import PolicyGuard, rules_of  # only for runs with a policy

    rules = rules_of(settings)
    return PolicyGuard(rules, settings.now, knowledge_of(mirror, rules))


def _preferred(selection: SelectionSettings, rules: TargetRules) -> Mapping[str, str]:
    """Return the pins that are kept for a target: of a project with several, the one whose marker holds here."""
    if not selection.preferred_by_marker:
        return selection.preferred
    preferred = dict(selection.preferred)
    for pin in selection.preferred_by_marker:
        preferred.pop(pin.name, None)
    for pin in selection.preferred_by_marker:
        if rules.marker_holds(pin.marker):
            preferred.setdefault(pin.name, pin.version)
    return preferred


def _bound_dependencies(inputs: Inputs) -> list[Dependency]:
    return [_dependency(root) for root in inputs.constraints]


def _pins(rows: Iterable[Dependency], locked: Mapping[str, str]) -> dict[str, list[CompiledSpecifier]]:
    """Return, per project, the specifiers that pin one version (PEP 592): of the user's lines and of an existing lock."""
    exact = {name: exact_specifier(version) for name, version in locked.items()}
    pins = {name: [specifier] for name, specifier in exact.items() if specifier is not None}
    for row in rows:
        if row.specifier.pins:
            pins.setdefault(row.name, []).append(row.specifier)
    return pins


def exact_specifier(version: str) -> CompiledSpecifier | None:
    """Return ``==version`` compiled, None for a text that is no version; without ``packaging``, which takes 40 ms to import."""
    key = version_key(version)
    if key is None:
        return None
    interval = (key, key + (" " if "+" in key else ","))  # a public version admits its local versions
    return CompiledSpecifier(f"=={version}", (interval,), is_prerelease_key(key), pins=True)


def root_edges(candidates: Candidates, wanted: Sequence[Dependency], bounds: Sequence[Dependency]) -> list[RootEdge]:
    """Return the roots, and the constraints on their projects, as edges; a root's label is the index in its list."""
    edges: list[RootEdge] = []
    for index, dependency in enumerate(wanted):
        name = dependency.name
        candidate = candidates.candidate(name)
        if not isinstance(candidate, Candidate):
            candidates.holes[name, None] = candidate
            candidates.lacking[name] = [("", 0, "")]  # required by the user, whatever is chosen
            continue
        edges.append(RootEdge(_edge(candidates, dependency), index))
        edges += [
            RootEdge(Edge(switch := package_key(name, extra), ON, (switch, "")), index) for extra in dependency.extras
        ]
    names = dict.fromkeys([row.name for row in wanted])
    return [*edges, *[bound for name in names for bound in _bounds_on(candidates, name, enumerate(bounds))]]


def edges_and_bounds(
    candidates: Candidates, wanted: Sequence[Dependency], bounds: Sequence[Dependency]
) -> tuple[list[RootEdge], Callable[[str], list[RootEdge]]]:
    """Return what a search starts with, and what gives it the constraints on projects that it meets."""
    return root_edges(candidates, wanted, bounds), later_bounds(candidates, wanted, bounds)


def later_bounds(
    candidates: Candidates, wanted: Sequence[Dependency], bounds: Sequence[Dependency]
) -> Callable[[str], list[RootEdge]]:
    """Return a function from a project to the constraints on it, as edges. Those on a root's project are in ``root_edges``.

    The project of a constraint is read only if something requires it: a constraints file may have a thousand lines.
    """
    rows: dict[str, list[tuple[int, Dependency]]] = {}
    roots = {row.name for row in wanted}
    for index, dependency in enumerate(bounds):
        if dependency.name not in roots and (dependency.specifier.text or dependency.name in candidates.hashes):
            rows.setdefault(dependency.name, []).append((index, dependency))
    return lambda name: _bounds_on(candidates, name, rows.get(name, ()))


def _bounds_on(candidates: Candidates, name: str, rows: Iterable[tuple[int, Dependency]]) -> list[RootEdge]:
    """Return the constraints of ``rows`` on a project; none if no index has it. A label is the index, from -1 down."""
    own = [(index, dependency) for index, dependency in rows if dependency.name == name]
    if not own or not isinstance(candidates.candidate(name), Candidate):
        return []
    return [RootEdge(_edge(candidates, dependency), -1 - index, constraint=True) for index, dependency in own]


def _edge(candidates: Candidates, dependency: Dependency) -> Edge:
    """Return the edge of a line of the user, with ``--hash`` applied."""
    name, text = dependency.name, dependency.specifier.text
    mask = candidates.admitted(name, dependency.specifier)
    return Edge(name, with_hashes(candidates, name, mask), (name, text))


def with_hashes(candidates: Candidates, name: str, mask: int) -> int:
    """Return the releases of ``mask`` that ``--hash`` allows."""
    candidate = candidates.candidate(name)
    if name not in candidates.hashes or not isinstance(candidate, Candidate):
        return mask
    try:
        return _narrowed(candidates, candidate, mask)
    except MirrorError as error:
        candidates.holes[name, None] = FetchFailure(name, None, error)
        candidates.lacking[name] = [("", 0, "")]  # required by the user, whatever is chosen
        return mask


def _narrowed(candidates: Candidates, candidate: Candidate, mask: int) -> int:
    """Return the releases of ``mask`` with a file that ``--hash`` allows and the target can install.

    Records the allowed file kinds in the candidate. Reads the files of every release of the mask, usually one: a line with
    hashes mostly pins a release.
    """
    hashes, project = candidates.hashes, candidate.project
    view = project.view
    allowed = 0
    for bit in bits_of(mask & candidate.usable):
        release = release_of(bit)
        project.classify(release)
        files = candidates.mirror.files.read(project, release)
        if project.reference is None:
            kinds = hashes.file_kinds(view.name, view.file_kinds, files)
            candidate.allowed[release] = kinds & candidate.allowed.get(release, kinds)  # the policy may allow fewer
        else:  # one file, of any name, with the Requires-Python of its metadata
            is_allowed = any(hashes.allows(view.name, file) for file in files)
            candidate.allowed[release] = frozenset(range(len(view.file_kinds)) if is_allowed else ())
        allowed |= (candidate.file_kind_of(release) is not None) << bit
    return allowed
