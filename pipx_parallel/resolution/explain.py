"""Word the solver's reasons for the user: why there is no solution, and why a pin is not newer.

The explanation is the solver's shortest proof (``resolver.report``), one line per fact: the user's lines, with file and line
number, and the dependencies of releases. It does not depend on the order of the search.
"""

from __future__ import annotations

from typing import TYPE_CHECKING

from mirror.equality import NamedTuple
from pipx_parallel.resolution.package_keys import extra_of
from pipx_parallel.resolution.wording import Wording
from pipx_parallel.resolver.terms import Bound, Dependency, Inherited, Required, Unusable

if TYPE_CHECKING:
    from collections.abc import Hashable, Iterator, Mapping, Sequence

    from pipx_parallel.model import RootRequirement
    from pipx_parallel.resolution.candidates import Candidates
    from pipx_parallel.resolver import report
    from pipx_parallel.resolver.outcome import Held, Impossible

MOST_LINES = 12  # of explanation and suggestions together
MOST_REASONS = 3  # of one pin
IN_LOCK = "an existing lock holds it (see -P and -U)"
_END = "so no set of releases meets them all"


class Explanation(NamedTuple):
    """Why there is no solution: ``lines`` for the user, and the facts for suggestions and JSON."""

    lines: tuple[str, ...]
    facts: tuple[report.Used, ...]
    labels: tuple[Hashable, ...]  # of the user's lines in the proof, in order
    wording: Wording

    def to_json(self) -> dict[str, object]:
        """Return the explanation for JSON: the lines, and each fact."""
        return {"argument": list(self.lines), "facts": [_fact_json(self.wording, used) for used in self.facts]}


def argue(
    impossible: Impossible,
    candidates: Candidates,
    roots: Sequence[RootRequirement],
    constraints: Sequence[RootRequirement],
) -> Explanation:
    """Return the explanation of why there is no solution."""
    from pipx_parallel.resolver import report  # 2 ms, only for an error

    wording = Wording(candidates, roots, constraints)
    steps = report.explain(impossible)
    facts = tuple([used for step in steps for used in step.facts])
    labels = dict.fromkeys(used.cause.label for used in facts if isinstance(used.cause, Required | Bound))
    text = _Sentences(impossible, wording, report.Naming(impossible, wording)).text(steps)
    return Explanation(tuple(text), facts, tuple(labels), wording)


class Excluded(NamedTuple):
    """A release that was not chosen: its package, and how it is named (``celery 5.7.0``)."""

    package: str
    text: str


def why_held(
    held: Held,
    best: Excluded,
    chosen: Mapping[str, str],
    wording: Wording,
    others: Mapping[str, Held],
) -> str:
    """Return in one sentence what keeps a project from its newest release: ``celery 5.7.0 needs python-dateutil<3``.

    ``chosen`` maps projects to their pinned versions. If the excluded release requires a newer release of another project, the
    sentence has what holds that project (from ``others``) in turn.
    """
    words = []
    for fact in held.by:
        if isinstance(fact, Required):
            words.append(f"{wording.root(fact.label)} asks for {wording.asked(fact.label)}")
        elif isinstance(fact, Bound):
            words.append(f"{wording.root(fact.label)} allows only {wording.asked(fact.label)}")
        elif isinstance(fact, Dependency):
            words.append(_dependency_words(fact, best, chosen, wording) + _since(fact, best, chosen, wording, others))
        elif isinstance(fact, Inherited):
            words.append(_inherited(fact, chosen, wording))
        elif isinstance(fact, Unusable):
            subject = best.text if best.package == fact.package else fact.package
            words.append(f"{subject} cannot be used: {fact.reason}")
    reasons = list(dict.fromkeys(words)) or [IN_LOCK]
    return "; ".join(
        [*reasons[:MOST_REASONS], *[f"and {len(reasons) - MOST_REASONS} more"] * (len(reasons) > MOST_REASONS)]
    )


def why_given_up(held: Held, name: str, chosen: Mapping[str, str], wording: Wording, others: Mapping[str, Held]) -> str:
    """Return in one sentence what excludes the next best releases; the last is what decides. "" if the next best is chosen."""
    rows = []
    while held.given_up is not None:
        held = held.given_up
        best = Excluded(name, wording.releases(name, 1 << held.best))
        rows.append(f"; {best.text} was allowed, but {why_held(held, best, chosen, wording, others)}")
    return "".join([*rows[: MOST_REASONS - 2], *rows[MOST_REASONS - 2 :][-1:]])


def _inherited(fact: Inherited, chosen: Mapping[str, str], wording: Wording) -> str:
    """Word the upper bound of a newer release that an older release inherits."""
    parent = fact.dependency.parent
    requirements = " and ".join(sorted({wording.need(edge) for edge in fact.dependency.edges}))
    stating = wording.releases(parent, 1 << fact.stated_by)
    return f"{stating} needs {requirements}, which {parent} {chosen.get(parent, '')} is held to as well"


def _dependency_words(fact: Dependency, best: Excluded, chosen: Mapping[str, str], wording: Wording) -> str:
    """Word the dependency of a package; for the excluded release also the chosen version of the child."""
    requirements = " and ".join(sorted({wording.need(edge) for edge in fact.edges}))
    if best.package != fact.parent:
        return f"{fact.switch or fact.parent} {chosen.get(fact.parent, '')} needs {requirements}"
    child = fact.edges[0].package
    extra = f" with [{extra_of(fact.switch)}]" if fact.switch else ""
    return f"{best.text}{extra} needs {requirements}" + (
        f", and {child} is at {chosen[child]}" if child in chosen else ""
    )


