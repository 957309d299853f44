"""What can go wrong in the tool, one class per blame; each maps to one exit code (``pipx_parallel.cli``).

PipxParallelError
 ├── UsageError            a flag, variable or setting is wrong                            exit 2
 ├── RequirementsError     an input cannot be understood; carries its origin               exit 2
 ├── NoSolution            the requirements contradict each other; carries the argument    exit 1
 ├── Incomplete            some projects could not be had; carries every failure           exit 1, 4 or 5
 ├── StaleLock             a lock no longer answers its inputs (``--check``)               exit 3
 ├── OutputError           an output cannot be written                                     exit 2
 └── Bug                   an invariant of ours does not hold                              exit 70
"""

from __future__ import annotations

from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from collections.abc import Mapping, Sequence

    from mirror.records.model import FetchFailure
    from pipx_parallel.model import Offer, Origin


class PipxParallelError(Exception):
    """Root of every error of this package. ``str(error)`` is fit for a user as it is."""


class UsageError(PipxParallelError):
    """A flag, an environment variable or a setting cannot be honoured."""


class RequirementsError(PipxParallelError, ValueError):
    """An input cannot be understood.

    ``origin`` says where; ``problem`` what is wrong; ``remedy`` what to do about it (may be empty).
    """

    def __init__(self, origin: Origin, problem: str, remedy: str = "") -> None:
        """Join the three into one message: ``requirements.txt:7: problem; remedy``."""
        self.origin = origin
        self.problem = problem
        self.remedy = remedy
        super().__init__(f"{origin}: {problem}" + (f"; {remedy}" if remedy else ""))


class NoSolution(PipxParallelError):
    """No set of releases satisfies the requirements.

    ``explanation`` is the argument, a line a step; ``suggestions`` are changes that were tried and lead to an answer.
    """

    def __init__(
        self, explanation: Sequence[str], suggestions: Sequence[Offer] = (), facts: Mapping[str, object] | None = None
    ) -> None:
        """Keep the argument's lines and join all into the message; ``facts`` is the argument for programs."""
        self.explanation = tuple(explanation)
        self.suggestions = tuple(suggestions)
        self.facts = dict(facts or {"argument": list(explanation)})
        super().__init__("\n".join((*self.explanation, *(f"try: {offer}" for offer in self.suggestions))))

    def to_json(self) -> dict[str, object]:
        """Return the error for programs: argument, facts, and each suggestion by itself."""
        return {**self.facts, "suggestions": [offer._asdict() for offer in self.suggestions]}


class Incomplete(PipxParallelError):
    """Some projects or releases could not be had. ``failures`` holds all of them, sorted by project."""

    def __init__(self, failures: Sequence[FetchFailure], message: str) -> None:
        """Keep the failures; ``message`` names them all."""
        self.failures = tuple(failures)
        super().__init__(message)


class StaleLock(PipxParallelError):
    """A lock no longer answers its inputs. ``reasons`` says why, a line each."""

    def __init__(self, reasons: Sequence[str]) -> None:
        """Keep the reasons and join them into the message."""
        self.reasons = tuple(reasons)
        super().__init__("\n".join(self.reasons))


class OutputError(PipxParallelError, OSError):
    """An output cannot be written; nothing was changed."""


class Bug(PipxParallelError):
    """An invariant does not hold: ours to repair, never the user's fault."""
