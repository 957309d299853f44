"""A typed source of candidates held in memory, and a solver by exhaustion to compare with."""

from __future__ import annotations

from collections.abc import Callable, Hashable, Iterator, Mapping, Sequence
from typing import NamedTuple

from pipx_parallel.resolver.masks import bits_of, runs_of
from pipx_parallel.resolver.ports import Edge, RootEdge, Unavailable

Answer = Sequence[Edge] | Unavailable


class Universe(NamedTuple):
    """Packages with their releases and dependencies; a package that is not in ``domains`` does not exist."""

    domains: Mapping[str, int]
    dependencies: Mapping[tuple[str, int], Answer]
    extras: Mapping[tuple[str, int, str], Answer]
    roots: Sequence[RootEdge]
    lowest: bool = False  # prefer the oldest release
    uploads: Mapping[tuple[str, int], int] = {}


def base_of(name: str) -> str | None:
    """Return ``a`` for ``a[x]``, None for ``a``."""
    return name.partition("[")[0] if "[" in name else None


class FakeSource:
    """Answers from a universe and records what it was asked."""

    def __init__(self, universe: Universe) -> None:
        """Serve ``universe``."""
        self.universe = universe
        self.asked: list[tuple[str, int, str | None]] = []
        self.prepared: list[tuple[str, ...]] = []
        self.hinted: list[tuple[str, tuple[int, ...]]] = []

    def prepare(self, packages: Sequence[str]) -> None:
        """Record the packages."""
        self.prepared.append(tuple(packages))

    def domain(self, package: str) -> int | Unavailable:
        """Return what the universe says."""
        return self.universe.domains.get(package, Unavailable(f"no index has {package}"))

    def switch_of(self, package: str) -> str | None:
        """Return the package before the bracket."""
        return base_of(package)

    def choose(self, package: str, mask: int) -> int:
        """Return the newest of ``mask``, or the oldest where the universe says so."""
        assert mask
        assert not mask & 1, package
        return (mask & -mask if self.universe.lowest else mask).bit_length() - 1

    def best(self, package: str, mask: int) -> int:
        """Return the same: there is no earlier answer."""
        return self.choose(package, mask)

    def newest(self, package: str) -> int:
        """Return the newest release there is."""
        return self.universe.domains.get(package, 1).bit_length() - 1

    def uploaded(self, package: str, bit: int) -> int:
        """Return what the universe says, 0 where it says nothing."""
        return self.universe.uploads.get((package, bit), 0)

    def later_uploads(self, package: str, bit: int) -> int:
        """Return the older releases that the universe dates later."""
        day = self.uploaded(package, bit)
        return sum(1 << older for older in range(1, bit) if 0 < day < self.uploaded(package, older))

    def has_extra(self, package: str, bit: int, switch: str) -> bool:
        """Say whether the universe has dependencies of that extra."""
        return bool(self.universe.extras.get((package, bit, switch)))

    def prepare_dependencies(self, package: str, bits: Sequence[int]) -> None:
        """Record the hint."""
        self.hinted.append((package, tuple(bits)))

    def dependencies(self, package: str, bit: int, switch: str | None = None) -> Answer:
        """Return what the universe says; nothing where it says nothing."""
        self.asked.append((package, bit, switch))
        assert base_of(package) is None
        if switch is None:
            return self.universe.dependencies.get((package, bit), ())
        assert base_of(switch) == package
        return self.universe.extras.get((package, bit, switch), ())


class LazySource(FakeSource):
    """Computes the dependencies of a release when asked: for universes too large to write down."""

    def __init__(self, universe: Universe, dependencies: Callable[[str, int], Answer]) -> None:
        """Serve the domains of ``universe`` and the dependencies of ``dependencies``."""
        super().__init__(universe)
        self.compute = dependencies

    def dependencies(self, package: str, bit: int, switch: str | None = None) -> Answer:
        """Compute, unless an extra is asked about."""
        self.asked.append((package, bit, switch))
        return () if switch else self.compute(package, bit)


Chosen = Mapping[str, int]


def all_answers(universe: Universe) -> Iterator[Chosen]:
    """Yield every minimal closed answer: each package that is needed at one release, and no other package."""
    wanted = [root.edge for root in universe.roots if not root.constraint]
    yield from _extend(universe, {}, wanted)


def _extend(universe: Universe, chosen: dict[str, int], wanted: Sequence[Edge]) -> Iterator[Chosen]:
    """Decide the first wanted edge in every way, then the rest."""
    if not wanted:
        yield dict(chosen)
        return
    edge, rest = wanted[0], wanted[1:]
    if edge.package in chosen:
        if edge.mask >> chosen[edge.package] & 1:
            yield from _extend(universe, chosen, rest)
        return
    for bit in bits_of(edge.mask & _allowed(universe, edge.package)):
        chosen[edge.package] = bit
        more = _brought_in(universe, chosen, edge.package)
        if more is not None:
            yield from _extend(universe, chosen, [*rest, *more])
        del chosen[edge.package]