def _since(
    fact: Dependency, best: Excluded, chosen: Mapping[str, str], wording: Wording, others: Mapping[str, Held]
) -> str:
    """Word in parentheses what holds the project that an excluded release depends on, down to the user's lines."""
    edge = fact.edges[0]
    if best.package != fact.parent or edge.package not in chosen:
        return ""
    if (line := wording.line_against(edge)) is not None:
        return f" ({line})"
    held = others.get(edge.package)
    if held is None:
        return ""
    rest = {name: other for name, other in others.items() if name not in {fact.parent, edge.package}}
    by = [
        reason for reason in held.by if not (isinstance(reason, Dependency) and reason.parent == fact.parent)
    ] or held.own
    if not by:
        return ""
    nearest = held._replace(by=tuple(by[:1]))
    best = Excluded(edge.package, wording.releases(edge.package, 1 << held.best))
    return f" ({why_held(nearest, best, chosen, wording, rest)})"


class _Subject(NamedTuple):
    """The subject of a sentence, and whether its verb is in the plural."""

    text: str
    plural: bool


class _Sentences:
    """Words the steps of one proof."""

    def __init__(self, impossible: Impossible, wording: Wording, naming: report.Naming) -> None:
        self.impossible = impossible
        self.wording = wording
        self.naming = naming

    def text(self, steps: Sequence[report.Step]) -> list[str]:
        """Return all lines, shortened to have space for at least one suggestion."""
        found_lines: dict[str, None] = {}
        referred = {used for step in steps for used in step.uses}
        for index, step in enumerate(steps):
            for used in step.facts:
                found_lines.update(dict.fromkeys(self.fact(used)))
            if step.conclusion:
                mark = f" ({index + 1})" if index in referred and len(steps) > 2 else ""
                found_lines[f"so {self.naming.conclusion(step.conclusion)}{mark}"] = None
        lines = list(found_lines)
        most = MOST_LINES - 2
        if len(lines) > most:
            cut = len(lines) - most + 1
            lines[most - 2 : most - 2 + cut] = [f"… {cut} more"]
        alone = len(lines) == 1 and any(_is_unmet(used) for step in steps for used in step.facts)
        return lines if alone else [*lines, _END]

    def fact(self, used: report.Used) -> Iterator[str]:
        """Word a fact; then, if there is a newer release that cannot be used, why."""
        cause, wording = used.cause, self.wording
        if isinstance(cause, Unusable):
            wheels = self.wording.wheels_elsewhere(cause.package, used.releases.bit_length() - 1)
            yield f"{self.subject(cause.package, used.releases, cause.switch).text} cannot be used: {cause.reason}{wheels}"
            return
        edge = cause.edges[0] if isinstance(cause, Dependency) else cause.edge
        if isinstance(cause, Dependency):
            subject, plural = self.subject(cause.parent, used.releases, cause.switch)
            verb = "need" if plural else "needs"
            if used.others and used.allowed:
                yield f"{subject} {verb} {self.naming.some(used.child, used.allowed)}, bounds differ by release"
                return
            line = f"{subject} {verb} {' and '.join(dict.fromkeys(wording.need(edge) for edge in cause.edges))}"
        else:
            verb = "asks for" if isinstance(cause, Required) else "allows only"
            line = f"{wording.root(cause.label)} {verb} {wording.asked(cause.label)}"
        if _is_unmet(used):
            yield f"{line}, but {wording.unmet(edge)}"
            return
        yield line
        if (newer := wording.newer_but_unfit(edge)) is not None:
            yield newer

    def subject(self, name: str, mask: int, switch: str | None) -> _Subject:
        """Word the releases of a package, or an extra of them, as a subject."""
        if self.naming.is_every(name, mask):
            return _Subject(f"every release of {switch or name}", plural=False)
        text = self.naming.some(name, mask)
        return _Subject(switch + text[len(name) :] if switch else text, plural=mask & (mask - 1) != 0)


def _is_unmet(used: report.Used) -> bool:
    """Return whether a fact is unsatisfiable alone: no release of its child is allowed."""
    cause = used.cause
    if isinstance(cause, Unusable):
        return False
    edge = cause.edges[0] if isinstance(cause, Dependency) else cause.edge
    return not edge.mask or not used.allowed


def _fact_json(wording: Wording, used: report.Used) -> dict[str, object]:
    cause = used.cause
    if isinstance(cause, Required | Bound):
        kind = "required" if isinstance(cause, Required) else "constraint"
        return {"kind": kind, "origin": wording.root(cause.label), "requirement": wording.asked(cause.label)}
    if isinstance(cause, Unusable):
        return {"kind": "unusable", "releases": wording.releases(cause.package, used.releases), "reason": cause.reason}
    return {
        "kind": "needs",
        "releases": wording.releases(cause.parent, used.releases),
        "extra": cause.switch,
        "requirement": " and ".join(dict.fromkeys(wording.need(edge) for edge in cause.edges)),
        "others": used.others,
    }
