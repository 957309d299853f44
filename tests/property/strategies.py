"""Small universes at random: from a seed (fast, many) and as a hypothesis strategy (shrinks)."""

from __future__ import annotations

from random import Random

from hypothesis import strategies as st

from pipx_parallel.resolver.ports import Edge, RootEdge, Unavailable
from tests.support.fake_source import Answer, Universe, base_of

PACKAGES = ("a", "b", "c", "d", "e", "f")
EXTRAS = ("x", "y")


class _Maker:
    """Draws one universe; each draw has its own density of needs, so that easy and hopeless ones both come up."""

    def __init__(self, random: Random) -> None:
        self.random = random
        self.names = PACKAGES[: random.randint(2, len(PACKAGES))]
        self.counts = {name: random.randint(1, 4) for name in self.names}
        self.density = random.choice((0.5, 1.0, 1.5, 2.2))
        self.tight = random.choice((0.3, 0.6, 0.8))
        self.extras = random.random() < 0.5

    def mask(self, name: str) -> int:
        return sum(1 << bit for bit in range(1, self.counts[name] + 1) if self.random.random() > self.tight * 0.6)

    def edges(self) -> list[Edge]:
        edges_drawn: list[Edge] = []
        while self.random.random() < self.density / (self.density + 1) and len(edges_drawn) < 5:
            if self.random.random() < 0.02:
                edges_drawn.append(Edge("nowhere", 0, "nowhere"))
                continue
            name = self.random.choice(self.names)
            mask = self.mask(name)
            edges_drawn.append(Edge(name, mask, (name, mask)))
            if self.extras and self.random.random() < 0.4:
                switch = f"{name}[{self.random.choice(EXTRAS)}]"
                edges_drawn.append(Edge(switch, 2, (switch, mask)))
        return edges_drawn

    def answer(self) -> Answer:
        return Unavailable("broken metadata") if self.random.random() < 0.06 else self.edges()

    def universe(self) -> Universe:
        domains: dict[str, int] = {}
        dependencies: dict[tuple[str, int], Answer] = {}
        extras: dict[tuple[str, int, str], Answer] = {}
        for name in self.names:
            full = (2 << self.counts[name]) - 2
            domains[name] = full & ~(2 if self.random.random() < 0.1 else 0)
            shared = self.edges()  # most releases of a project need the same
            for bit in range(1, self.counts[name] + 1):
                dependencies[name, bit] = shared if self.random.random() < 0.5 else self.answer()
                if self.extras:
                    for extra in EXTRAS:
                        extras[name, bit, f"{name}[{extra}]"] = self.answer()
        return Universe(domains, dependencies, extras, self.roots(), lowest=self.random.random() < 0.15)

    def roots(self) -> list[RootEdge]:
        roots: list[RootEdge] = []
        for number in range(self.random.randint(1, 4)):
            name = self.random.choice(self.names)
            mask = self.mask(name) if self.random.random() < 0.4 else (2 << self.counts[name]) - 2
            constraint = bool(roots) and self.random.random() < 0.3
            roots.append(RootEdge(Edge(name, mask, (name, mask)), f"in:{number}", constraint))
            if self.extras and not constraint and self.random.random() < 0.4:
                roots.append(RootEdge(Edge(f"{name}[x]", 2, f"{name}[x]"), f"in:{number}"))
        return roots


def universe_of(random: Random) -> Universe:
    """Draw a universe: at most 6 packages of at most 4 releases, with extras, cycles, gaps and bounds."""
    return _Maker(random).universe()


def crowded_of(random: Random) -> Universe:
    """Draw a universe in which nearly everything is required and little fits: many conflicts, many things learned."""
    names = PACKAGES[: random.randint(4, 5)]
    count = random.randint(4, 6)
    every = (2 << count) - 2
    fit = random.choice((0.3, 0.4, 0.5))

    def mask() -> int:
        return sum(1 << bit for bit in range(1, count + 1) if random.random() < fit)

    dependencies: dict[tuple[str, int], Answer] = {}
    for name in names:
        for bit in range(1, count + 1):
            others = random.sample([other for other in names if other != name], random.randint(1, 3))
            masks = [mask() for _ in others]
            dependencies[name, bit] = [Edge(*it, it) for it in zip(others, masks, strict=True)]
    asked = names[: random.randint(1, len(names))]
    roots = [RootEdge(Edge(name, every, name), f"in:{name}") for name in asked]
    return Universe(dict.fromkeys(names, every), dependencies, {}, roots)


def universes() -> st.SearchStrategy[Universe]:
    """Return the same as a strategy."""
    return st.randoms(use_true_random=False).map(universe_of)


def directs_of(universe: Universe) -> list[str]:
    """Return the packages that the roots ask for, in order, without switches."""
    names = [root.edge.package for root in universe.roots if not root.constraint]
    return [name for name in dict.fromkeys(names) if base_of(name) is None]


def history_of(random: Random) -> Universe:
    """Draw projects with a history: upper bounds appear, rise, fall and go missing, and releases have upload times."""
    names = PACKAGES[: random.randint(3, 5)]
    counts = {name: random.randint(2, 5) for name in names}
    dated = random.random() < 0.8
    dependencies: dict[tuple[str, int], Answer] = {}
    extras: dict[tuple[str, int, str], Answer] = {}
    uploads: dict[tuple[str, int], int] = {}
    for name in names:
        others = random.sample([it for it in names if it != name], random.randint(0, 2))
        day = random.randint(1, 400)
        for bit in range(1, counts[name] + 1):
            day = max(1, day + random.choice((0, 1, 5, 40, 400, -30)))  # a fix of an old series comes late
            if dated and random.random() < 0.97:
                uploads[name, bit] = day
            edges = [_bounded(random, other, bit / counts[name], counts[other]) for other in others]
            dependencies[name, bit] = [it for it in edges if it is not None]
            extra = _bounded(random, random.choice(names), bit / counts[name], counts[names[0]])
            if extra is not None and extra.package != name and extra.mask >> counts[extra.package] + 1 == 0:
                extras[name, bit, f"{name}[x]"] = [extra]
    asked = random.sample(names, random.randint(1, 3))
    roots: list[RootEdge] = []
    for line, name in enumerate(asked):
        every = (2 << counts[name]) - 2
        mask = every if random.random() < 0.6 else every >> random.randint(1, 2) & every or every
        roots.append(RootEdge(Edge(name, mask, (name, mask)), f"in:{line}"))
        if random.random() < 0.3:
            roots.append(RootEdge(Edge(f"{name}[x]", 2, f"{name}[x]"), f"in:{line}"))
    domains = {name: (2 << count) - 2 for name, count in counts.items()}
    return Universe(domains, dependencies, extras, roots, lowest=random.random() < 0.1, uploads=uploads)


def _bounded(random: Random, child: str, age: float, count: int) -> Edge | None:
    """Return a need of a release of some age (1: the newest): often with a lower bound, an upper bound, or both."""
    kind = random.random()
    if kind < 0.1:
        return None
    top = count if kind < 0.5 else max(1, min(count, round(age * count) + random.choice((-1, 0, 0, 1))))
    low = 1 if random.random() < 0.6 else random.randint(1, top)
    mask = (2 << top) - (1 << low)
    return Edge(child, mask, (child, low, top))
