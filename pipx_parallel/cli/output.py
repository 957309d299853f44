"""The output of a command: artifacts to files and standard output."""

from __future__ import annotations

import sys
import time
from typing import TYPE_CHECKING

from pipx_parallel.model import Artifact

if TYPE_CHECKING:
    from collections.abc import Sequence


def show(text: str) -> None:
    """Write an artefact to stdout. Raises ``OutputError``."""
    save((Artifact("-", text),))


def show_json(value: object) -> None:
    """Write a value to stdout as JSON. Raises ``OutputError``."""
    import json  # most commands write another format

    show(json.dumps(value, indent=2) + "\n")


def show_bytes(data: bytes) -> None:
    """Write bytes to stdout. Raises ``OutputError``."""
    from pipx_parallel.locks.writer import write_stream  # only when there is something to write

    write_stream(data, sys.stdout.buffer if sys.stdout is not None else None)


def save(artifacts: Sequence[Artifact], seconds: dict[str, float] | None = None) -> None:
    """Write all artifacts or none; the one called ``-`` goes to stdout. ``seconds`` gets the time that writing took.

    Raises ``OutputError``.
    """
    from pipx_parallel.locks.writer import write  # only when there is something to write

    began = time.perf_counter()
    # Python has no sys.stdout if the process was started with it closed (`>&-`).
    write(artifacts, sys.stdout.buffer if sys.stdout is not None else None)
    if seconds is not None:
        seconds["write"] = time.perf_counter() - began
