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
from pipx_parallel.console import Printer, painted, wants_colour

if TYPE_CHECKING:
    from collections.abc import Callable, Mapping

    from pipx_parallel.locks.paint import Paint

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
        return interrupted(values)
    except Exception as error:  # noqa: BLE001 - the last line of defence: a user never sees a traceback
        return tell(error, values)


def interrupted(values: Mapping[str, object]) -> int:
    """Report that the user has ended the command; return the exit code."""
    text = "interrupted; no output was written"
    if _wants_json(values):
        printer(values).plain(
            f'{{"error": "KeyboardInterrupt", "exit-code": {INTERRUPTED}, "code": "interrupted", "message": "{text}"}}'
        )
    else:
        printer(values).error(text)
    return INTERRUPTED


def printer(values: Mapping[str, object]) -> Printer:
    """Return the printer these flags and the environment ask for; never fails, whatever they hold."""
    return printer_at(_number(values.get("verbose")) - _number(values.get("quiet")), str(values.get("color") or "auto"))


def printer_at(verbosity: int, colour: str) -> Printer:
    """Return the printer on this process's stderr."""
    terminal = is_terminal()
    colours = wants_colour(colour, os.environ, terminal=terminal)
    return Printer(sys.stderr, verbosity, colour=colours, columns=_columns)


def paint_for(colour: str) -> Paint:
    """Return what paints the parts of an output on this process's stdout; ``colour`` is the value of --color."""
    try:
        terminal = sys.stdout.isatty()
    except (AttributeError, ValueError):  # no stdout, or a closed one
        terminal = False
    if wants_colour(colour, os.environ, terminal=terminal):
        return painted
    from pipx_parallel.locks.paint import unpainted  # of the commands that show something

    return unpainted


def _columns() -> int:
    from shutil import get_terminal_size  # only if progress is drawn

    return get_terminal_size().columns


def is_terminal() -> bool:
    """Return whether a person may be watching stderr."""
    try:
        return sys.stderr.isatty()
    except (AttributeError, ValueError):  # no stderr (pythonw), or a closed one
        return False


def tell(error: Exception, values: Mapping[str, object]) -> int:
    """Report an error on stderr as ``--error-format`` says; return the exit code."""
    from pipx_parallel.cli.error_report import bug_report, kind_of, report_of  # only if something went wrong

    code = exit_code(error)
    if isinstance(error, BrokenPipeError) or isinstance(error.__cause__, BrokenPipeError):
        # The reader of stdout went away (`| head`): no mistake, and what it left must not be flushed into the void at exit.
        os.dup2(os.open(os.devnull, os.O_WRONLY), 1)
        return NO_SOLUTION
    to = printer(values)
    report = bug_report(error, debugging=_debugging()) if code == OUR_BUG else report_of(error)
    if _wants_json(values):
        import json  # only if it is asked for

        more = error.to_json() if isinstance(error, errors.NoSolution | errors.PolicyViolated) else {}
        head = {"error": kind_of(error).__name__, "exit-code": code, "message": str(error)}
        to.plain(json.dumps({**head, **report.to_json(), **more}))
        return code
    if not (isinstance(error, errors.NoSolution) and error.is_printed):
        to.error("\n  ".join((report.headline, *report.reasons)), report.code)
    for hint in report.hints:
        to.hint(hint)
    if isinstance(error, errors.NoSolution) and error.note:
        to.plain(error.note)
    if code == OUR_BUG and _debugging():
        import traceback  # only if one was asked for

        to.error("".join(traceback.format_exception(error)))
    return code


def _wants_json(values: Mapping[str, object]) -> bool:
    return (values.get("error_format") or os.environ.get("PIPX_PARALLEL_ERROR_FORMAT")) == "json"


def _debugging() -> bool:
    return os.environ.get("PIPX_PARALLEL_DEBUG", "") not in {"", "0"}


def _number(value: object) -> int:
    return value if isinstance(value, int) else 0
