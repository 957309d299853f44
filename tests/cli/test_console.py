"""What people see: levels, colours, and one line of progress that never gets in the way."""

from __future__ import annotations

import io

import pytest

from pipx_parallel.console import Printer, wants_colour
from pipx_parallel.nearest_names import nearest
from pipx_parallel.progress import Progress


@pytest.mark.parametrize(
    ("verbosity", "expected"),
    [(-2, "e"), (-1, "ew"), (0, "ews"), (1, "ewsd"), (2, "ewsdt")],
)
def test_each_level_adds_one_kind_of_message(verbosity: int, expected: str) -> None:
    """Errors always; then warnings, what was done, details, steps."""
    stream = io.StringIO()
    printer = Printer(stream, verbosity)

    printer.error("e")
    printer.warn("w")
    printer.say("s")
    printer.detail("d")
    printer.trace("t")

    assert "".join(line[-1] for line in stream.getvalue().splitlines()) == expected


@pytest.mark.parametrize(
    ("when", "environ", "terminal", "wanted"),
    [
        ("auto", {"TERM": "xterm"}, True, True),
        ("auto", {"TERM": "xterm"}, False, False),
        ("auto", {"TERM": "dumb"}, True, False),
        ("auto", {}, True, False),
        ("auto", {"TERM": "xterm", "NO_COLOR": "1"}, True, False),
        ("auto", {"TERM": "xterm", "NO_COLOR": ""}, True, True),
        ("auto", {"FORCE_COLOR": "1"}, False, True),
        ("auto", {"CLICOLOR_FORCE": "1", "TERM": "xterm"}, False, True),
        ("auto", {"FORCE_COLOR": "0", "TERM": "xterm"}, False, False),
        ("auto", {"FORCE_COLOR": "1", "NO_COLOR": "1"}, True, False),
        ("always", {"NO_COLOR": "1"}, False, True),
        ("never", {"TERM": "xterm"}, True, False),
    ],
)
def test_colour(when: str, environ: dict[str, str], terminal: bool, wanted: bool) -> None:
    """A flag decides; else a terminal that has colours, unless NO_COLOR is set."""
    assert wants_colour(when, environ, terminal=terminal) is wanted


def test_messages_replace_the_line_of_progress() -> None:
    """The unfinished line is wiped before a message, and the message ends its own line."""
    stream = io.StringIO()
    printer = Printer(stream)

    printer.draw("1/2")
    printer.warn("careful")
    printer.draw("2/2")
    printer.draw("")

    assert stream.getvalue() == "\r1/2\r   \rwarning: careful\n\r2/2\r   \r"


def test_a_shorter_line_covers_a_longer_one() -> None:
    """No remains of the line before."""
    stream = io.StringIO()
    printer = Printer(stream)

    printer.draw("long line")
    printer.draw("short")

    assert stream.getvalue().endswith("\rshort    ")


def test_a_closed_stderr_is_survived() -> None:
    """Nobody is left to be reported."""
    stream = io.StringIO()
    stream.close()

    Printer(stream).error("x")


class Clock:
    """Seconds that pass when told to."""

    def __init__(self) -> None:
        """Begin at 0."""
        self.now = 0.0

    def __call__(self) -> float:
        """Return the time."""
        return self.now


def test_progress_counts_and_draws_now_and_then() -> None:
    """Ten times a second at most, with counts and what was asked for last."""
    stream, clock = io.StringIO(), Clock()
    progress = Progress(Printer(stream), clock, draws=True)

    for name in "abc":
        progress.planned("listing", name)
    progress.arrived("listing", "a", "store")
    drawn_at_once = stream.getvalue()
    clock.now = 0.5
    progress.arrived("listing", "b", "index")
    progress.decided("a", 1)
    progress.conflicted("a")
    progress.failed("listing", "c", "gone")
    progress.close()

    assert drawn_at_once == ""
    assert stream.getvalue() == "\rResolving 2/3 (c)\r                 \r"
    assert progress.line() == "Resolving 2/3 (c), 1 failed"


def test_without_a_terminal_nothing_is_drawn_and_warnings_come_once() -> None:
    """A log has no use for a line that moves."""
    stream, clock = io.StringIO(), Clock()
    progress = Progress(Printer(stream), clock, draws=False)

    clock.now = 9
    progress.planned("listing", "a")
    progress.warned("the index is slow")
    progress.warned("the index is slow")
    progress.close()

    assert stream.getvalue() == "warning: the index is slow\n"


@pytest.mark.parametrize(
    ("name", "expected"),
    [("reqeusts", "requests"), ("request", "requests"), ("flask", None), ("requests", None), ("", None)],
)
def test_the_nearest_name(name: str, expected: str | None) -> None:
    """Close names only, and never the name itself."""
    assert nearest(name, ["numpy", "requests", "black"]) == expected


def test_progress_fits_the_width_of_the_terminal() -> None:
    """A line that wraps could not be redrawn."""
    stream = io.StringIO()

    Printer(stream, columns=lambda: 20).draw("Resolving 81/132 (a-project-with-a-long-name)")

    assert stream.getvalue() == "\rResolving 81/132 (a"
