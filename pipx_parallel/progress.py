"""What is under way, counted and, on a terminal, drawn as one line."""

from __future__ import annotations

from typing import TYPE_CHECKING

from mirror.ports import MirrorObserver
from pipx_parallel.resolver.ports import SolverObserver

if TYPE_CHECKING:
    from collections.abc import Callable, Sequence

    from pipx_parallel.console import Printer

_INTERVAL = 0.1  # seconds between two drawings: smooth to the eye, nothing to the clock


class Progress(MirrorObserver, SolverObserver):
    """Watches mirror and solver. Counts always; draws only where ``draws``; passes each distinct warning on once.

    Called from several threads: a count may be off by one for a moment, which nobody can see.
    """

    def __init__(self, printer: Printer, clock: Callable[[], float], *, draws: bool, explains: bool = True) -> None:
        """Keep the printer and a monotonic clock in seconds; ``explains`` prints why there is no answer."""
        self._printer = printer
        self._clock = clock
        self._draws = draws
        self.explains = explains
        self._last = clock()
        self._warned: dict[str, None] = {}
        self._project = ""  # what was asked for last
        self.asked = self.answered = self.lost = 0

    def planned(self, kind: str, name: str) -> None:
        """Count a fact that was asked for."""
        self.asked += 1
        self._project = name
        self._printer.trace(f"asking for {kind} of {name}")
        self._redraw()

    def arrived(self, kind: str, name: str, source: str) -> None:
        """Count a fact that came."""
        self.answered += 1
        self._printer.trace(f"{kind} of {name} from {source}")
        self._redraw()

    def building(self, name: str) -> None:
        """Announce a build."""
        self._printer.say(f"building {name}, since nothing else tells what it needs")

    def failed(self, kind: str, name: str, reason: str) -> None:
        """Count a fact that could not be had; failures are reported together at the end."""
        self.lost += 1
        self._printer.detail(f"{kind} of {name} failed: {reason}")
        self._redraw()

    def warned(self, message: str) -> None:
        """Pass a warning on, once."""
        if message not in self._warned:
            self._warned[message] = None
            self._printer.warn(message)

    def decided(self, package: str, bit: int) -> None:
        """Print a decision with -vv."""
        self._printer.trace(f"choosing {package} #{bit}")
        self._redraw()

    def conflicted(self, package: str) -> None:
        """Print a conflict with -vv."""
        self._printer.trace(f"conflict at {package}")
        self._redraw()

    def explained(self, lines: Sequence[str]) -> bool:
        """Print why there is no answer."""
        if self.explains:
            if self._draws:
                self._printer.draw("")
            self._printer.error("\n".join(lines))
        return self.explains

    def line(self) -> str:
        """Return the line as it would be drawn now."""
        project = f" ({self._project})" if self._project else ""
        failed = f", {self.lost} failed" if self.lost else ""
        return f"Resolving {self.answered}/{self.asked}{project}{failed}"

    def close(self) -> None:
        """Remove the line."""
        if self._draws:
            self._draws = False
            self._printer.draw("")

    def _redraw(self) -> None:
        if self._draws and self._clock() - self._last >= _INTERVAL:
            self._last = self._clock()
            self._printer.draw(self.line())
