"""The errors of the tool, one class per cause; each maps to one exit code (``pipx_parallel.cli``).

PipxParallelError
 ├── UsageError            an option, variable or setting is wrong                         exit 2
 ├── RequirementsError     an input cannot be parsed; has its origin                       exit 2
 ├── NoSolution            the requirements contradict each other; has the explanation     exit 1
 ├── Incomplete            some projects are not available; has every failure              exit 1, 4, 5 or 6
 ├── StaleLock             a lock no longer matches its inputs (``--check``)               exit 3
 ├── PolicyViolated        the policy refuses pins of an existing lock (``--check``)       exit 7
 ├── OutputError           an output cannot be written                                     exit 2
 └── Bug                   an internal invariant does not hold                             exit 70
"""

from __future__ import annotations

from typing import TYPE_CHECKING, NamedTuple

if TYPE_CHECKING:
    from collections.abc import Mapping, Sequence

    from mirror.records.model import FetchFailure
    from pipx_parallel.model import Offer, Origin


class PipxParallelError(Exception):
    """The base of every error of this package. ``str(error)`` is a message for the user, ``hint`` what to do (may be empty)."""

    hint: str = ""


class UsageError(PipxParallelError):
    """An option, an environment variable or a setting cannot be used. ``hint`` is what to do (may be empty)."""

    def __init__(self, problem: str, hint: str = "") -> None:
        """Join both into one message."""
        self.hint = hint
        super().__init__(f"{problem}; {hint}" if hint else problem)


class RequirementsError(PipxParallelError, ValueError):
    """An input cannot be parsed.

    ``origin`` is the place in the input, ``problem`` the cause, ``hint`` what to do (may be empty).
    """

    def __init__(self, origin: Origin, problem: str, remedy: str = "") -> None:
        """Join the three into one message: ``requirements.txt:7: problem; remedy``."""
        self.origin = origin
        self.problem = problem
        self.hint = remedy
        super().__init__(f"{origin}: {problem}" + (f"; {remedy}" if remedy else ""))


class Suggestions(NamedTuple):
    """Changes that were tried and lead to a solution; ``note`` is not empty if the time did not suffice to try all."""

    offers: tuple[Offer, ...]
    note: str = ""


class NoSolution(PipxParallelError):
    """No set of releases satisfies the requirements.

    ``explanation`` has one line per step; ``suggestions`` are changes that were tried and lead to a solution. ``is_printed``:
    the explanation was already printed, so only the suggestions and the ``note`` remain to print.
    """

    def __init__(
        self,
        explanation: Sequence[str],
        suggestions: Suggestions | None = None,
        facts: Mapping[str, object] | None = None,
        *,
        is_printed: bool = False,
    ) -> None:
        """Join the lines into the message; ``facts`` is the explanation for JSON."""
        offered = suggestions or Suggestions(())
        self.explanation = tuple(explanation)
        self.suggestions = offered.offers
        self.facts = dict(facts or {"argument": list(explanation)})
        self.is_printed = is_printed
        self.note = offered.note
        hints = (f"hint: {offer}" for offer in offered.offers)
        super().__init__("\n".join((*self.explanation, *hints, *([offered.note] if offered.note else ()))))

    def to_json(self) -> dict[str, object]:
        """Return the error for JSON: the explanation, its facts, and each suggestion."""
        return {**self.facts, "suggestions": [offer._asdict() for offer in self.suggestions]}


class Incomplete(PipxParallelError):
    """Some projects or releases are not available. ``failures`` has all of them, sorted by project."""

    def __init__(self, failures: Sequence[FetchFailure], message: str, hint: str = "") -> None:
        """Take the failures, a message that names them all, and what to do."""
        self.failures = tuple(failures)
        self.hint = hint
        super().__init__(message)


class StaleLock(PipxParallelError):
    """A lock no longer matches its inputs. ``reasons`` has one line per reason, ``hint`` is what to know (may be empty)."""

    def __init__(self, reasons: Sequence[str], hint: str = "") -> None:
        """Join the reasons into the message."""
        self.reasons = tuple(reasons)
        self.hint = hint
        super().__init__("\n".join(self.reasons))


class PolicyViolated(PipxParallelError):
    """The policy refuses pins of an existing lock. ``pins`` has one table per pin, for JSON."""

    def __init__(self, reasons: Sequence[str], pins: Sequence[Mapping[str, object]]) -> None:
        """Join the reasons, one per pin, and what to do, into the message."""
        self.pins = tuple(pins)
        super().__init__("\n".join(reasons))

    def to_json(self) -> dict[str, object]:
        """Return the pins for JSON."""
        return {"violations": [dict(pin) for pin in self.pins]}


class OutputError(PipxParallelError, OSError):
    """An output cannot be written; nothing was changed. ``hint`` is what to do (may be empty)."""

    def __init__(self, problem: str, hint: str = "") -> None:
        """Join both into one message."""
        self.hint = hint
        super().__init__(f"{problem}; {hint}" if hint else problem)


class Bug(PipxParallelError):
    """An internal invariant does not hold."""
