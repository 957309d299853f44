"""The context of a command: flags, variables and project settings, read before any input is."""

# Paths stay the text that the user wrote; pathlib would normalise them, and costs 3 ms to import.
from __future__ import annotations

import os
import time
from typing import TYPE_CHECKING, NamedTuple

from pipx_parallel.cli import is_terminal, locations, printer_at
from pipx_parallel.config.layers import Chosen, Layer
from pipx_parallel.config.options import CONSOLE
from pipx_parallel.errors import UsageError

if TYPE_CHECKING:
    from collections.abc import Mapping, Sequence

    from pipx_parallel.config.options import Option
    from pipx_parallel.console import Printer
    from pipx_parallel.progress import Progress

# Looked for in this order if no source is given.
DEFAULT_SOURCES = ("requirements.in", "requirements.txt", "pyproject.toml")


class CommandContext(NamedTuple):
    """A command that has read its flags, the variables and the project's settings, and nothing else."""

    printer: Printer
    chosen: Chosen
    sources: tuple[str, ...]  # as given; empty where none was
    progress: Progress
    seconds: dict[str, float]  # what has taken how long so far: filled as the command goes on
    began: float


def begin(values: Mapping[str, object], options: Sequence[Option]) -> CommandContext:
    """Read the places that speak before any input is read. Raises ``UsageError``."""
    began = time.perf_counter()
    given = tuple(str(source) for source in _many(values.get("sources")))
    flags = {
        name: value for name, value in values.items() if name != "sources" and isinstance(value, (str, int, tuple))
    }
    beside = next(
        (source for source in (*given, *_many(values.get("input_file")), *_many(values.get("requirement")))), ""
    )
    layers = [Layer("flag", flags), locations.environment_layer((*options, *CONSOLE), os.environ), _project(beside)]
    chosen = Chosen(layers)
    printer = printer_at(chosen.count("verbose") - chosen.count("quiet"), chosen.text("color") or "auto")
    draws = is_terminal() and printer.verbosity == 0 and not chosen.flag("no_progress")
    from pipx_parallel.progress import Progress  # 2 ms of observers that a usage error does not need

    return CommandContext(printer, chosen, given, Progress(printer, time.monotonic, draws=draws), {}, began)


def sources_of(context: CommandContext) -> tuple[str, ...]:
    """Return the sources to read; where none is given at all, the first of ``DEFAULT_SOURCES`` that is here.

    Raises ``UsageError`` where there is nothing to read.
    """
    chosen = context.chosen
    sources = (*context.sources, *chosen.texts("input_file"))
    if sources or chosen.texts("requirement") or chosen.texts("packages"):
        return sources
    for name in DEFAULT_SOURCES:
        if os.path.isfile(name):
            context.printer.say(f"reading {name}")
            return (name,)
    raise UsageError(f"nothing to read: name a SOURCE, or have one of {', '.join(DEFAULT_SOURCES)} in this folder")


def _project(beside: str) -> Layer:
    """Return what the nearest pyproject.toml at or above the first source's folder says about this tool."""
    here = not beside or beside == "-" or "://" in beside
    folder = os.path.abspath("." if here else beside if os.path.isdir(beside) else os.path.dirname(beside) or ".")
    while True:
        path = os.path.join(folder, "pyproject.toml")
        try:
            with open(path, encoding="utf-8") as file:
                return locations.project_layer(file.read(), path)
        except (FileNotFoundError, NotADirectoryError):
            above = os.path.dirname(folder)
        except (OSError, UnicodeDecodeError) as error:
            raise UsageError(f"{path}: cannot be read ({error})") from None
        if above == folder:
            return Layer("project", {})
        folder = above


def _many(value: object) -> tuple[str, ...]:
    return value if isinstance(value, tuple) else () if value is None else (str(value),)
