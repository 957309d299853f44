"""The command line: reads flags, calls one use case, says what happened.

Folder rule: a command is one file with ``OPTIONS``, ``ARGUMENTS`` and ``run(values) -> exit code``, and one line in
``commands``. Only ``app`` imports click. This module knows how each error ends the process, and imports nothing heavy.

Exit codes: 0 done, 1 no solution, 2 bad usage or input, 3 a lock is out of date, 4 offline and the mirror lacks something,
5 the index is unreachable, 6 an integrity mismatch, 7 advisories or a policy concern pins of a lock, 70 our bug, 130 interrupted.
"""

from __future__ import annotations

import os
import sys
from typing import TYPE_CHECKING

import mirror.errors as mirror_errors
from pipx_parallel import errors
from pipx_parallel.console import Printer, headed, wants_colour

if TYPE_CHECKING:
    from collections.abc import Callable, Mapping

DONE, NO_SOLUTION, BAD_INPUT, STALE, LACKING, UNREACHABLE, MISMATCH, VIOLATED, OUR_BUG, INTERRUPTED = (
    0,
    1,
    2,
    3,
    4,
    5,
    6,
    7,
    70,
    130,
)

EXIT_CODES: Mapping[type[BaseException], int] = {
    errors.UsageError: BAD_INPUT,
    errors.RequirementsError: BAD_INPUT,
    errors.OutputError: BAD_INPUT,
    errors.NoSolution: NO_SOLUTION,
    errors.StaleLock: STALE,
    errors.PolicyViolated: VIOLATED,
    errors.Bug: OUR_BUG,
    mirror_errors.NoSuchPath: BAD_INPUT,
    mirror_errors.NotFound: NO_SOLUTION,
    mirror_errors.NeedsBuild: NO_SOLUTION,
    mirror_errors.BuildFailed: NO_SOLUTION,
    mirror_errors.Offline: LACKING,
    mirror_errors.Unreachable: UNREACHABLE,
    mirror_errors.Malformed: UNREACHABLE,
    mirror_errors.Integrity: MISMATCH,
    mirror_errors.NotInstalled: BAD_INPUT,
    mirror_errors.AddressUnavailable: BAD_INPUT,
    mirror_errors.StoreError: BAD_INPUT,
    KeyboardInterrupt: INTERRUPTED,
}
_WORST_FIRST = (MISMATCH, LACKING, UNREACHABLE, BAD_INPUT)


class HelpRequested(Exception):
    """An option was given ``help`` as its value; the text is what it prints."""


def exit_code(error: BaseException) -> int:
    """Return how a process ends that meets this error; 70 for one that nobody expected."""
    if isinstance(error, errors.Incomplete):
        return failures_code(tuple(failure.error for failure in error.failures))
    return next((EXIT_CODES[kind] for kind in type(error).__mro__ if kind in EXIT_CODES), OUR_BUG)


def code_name(kind: type[BaseException]) -> str:
    """Return the named code of an error: its class in lower case with hyphens, ``no-solution``."""
    return "".join(f"-{letter.lower()}" if letter.isupper() else letter for letter in kind.__name__).lstrip("-")


def failures_code(failures: tuple[Exception, ...]) -> int:
    """Return the code for several failures at once: the one that asks most urgently for an action; 0 for none."""
    codes = [exit_code(failure) for failure in failures]
    return next((code for code in _WORST_FIRST if code in codes), NO_SOLUTION if codes else DONE)


def guarded(run: Callable[[], int], values: Mapping[str, object]) -> int:
    """Run a command's body and return its exit code; whatever goes wrong becomes one message on stderr.

    ``values`` are the flags, which say how to print.
    """
    try:
        return run()
    except HelpRequested as request:
        from pipx_parallel.cli.output import show  # only where help was asked for

        show(str(request))
        return DONE
    except KeyboardInterrupt:
        printer(values).error("interrupted; no output was written")
        return INTERRUPTED
    except Exception as error:  # noqa: BLE001 - the last line of defence: a user never sees a traceback
        return _tell(error, printer(values), as_json=values.get("error_format") == "json")


def printer(values: Mapping[str, object]) -> Printer:
    """Return the printer these flags and the environment ask for; never fails, whatever they hold."""
    return printer_at(_number(values.get("verbose")) - _number(values.get("quiet")), str(values.get("color") or "auto"))


def printer_at(verbosity: int, colour: str) -> Printer:
    """Return the printer on this process's stderr."""
    terminal = is_terminal()
    colours = wants_colour(colour, os.environ, terminal=terminal)
    return Printer(sys.stderr, verbosity, colour=colours, columns=_columns)


def _columns() -> int:
    from shutil import get_terminal_size  # only if progress is drawn

    return get_terminal_size().columns


def is_terminal() -> bool:
    """Return whether a person may be watching stderr."""
    try:
        return sys.stderr.isatty()
    except (AttributeError, ValueError):  # no stderr (pythonw), or a closed one
        return False


def _tell(error: Exception, printer: Printer, *, as_json: bool) -> int:
    code = exit_code(error)
    if isinstance(error, BrokenPipeError) or isinstance(error.__cause__, BrokenPipeError):
        # The reader of stdout went away (`| head`): no mistake, and what it left must not be flushed into the void at exit.
        os.dup2(os.open(os.devnull, os.O_WRONLY), 1)
        return NO_SOLUTION
    if as_json:
        printer.plain(_json_of(error, code))
        return code
    if isinstance(error, errors.NoSolution):
        if not error.is_printed:
            printer.error(headed(error.explanation))
        for offer in error.suggestions:
            printer.hint(str(offer))
        if error.note:
            printer.plain(error.note)
        return code
    if code != OUR_BUG:
        printer.error(str(error))
        return code
    hint = "please report it" if _debugging() else "please report it; PIPX_PARALLEL_DEBUG=1 shows where"
    text = " ".join(str(error).split())
    printer.error(f"internal error: {type(error).__name__}: {text}; {hint}")
    if _debugging():
        import traceback  # only if one was asked for

        printer.error("".join(traceback.format_exception(error)))
    return code


def _json_of(error: Exception, code: int) -> str:
    """Return an error for programs, on one line: its kind, exit code and message; for some errors more facts."""
    import json  # only if it is asked for

    more = error.to_json() if isinstance(error, errors.NoSolution | errors.PolicyViolated) else {}
    kind = type(error)
    return json.dumps(
        {"error": kind.__name__, "code": code_name(kind), "exit-code": code, "message": str(error), **more}
    )


def _debugging() -> bool:
    return os.environ.get("PIPX_PARALLEL_DEBUG", "") not in {"", "0"}


def _number(value: object) -> int:
    return value if isinstance(value, int) else 0
