"""``pipx-parallel`` and ``python -m pipx_parallel``: the plain cases at once, all others through click."""

from __future__ import annotations

import os
import sys

TYPE_CHECKING = False  # typing takes 7 ms, which an answer that is remembered does without
if TYPE_CHECKING:
    from collections.abc import Sequence

    from pipx_parallel.cli.remembered import Watch


def main(arguments: Sequence[str] | None = None, *, remembers: bool = False) -> int:
    """Run the command line and return the exit code; ``arguments`` default to those of the process.

    With ``remembers`` an offline lock that was made before is given again, and a new one is kept: for a process that runs
    one command, since it is watched to its end.
    """
    from pipx_parallel.cli import guarded  # not at the top: `python -m` imports this file to find main

    given = list(sys.argv[1:] if arguments is None else arguments)
    return guarded(lambda: _run(given, remembers=remembers), {})


def _run(given: list[str], *, remembers: bool) -> int:
    from pipx_parallel.cli import remembered  # as above

    seeks = remembers and remembered.is_sought(given)
    if seeks and (answer := remembered.recall(given)) is not None:
        return answer.give()
    code = _run_plainly(given, remembered.Watch(given) if seeks else None)
    if code is not None:
        return code
    from pipx_parallel.cli.app import main as run  # 30 ms of click, for what is not a plain lock or resolve

    return run(given)


def _run_plainly(given: list[str], watch: Watch | None) -> int | None:
    from pipx_parallel.cli import fast  # as above

    if not given or given[0] not in fast.COMMANDS or "_PIPX_PARALLEL_COMPLETE" in os.environ:
        return None
    from pipx_parallel.cli import guarded, options  # as above
    from pipx_parallel.cli.commands import (
        lock,  # as above
        resolve,  # as above
    )

    command = lock if given[0] == "lock" else resolve
    values = fast.parse(given[1:], (*command.OPTIONS, *options.CONSOLE))
    return None if values is None else guarded(lambda: command.run({**values, "watch": watch}), values)


def run() -> None:
    """Run the command line as a process of its own and end it at once.

    A command lives for a second and holds no cycles worth finding, so the collector is off (8 % of a cold lock), and what
    the interpreter would take apart at the end is left to the system (25 ms). ``mirror serve`` turns the collector on.
    """
    import gc  # here: importing this module must change nothing

    gc.disable()
    code = main(remembers=True)
    for stream in (sys.stdout, sys.stderr):
        try:
            stream.flush()
        except (AttributeError, OSError, ValueError):  # closed from the start, or the reader has gone
            continue
    os._exit(code)


if __name__ == "__main__":
    run()
