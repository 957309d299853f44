"""The solver's arguments in words, for tests that know no packaging."""

from __future__ import annotations

from typing import TYPE_CHECKING

from pipx_parallel.resolver.report import Naming, Step, Used, explain
from pipx_parallel.resolver.terms import Bound, Required, Unusable
from tests.support.fake_source import PlainWords

if TYPE_CHECKING:
    from collections.abc import Sequence

    from pipx_parallel.resolver.ports import Edge
    from pipx_parallel.resolver.solver import Impossible


def explanation(impossible: Impossible) -> list[str]:
    """Return the argument, a line a fact or conclusion."""
    return lines(explain(impossible), impossible)


def lines(steps: Sequence[Step], impossible: Impossible) -> list[str]:
    """Word the steps of an argument."""
    return _Sentences(impossible).text(steps)


class _Sentences(Naming):
    """An argument in the words of ``PlainWords``."""

    def __init__(self, impossible: Impossible) -> None:
        """Take what was found impossible."""
        super().__init__(impossible, words := PlainWords())
        self.words = words

    def text(self, steps: Sequence[Step]) -> list[str]:
        """Return all lines."""
        lines_used: dict[str, None] = {}
        referred = {used for step in steps for used in step.uses}
        for position, step in enumerate(steps):
            lines_used.update(dict.fromkeys(self.fact(used) for used in step.facts))
            if step.conclusion:
                mark = f" ({position + 1})" if position in referred and len(steps) > 2 else ""
                lines_used[f"so {self.conclusion(step.conclusion)}{mark}"] = None
        text = list(lines_used)
        return [*text, *self.ending(steps[-1])]

    def ending(self, last: Step) -> list[str]:
        """Say that the end is reached, unless the only fact has said so."""
        if len(last.facts) == 1 and not last.uses:
            return []
        return ["so no set of releases meets them all"]

    def fact(self, used: Used) -> str:
        """Word a fact."""
        cause, words = used.cause, self.words
        if isinstance(cause, Required):
            return f"{words.root(cause.label)} asks for {words.need(cause.edge)}{self.unmet(used, cause.edge)}"
        if isinstance(cause, Bound):
            return f"{words.root(cause.label)} allows only {words.need(cause.edge)}"
        if isinstance(cause, Unusable):
            return f"{self.parent(cause.package, used.releases, cause.switch)} cannot be used: {cause.reason}"
        subject = self.parent(cause.parent, used.releases, cause.switch)
        if used.others and used.allowed:
            return f"{subject} needs {self.some(used.child, used.allowed)}, bounds differ by release"
        requirements_text = " and ".join(dict.fromkeys(words.need(edge) for edge in cause.edges))
        return f"{subject} needs {requirements_text}{self.unmet(used, cause.edges[0])}"

    def unmet(self, used: Used, edge: Edge) -> str:
        """Say that nothing meets a need, if so."""
        if used.allowed:
            return ""
        return f", but {self.words.unmet(edge)}"

    def parent(self, name: str, mask: int, switch: str | None) -> str:
        """Name who needs something."""
        extra = f" (as {self.words.package(switch)})" if switch else ""
        return self.some(name, mask) + extra