def _allowed(universe: Universe, package: str) -> int:
    mask = 2 if base_of(package) else universe.domains.get(package, 0)
    for root in universe.roots:
        if root.constraint and root.edge.package == package:
            mask &= root.edge.mask
    return mask


def _brought_in(universe: Universe, chosen: Chosen, package: str) -> list[Edge] | None:
    """Return the dependencies that a decision for ``package`` activates; None if it cannot be used."""
    base = base_of(package)
    answers: list[Answer] = []
    if base is None:
        answers.append(universe.dependencies.get((package, chosen[package]), ()))
        answers += [
            universe.extras.get((package, chosen[package], name), ()) for name in chosen if base_of(name) == package
        ]
    elif base in chosen:
        answers.append(universe.extras.get((base, chosen[base], package), ()))
    edges: list[Edge] = []
    for answer in answers:
        if isinstance(answer, Unavailable):
            return None
        edges += answer
    return edges


def is_closed(universe: Universe, chosen: Chosen) -> bool:
    """Say whether an answer satisfies the roots and all that its members need, and holds nothing else."""
    wanted = [root.edge for root in universe.roots if not root.constraint]
    for name in chosen:
        if not _allowed(universe, name) >> chosen[name] & 1:
            return False
        more = _brought_in(universe, chosen, name)
        if more is None:
            return False
        wanted += more
    if not all(edge.package in chosen and edge.mask >> chosen[edge.package] & 1 for edge in wanted):
        return False
    return _reached(universe, chosen) == set(chosen)


def _reached(universe: Universe, chosen: Chosen) -> set[str]:
    queue = [root.edge.package for root in universe.roots if not root.constraint]
    seen = dict.fromkeys(queue)
    for name in queue:
        present = {it: bit for it, bit in chosen.items() if it in seen}
        for edge in _brought_in(universe, present, name) or ():
            if edge.package not in seen:
                seen[edge.package] = None
                queue.append(edge.package)
    return set(seen)


def rank(universe: Universe, package: str, bit: int) -> int:
    """Return how good a release is: higher is better."""
    return -bit if universe.lowest and base_of(package) is None else bit


class PlainWords:
    """A vocabulary in numbers: ``a 1 to 3``."""

    def package(self, name: str) -> str:
        """Return the name."""
        return name

    def releases(self, name: str, mask: int) -> str:
        """Return the runs of bits."""
        runs = runs_of(mask, mask)
        return f"{name} " + ", ".join(f"{low} to {high}" if low < high else f"{low}" for low, high in runs)

    def need(self, edge: Edge) -> str:
        """Return the key where it is text, else the bits."""
        return edge.key if isinstance(edge.key, str) else f"{edge.package} in {list(bits_of(edge.mask))}"

    def root(self, label: Hashable) -> str:
        """Return the label."""
        return str(label)

    def unmet(self, edge: Edge) -> str:
        """Say it without a reason."""
        return f"no release of {edge.package} matches"


def edge(text: str) -> Edge:
    """Read ``b:1-3,5`` as an edge on releases 1 to 3 and 5 of ``b``, ``b[x]`` as one on the switch; the text is the key."""
    name, _, releases = text.partition(":")
    mask = 0
    for run in releases.split(",") if releases else ():
        low, _, high = run.partition("-")
        mask |= (2 << int(high or low)) - (1 << int(low))
    return Edge(name, 2 if "[" in name else mask, text)


def world(releases: Mapping[str, int], dependencies: Mapping[str, Sequence[str]], roots: Sequence[str]) -> Universe:
    """Write a universe down.

    ``releases`` counts the releases of each package; ``dependencies`` maps ``a:1-2`` (releases) or ``a[x]:1-2`` (an extra of
    them) to edges, or to one text that starts with ``!``, why these are unusable. Roots are edges; ``<= b:1-2`` is a bound.
    """
    own: dict[tuple[str, int], Answer] = {}
    extras: dict[tuple[str, int, str], Answer] = {}
    for subject, texts in dependencies.items():
        name, _, bits = subject.partition(":")
        base = base_of(name)
        broken = next((text[1:] for text in texts if text.startswith("!")), None)
        answer = Unavailable(broken) if broken is not None else [edge(text) for text in texts]
        for bit in bits_of(edge(f"{base or name}:{bits}").mask):
            if base is None:
                own[name, bit] = answer
            else:
                extras[base, bit, name] = answer
    domains = {name: (2 << count) - 2 for name, count in releases.items()}
    asked = [
        RootEdge(edge(text.removeprefix("<= ")), f"in.txt:{line}", text.startswith("<= "))
        for line, text in enumerate(roots, 1)
    ]
    return Universe(domains, own, extras, asked)
