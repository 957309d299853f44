"""``pipx-parallel`` and ``python -m pipx_parallel``: plain lock and resolve commands start without click, all others with it."""

from __future__ import annotations

import os
import sys
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from collections.abc import Sequence


def main(arguments: Sequence[str] | None = None) -> int:
    """Run the command line and return the exit code; ``arguments`` default to those of the process."""
    from pipx_parallel.cli import guarded  # not at the top: `python -m` imports this file to find main

    given = list(sys.argv[1:] if arguments is None else arguments)
    return guarded(lambda: _run(given), {})


def _run(given: list[str]) -> int:
    code = _run_plain(given)
    if code is not None:
        return code
    from pipx_parallel.cli.app import main as run_with_click  # click takes 30 ms to import

    return run_with_click(given)


def _run_plain(given: list[str]) -> int | None:
    """Run a plain lock or resolve command; return None if click has to parse the command line."""
    from pipx_parallel.cli import fast  # not at the top, as above

    if not given or given[0] not in fast.COMMANDS or "_PIPX_PARALLEL_COMPLETE" in os.environ:
        return None
    from pipx_parallel.cli import guarded  # not at the top, as above
    from pipx_parallel.config.options import CONSOLE  # not at the top, as above

    if given[0] == "lock":
        from pipx_parallel.cli.commands.lock import OPTIONS, run  # not at the top, as above
    else:
        from pipx_parallel.cli.commands.resolve import OPTIONS, run  # not at the top, as above
    values = fast.parse(given[1:], (*OPTIONS, *CONSOLE))
    return None if values is None else guarded(lambda: run(values), values)


def run() -> None:
    """Run the command line as a process of its own and end it at once.

    The garbage collector is off, because a command is short and creates few cycles (8 % of a cold lock). The process ends
    without the interpreter's own teardown (25 ms). ``mirror serve`` turns the collector on. SIGTERM (``docker stop``, systemd) ends
    a command as Ctrl-C does: what was fetched is stored, and no partial file is left.
    """
    import gc  # here and below, because importing this module must have no effect
    import signal

    gc.disable()
    signal.signal(signal.SIGTERM, signal.default_int_handler)
    code = main()
    for stream in (sys.stdout, sys.stderr):
        try:
            stream.flush()
        except (AttributeError, OSError, ValueError):  # closed from the start, or the reader has closed it
            continue
    os._exit(code)


if __name__ == "__main__":
    run()
