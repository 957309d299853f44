"""``python -m benchmarks [run] | record | replay | report``."""

from __future__ import annotations

import importlib  # each command loads only what it needs: the replay server stays small
import sys
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from collections.abc import Sequence


_COMMANDS = ("run", "record", "replay", "report")


def main(arguments: Sequence[str]) -> int:
    """Hand over to a command; ``run`` where none is named."""
    named = bool(arguments) and not arguments[0].startswith("-")
    command, rest = (arguments[0], arguments[1:]) if named else ("run", arguments)
    if command not in _COMMANDS:
        print(f"no command {command!r}: there are {', '.join(_COMMANDS)}", file=sys.stderr)
        return 2
    module = importlib.import_module("benchmarks.replay_process" if command == "replay" else f"benchmarks.{command}")
    status: int = module.main(rest)
    return status


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
