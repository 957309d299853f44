"""Convert a proof to an explanation: steps as plain data, and the wording of their conclusions.

A step has the facts it uses, each with the relevant releases, and the conclusion from them; the last step has no conclusion,
because its facts contradict each other. The caller words the facts; ``Naming`` words releases and conclusions.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, NamedTuple, Protocol

from pipx_parallel.resolver.ports import ABSENT, equal_by_type
from pipx_parallel.resolver.terms import Bound, Dependency, Derived, ExtraOf, Merged, Required, Unusable
from pipx_parallel.resolver.unsat_core import smallest_proof

if TYPE_CHECKING:
    from collections.abc import Sequence

    from pipx_parallel.resolver.ports import RootEdge
    from pipx_parallel.resolver.solver import Impossible
    from pipx_parallel.resolver.terms import Incompatibility


class PackageWording(Protocol):
    """The caller's names of packages and releases. Masks are not empty and have releases only."""

    def package(self, name: str) -> str:
        """Name a package, or a switch: ``requests[socks]``."""
        ...

    def releases(self, name: str, mask: int) -> str:
        """Name some releases of a package: ``urllib3 1.26.0 to 1.26.18``."""
        ...


@equal_by_type
class Used(NamedTuple):
    """A fact in a step. ``releases`` are the relevant releases of the parent (0 for a root).

    ``child`` is the required package, and ``allowed`` its allowed releases. For merged dependencies (``Merged``) ``cause`` is
    the first and ``others`` the number of the rest.
    """

    cause: Required | Bound | Dependency | Unusable
    releases: int
    child: str
    allowed: int
    others: int = 0


@equal_by_type
class Step(NamedTuple):
    """From ``facts`` and earlier steps (``uses``: their indices) it follows that the ``conclusion`` terms exclude each other.

    A term is (package, mask); bit 0 of the mask is "not installed". Without terms, the facts contradict each other.
    """

    facts: tuple[Used, ...]
    uses: tuple[int, ...]
    conclusion: tuple[tuple[str, int], ...]


def explain(impossible: Impossible) -> tuple[Step, ...]:
    """Return the shortest explanation that was found, in reading order."""
    proof = smallest_proof(impossible.proof, impossible.universe)
    order: list[Incompatibility] = []
    stack = [(proof, False)]
    seen: set[int] = set()
    while stack:  # depth first, premises before conclusions; a proof may be deeper than Python's stack
        clause, done = stack.pop()
        if done:
            order.append(clause)
        elif id(clause) not in seen:
            seen.add(id(clause))
            stack.append((clause, True))
            stack += [(part, False) for part in _parts(clause) if _fact(part) is None]
    indexes = {id(clause): index for index, clause in enumerate(order)}
    return tuple(_step(impossible, clause, indexes) for clause in order)


def _parts(clause: Incompatibility) -> list[Incompatibility]:
    """Return the premises of a derived incompatibility, in the order of propagation."""
    cause = clause.cause
    if not isinstance(cause, Derived):
        return [clause]
    return [_unwrapped(part) for part in reversed(cause.parts)]


def _unwrapped(clause: Incompatibility) -> Incompatibility:
    """Skip derivations that change nothing."""
    while isinstance(clause.cause, Derived) and len(clause.cause.parts) == 1:
        clause = clause.cause.parts[0]
    return clause


def _fact(clause: Incompatibility) -> Incompatibility | None:
    return None if isinstance(clause.cause, Derived) else clause


def _step(impossible: Impossible, clause: Incompatibility, indexes: dict[int, int]) -> Step:
    """Replay a derivation to find the releases that are relevant to each fact."""
    current = dict(zip(clause.packages, clause.masks, strict=True))
    used: list[Used] = []
    uses: list[int] = []
    for part in _parts(clause):
        if _fact(part) is None:
            uses.append(indexes[id(part)])
        elif not isinstance(part.cause, ExtraOf):
            used.append(_used(impossible, part, current))
        _narrow(impossible, part, current)
    names = impossible.names
    terms = tuple((names[package], mask) for package, mask in zip(clause.packages, clause.masks, strict=True))
    return Step(tuple(_chained(used, impossible.roots)), tuple(uses), terms)


def _narrow(impossible: Impossible, part: Incompatibility, current: dict[int, int]) -> None:
    """Narrow the package of the only term of an incompatibility that does not hold yet."""
    open_terms = [
        (package, mask)
        for package, mask in zip(part.packages, part.masks, strict=True)
        if current.get(package, impossible.universe[package]) & ~mask
    ]
    if len(open_terms) == 1:
        package, mask = open_terms[0]
        current[package] = current.get(package, impossible.universe[package]) & ~mask


