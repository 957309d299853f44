"""Count the progress of a run and, on a terminal, draw it as one line."""

from __future__ import annotations

from typing import TYPE_CHECKING

from mirror.ports import MirrorObserver
from pipx_parallel.console import headed
from pipx_parallel.resolver.ports import SolverObserver

if TYPE_CHECKING:
    from collections.abc import Callable, Sequence

    from pipx_parallel.console import Printer

_INTERVAL = 0.1  # seconds between two drawings: looks smooth, and takes no measurable time


class Progress(MirrorObserver, SolverObserver):
    """Observes mirror and solver. Always counts; draws only if ``draws``; prints each distinct warning once.

    Called from several threads without a lock: a drawn count may be off by one for a moment.
    """

    def __init__(
        self,
        printer: Printer,
        clock: Callable[[], float],
        *,
        draws: bool,
        explains: bool = True,
        tick: Callable[[Callable[[], bool]], object] = bool,
    ) -> None:
        """Take the printer and a monotonic clock in seconds.

        ``explains``: print why there is no solution. ``tick`` calls a function each second until it returns False: no other event
        may come while something is built.
        """
        self._tick = tick
        self._printer = printer
        self._clock = clock
        self._draws = draws
        self.explains = explains
        self._last = clock()
        self._warned: dict[str, None] = {}
        self._project = ""  # the project of the last request
        self._builds: dict[str, float] = {}  # what is being built -> since when
        self.asked = self.answered = self.lost = 0

    def planned(self, kind: str, name: str) -> None:
        """Count a requested fact."""
        self.asked += 1
        self._project = name
        self._printer.trace(f"asking for {kind} of {name}")
        self._redraw()

    def arrived(self, kind: str, name: str, source: str) -> None:
        """Count a fact that arrived."""
        self.answered += 1
        self._printer.trace(f"{kind} of {name} from {source}")
        self._redraw()

    def building(self, name: str) -> None:
        """Announce a build."""
        self._printer.say(f"building {name} to get its dependencies")
        self._builds[name] = self._clock()
        if self._draws and len(self._builds) == 1:
            self._tick(self._tock)

    def built(self, name: str) -> None:
        """Forget a build that has ended."""
        self._builds.pop(name, None)

    def failed(self, kind: str, name: str, reason: str) -> None:
        """Count a fact that is not available; failures are reported together at the end."""
        self.lost += 1
        self._printer.trace(f"{kind} of {name} failed: {reason}")
        self._redraw()

    def warned(self, message: str) -> None:
        """Print a warning, once."""
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
        """Print why there is no solution, if ``explains``; return whether it was printed."""
        if self.explains:
            if self._draws:
                self._printer.draw("")
            self._printer.error(headed(lines), "no-solution")
        return self.explains

    def line(self) -> str:
        """Return the progress line."""
        builds = list(self._builds.items())
        if builds:
            name, since = builds[0]
            more = f" and {len(builds) - 1} more" if builds[1:] else ""
            return f"Building {name} ({self._clock() - since:.0f} s){more}"
        project = f" ({self._project})" if self._project else ""
        failed = f", {self.lost} failed" if self.lost else ""
        return f"Resolving {self.answered}/{self.asked}{project}{failed}"

    def close(self) -> None:
        """Remove the progress line."""
        if self._draws:
            self._draws = False
            self._printer.draw("")

    def _tock(self) -> bool:
        """Redraw; return whether something is still being built."""
        self._redraw()
        return bool(self._builds) and self._draws

    def _redraw(self) -> None:
        if self._draws and self._clock() - self._last >= _INTERVAL:
            self._last = self._clock()
            self._printer.draw(self.line())
