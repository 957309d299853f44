"""The solver's reasons in the user's words: why there is no answer, and why a pin is not newer.

The argument is the solver's shortest proof (``resolver.report``), a line a fact: what the user wrote, with file and line, and
what releases need. Nothing of how the search went is in it.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, NamedTuple

from pipx_parallel.resolution.package_keys import extra_of
from pipx_parallel.resolution.wording import Wording
from pipx_parallel.resolver.terms import Bound, Inherited, Needs, Required, Unusable

if TYPE_CHECKING:
    from collections.abc import Hashable, Iterator, Mapping, Sequence

    from pipx_parallel.model import RootRequirement
    from pipx_parallel.resolution.candidates import Candidates
    from pipx_parallel.resolver import report
    from pipx_parallel.resolver.solution import Held
    from pipx_parallel.resolver.solver import Impossible

MOST_LINES = 12  # of argument and suggestions together
MOST_REASONS = 3  # of one pin
_END = "so no set of releases meets them all"


class Explanation(NamedTuple):
    """Why there is no answer: ``lines`` to read, and what they rest on, for suggestions and for programs."""

    lines: tuple[str, ...]
    facts: tuple[report.Used, ...]
    labels: tuple[Hashable, ...]  # of the user's lines that take part, in order
    wording: Wording

    def to_json(self) -> dict[str, object]:
        """Return the argument for programs: the lines, and each fact by itself."""
        return {"argument": list(self.lines), "facts": [_fact_json(self.wording, used) for used in self.facts]}


def argue(
    impossible: Impossible,
    candidates: Candidates,
    roots: Sequence[RootRequirement],
    constraints: Sequence[RootRequirement],
) -> Explanation:
    """Return the shortest honest argument why there is no answer."""
    from pipx_parallel.resolver import report  # 2 ms, only on the way to an error

    wording = Wording(candidates, roots, constraints)
    steps = report.explain(impossible)
    facts = tuple([used for step in steps for used in step.facts])
    labels = dict.fromkeys(used.cause.label for used in facts if isinstance(used.cause, Required | Bound))
    text = _Sentences(impossible, wording, report.Naming(impossible, wording)).text(steps)
    return Explanation(tuple(text), facts, tuple(labels), wording)


def why_held(
    held: Held,
    best: str,
    chosen: Mapping[str, str],
    wording: Wording,
    others: Mapping[str, Held],
) -> str:
    """Return in one sentence what keeps a project from its newest release: ``celery 5.7.0 needs python-dateutil<3``.

    ``best`` names the release it is kept from, with its project; ``chosen`` maps projects to their pinned versions. Where
    that release needs more of another project than its pin is, it is wording what holds that one (of ``others``) in turn.
    """
    words = []
    for fact in held.by:
        if isinstance(fact, Required):
            words.append(f"{wording.root(fact.label)} asks for {wording.asked(fact.label)}")
        elif isinstance(fact, Bound):
            words.append(f"{wording.root(fact.label)} allows only {wording.asked(fact.label)}")
        elif isinstance(fact, Needs):
            words.append(_needs_of(fact, best, chosen, wording) + _since(fact, best, chosen, wording, others))
        elif isinstance(fact, Inherited):
            words.append(_inherited(fact, chosen, wording))
        elif isinstance(fact, Unusable):
            own = best.partition(" ")[0] == fact.package
            words.append(f"{best if own else fact.package} cannot be used: {fact.reason}")
    said = list(dict.fromkeys(words)) or ["an existing lock holds it"]
    return "; ".join([*said[:MOST_REASONS], *[f"and {len(said) - MOST_REASONS} more"] * (len(said) > MOST_REASONS)])


def why_given_up(held: Held, name: str, chosen: Mapping[str, str], wording: Wording, others: Mapping[str, Held]) -> str:
    """Return in one sentence what the best release that the user allows was given up for; "" if it was not."""
    if held.given_up is None:
        return ""
    best = wording.releases(name, 1 << held.given_up.best)
    return f"; {best} was allowed, but {why_held(held.given_up, best, chosen, wording, others)}"


def _inherited(fact: Inherited, chosen: Mapping[str, str], wording: Wording) -> str:
    """Say which upper bound of a newer release an older one is held to."""
    parent = fact.needs.parent
    needs = " and ".join(sorted({wording.need(edge) for edge in fact.needs.edges}))
    stating = wording.releases(parent, 1 << fact.stated_by)
    return f"{stating} needs {needs}, which {parent} {chosen.get(parent, '')} is held to as well"


def _needs_of(fact: Needs, best: str, chosen: Mapping[str, str], wording: Wording) -> str:
    """Say what a package needs; of the release that was not taken also where that stands."""
    needs = " and ".join(sorted({wording.need(edge) for edge in fact.edges}))
    if best.partition(" ")[0] != fact.parent:
        return f"{fact.switch or fact.parent} {chosen.get(fact.parent, '')} needs {needs}"
    child = fact.edges[0].package
    extra = f" with [{extra_of(fact.switch)}]" if fact.switch else ""
    return f"{best}{extra} needs {needs}" + (f", and {child} is at {chosen[child]}" if child in chosen else "")


def _since(fact: Needs, best: str, chosen: Mapping[str, str], wording: Wording, others: Mapping[str, Held]) -> str:
    """Say in parentheses what holds the project that a release not taken needs more of, down to what the user wrote."""
    edge = fact.edges[0]
    if best.partition(" ")[0] != fact.parent or edge.package not in chosen:
        return ""
    if (line := wording.line_against(edge)) is not None:
        return f" ({line})"
    held = others.get(edge.package)
    if held is None:
        return ""
    rest = {name: one for name, one in others.items() if name not in {fact.parent, edge.package}}
    by = [one for one in held.by if not (isinstance(one, Needs) and one.parent == fact.parent)] or held.own
    if not by:
        return ""
    nearest = held._replace(by=tuple(by[:1]))
    return f" ({why_held(nearest, wording.releases(edge.package, 1 << held.best), chosen, wording, rest)})"


class _Subject(NamedTuple):
    """Who needs something, in words, and whether a verb in the plural agrees with them."""

    text: str
    plural: bool


class _Sentences:
    """Words for one argument."""

    def __init__(self, impossible: Impossible, wording: Wording, naming: report.Naming) -> None:
        self.impossible = impossible
        self.wording = wording
        self.naming = naming

    def text(self, steps: Sequence[report.Step]) -> list[str]:
        """Return all lines, cut to leave room for at least one suggestion."""
        found: dict[str, None] = {}
        referred = {used for step in steps for used in step.uses}
        for place, step in enumerate(steps):
            for used in step.facts:
                found.update(dict.fromkeys(self.fact(used)))
            if step.conclusion:
                mark = f" ({place + 1})" if place in referred and len(steps) > 2 else ""
                found[f"so {self.naming.conclusion(step.conclusion)}{mark}"] = None
        lines = list(found)
        most = MOST_LINES - 2
        if len(lines) > most:
            cut = len(lines) - most + 1
            lines[most - 2 : most - 2 + cut] = [f"… {cut} more"]
        alone = len(lines) == 1 and any(_is_unmet(used) for step in steps for used in step.facts)
        return lines if alone else [*lines, _END]

    def fact(self, used: report.Used) -> Iterator[str]:
        """Say a fact, and after it which newer release one may think of, and why that will not do."""
        cause, wording = used.cause, self.wording
        if isinstance(cause, Unusable):
            yield f"{self.subject(cause.package, used.releases, cause.switch).text} cannot be used: {cause.reason}"
            return
        edge = cause.edges[0] if isinstance(cause, Needs) else cause.edge
        if isinstance(cause, Needs):
            subject, plural = self.subject(cause.parent, used.releases, cause.switch)
            verb = "need" if plural else "needs"
            if used.others and used.allowed:
                yield f"{subject} {verb} {self.naming.some(used.child, used.allowed)}, each its own part of that"
                return
            said = f"{subject} {verb} {' and '.join(dict.fromkeys(wording.need(edge) for edge in cause.edges))}"
        else:
            verb = "asks for" if isinstance(cause, Required) else "allows only"
            said = f"{wording.root(cause.label)} {verb} {wording.asked(cause.label)}"
        if _is_unmet(used):
            yield f"{said}, but {wording.unmet(edge)}"
            return
        yield said
        if (newer := wording.newer_but_unfit(edge)) is not None:
            yield newer

    def subject(self, name: str, mask: int, switch: str | None) -> _Subject:
        """Name who needs something: releases of a package, or an extra of them."""
        if self.naming.is_every(name, mask):
            return _Subject(f"every release of {switch or name}", plural=False)
        text = self.naming.some(name, mask)
        return _Subject(switch + text[len(name) :] if switch else text, plural=mask & (mask - 1) != 0)


def _is_unmet(used: report.Used) -> bool:
    """Return whether a fact is impossible by itself: it needs something of which no release may be taken."""
    cause = used.cause
    if isinstance(cause, Unusable):
        return False
    edge = cause.edges[0] if isinstance(cause, Needs) else cause.edge
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