def _used(impossible: Impossible, fact: Incompatibility, current: dict[int, int]) -> Used:
    cause, others = fact.cause, 0
    if isinstance(cause, Merged):
        others = len(cause.parts) - 1
        cause = cause.parts[0].cause
    if not isinstance(cause, Required | Bound | Dependency | Unusable):
        raise TypeError(f"Bug: {type(cause).__name__} is no fact for a user")
    parent, universe = fact.packages[0], impossible.universe
    if isinstance(cause, Required | Bound):
        return Used(cause, 0, impossible.names[parent], universe[parent] & ~fact.masks[0] & ~ABSENT, others)
    releases = fact.masks[0] & current.get(parent, universe[parent]) & ~ABSENT
    if isinstance(cause, Unusable):
        return Used(cause, releases or fact.masks[0], cause.package, 0, others)
    name = cause.edges[0].package
    child = next((it for it in fact.packages if impossible.names[it] == name), parent)
    allowed = universe[child] & ~ABSENT
    if others:
        allowed &= ~fact.masks[fact.packages.index(child)]
    for edge in () if others else cause.edges:
        allowed &= edge.mask
    return Used(cause, releases or fact.masks[0], name, allowed, others)


def _chained(used: Sequence[Used], roots: Sequence[RootEdge]) -> list[Used]:
    """Order facts so that each follows its premise, if possible.

    Roots are in the order written; of releases that cannot be used the newest are first.
    """
    order = {(root.label, root.edge): number for number, root in enumerate(roots)}

    def input_index(fact: Used) -> int:
        cause = fact.cause
        return order[cause.label, cause.edge] if isinstance(cause, Required | Bound) else -1

    unusable = [fact for fact in used if isinstance(fact.cause, Unusable)]
    newest_first = iter(sorted(unusable, key=lambda fact: fact.releases.bit_length(), reverse=True))
    ordered = [next(newest_first) if isinstance(fact.cause, Unusable) else fact for fact in used]
    rest = sorted(ordered, key=input_index)
    chained: list[Used] = []
    reached: set[str] = set()
    last = ""
    while rest:
        ready = [it for it in rest if reached.issuperset(_premises(it))] or rest
        best = next((it for it in ready if last in _premises(it)), ready[0])
        rest.remove(best)
        chained.append(best)
        last = best.child
        reached.add(last)
    return chained


def _premises(used: Used) -> tuple[str, ...]:
    """Return the packages that must be installed for a fact to apply."""
    cause = used.cause
    if isinstance(cause, Required | Bound):
        return ()
    name = cause.parent if isinstance(cause, Dependency) else cause.package
    return (name, cause.switch) if cause.switch else (name,)


class Naming:
    """Names releases and words conclusions, with the caller's names."""

    def __init__(self, impossible: Impossible, wording: PackageWording) -> None:
        """Take the failed search and the caller's names."""
        self.impossible = impossible
        self.wording = wording
        self.numbers = {name: number for number, name in enumerate(impossible.names)}

    def some(self, name: str, mask: int) -> str:
        """Name releases; all of a package in one word, a switch by its name."""
        if self.impossible.bases[self.numbers[name]] >= 0:
            return self.wording.package(name)
        if self.is_every(name, mask):
            return f"every release of {self.wording.package(name)}"
        return self.wording.releases(name, mask) if mask else f"no release of {self.wording.package(name)}"

    def is_every(self, name: str, mask: int) -> bool:
        """Return whether these are all releases, of a package that has several."""
        every = self.impossible.universe[self.numbers[name]] & ~ABSENT
        return not every & ~mask and every & (every - 1) != 0

    def conclusion(self, terms: Sequence[tuple[str, int]]) -> str:
        """Word terms that exclude each other: what is installed, and what it requires."""
        there = [self.some(name, mask) for name, mask in terms if not mask & ABSENT]
        needed = [
            self.some(name, self.impossible.universe[self.numbers[name]] & ~mask)
            for name, mask in terms
            if mask & ABSENT
        ]
        if needed:
            subject = f"{' with '.join(there)} needs " if there else "one must have "
            return subject + " or ".join(needed)
        if len(there) == 1:
            return f"{there[0]} cannot be used"
        return f"{' with '.join(there)} cannot be used together"
