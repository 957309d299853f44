"""An error in three parts, for people and for programs: a headline, the reasons, and hints; with its named code."""

from __future__ import annotations

from typing import TYPE_CHECKING

import mirror.errors as mirror_errors
from mirror.equality import NamedTuple
from pipx_parallel import errors

if TYPE_CHECKING:
    from collections.abc import Mapping, Sequence

    from mirror.records.model import FetchFailure

# What to do about an error that brings no hint of its own.
_HINTS: Mapping[type[BaseException], str] = {
    mirror_errors.AddressUnavailable: "use another --port (0: any that is free) or --host",
    errors.StaleLock: "run the same command without --check and --diff to update it",
    mirror_errors.Offline: "allow the network (leave out --offline), or fill the mirror first with pipx-parallel mirror warm",
    mirror_errors.Withdrawn: "",
    mirror_errors.Unreachable: "check the URL of the index, the credentials and the network, and run it again",
    mirror_errors.Integrity: "do not install it; pipx-parallel mirror doctor checks the mirror, --refresh fetches again",
    mirror_errors.BuildFailed: "--only-binary NAME takes a release that has a wheel",
}
NO_SOLUTION = "No solution found"


class ErrorReport(NamedTuple):
    """What is printed of an error."""

    code: str
    headline: str
    reasons: tuple[str, ...] = ()
    hints: tuple[str, ...] = ()

    def to_json(self) -> dict[str, object]:
        """Return the report for JSON."""
        return {"code": self.code, "headline": self.headline, "reasons": list(self.reasons), "hints": list(self.hints)}


def code_name(kind: type[BaseException]) -> str:
    """Return the named code of an error: its class in lower case with hyphens, ``no-solution``."""
    return "".join(f"-{letter.lower()}" if letter.isupper() else letter for letter in kind.__name__).lstrip("-")


def kind_of(error: Exception) -> type[BaseException]:
    """Return the class that an error is reported as: that of its failures if all of them have the same one."""
    return kind_of_failures(error.failures) if isinstance(error, errors.Incomplete) else type(error)


def kind_of_failures(failures: Sequence[FetchFailure]) -> type[BaseException]:
    """Return the class that failures are reported as."""
    kinds = {type(failure.error) for failure in failures}
    return kinds.pop() if len(kinds) == 1 else errors.Incomplete


def report_of(error: Exception) -> ErrorReport:
    """Return the parts of an error that is not a bug."""
    code = code_name(kind_of(error))
    if isinstance(error, errors.NoSolution):
        return ErrorReport(code, NO_SOLUTION, error.explanation, tuple(map(str, error.suggestions)))
    own = error.hint if isinstance(error, errors.PipxParallelError) else ""
    text = str(error).removesuffix(f"; {own}") if own else str(error)
    headline, *reasons = text.split("\n")
    hint = own or _default_hint(error)
    return ErrorReport(code, headline, tuple(line.removeprefix("  ") for line in reasons), (hint,) if hint else ())


def bug_report(error: Exception, *, debugging: bool) -> ErrorReport:
    """Return the parts of an error that nobody expected."""
    text = " ".join(str(error).split())
    hint = "please report it" if debugging else "please report it; PIPX_PARALLEL_DEBUG=1 shows where"
    return ErrorReport("bug", f"internal error: {type(error).__name__}: {text}", (), (hint,))


def _default_hint(error: Exception) -> str:
    if isinstance(error, errors.Incomplete):
        hints = dict.fromkeys(_default_hint(failure.error) for failure in error.failures)
        return "; ".join(filter(None, hints))
    if isinstance(error, mirror_errors.Offline) and error.remedy:
        return error.remedy
    return next((_HINTS[kind] for kind in type(error).__mro__ if kind in _HINTS), "")
