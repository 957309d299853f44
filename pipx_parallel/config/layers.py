"""All sources of option values, seen as one.

Sources, nearest first (``SOURCES``): a flag, an environment variable ``PIPX_PARALLEL_…``, the option lines of the input files,
``[tool.pipx-parallel]`` of the project, pip's settings; then the default. A single value comes from the nearest source that
has it. Lists marked ``adds`` in the option table add up over all sources, nearest first, as in pip; so do lists of projects
(``from_afar``), and the nearest source decides for each project.

This is the one place that defines precedence. Nothing here reads a file or the environment.
"""

from __future__ import annotations

from typing import TYPE_CHECKING

from mirror.equality import NamedTuple
from pipx_parallel.config.option import variable_of
from pipx_parallel.config.options import FILE_OPTIONS, OPTIONS
from pipx_parallel.errors import UsageError

if TYPE_CHECKING:
    from collections.abc import Mapping, Sequence

    from pipx_parallel.model import IndexOptions

Raw = str | bool | int | tuple[str, ...]  # a value as a source gives it: never converted, never checked

SOURCES = ("flag", "environment", "input", "project", "pip")


class Layer(NamedTuple):
    """The values of one source, by option name with underscores (``max_workers``)."""

    source: str  # one of SOURCES
    values: Mapping[str, Raw]
    path: str = ""  # of the project's file


class Chosen:
    """The layers seen as one: for each option the value that wins, and how its source names it."""

    __slots__ = ("layers",)

    def __init__(self, layers: Sequence[Layer]) -> None:
        """Take the layers in any order; ``SOURCES`` decides."""
        self.layers = tuple(sorted((layer for layer in layers if layer.values), key=_rank))

    def with_layer(self, layer: Layer) -> Chosen:
        """Return the same with one more layer."""
        return Chosen((*self.layers, layer))

    def flag(self, name: str) -> bool:
        """Return whether the option is on."""
        return bool(self._first(name))

    def count(self, name: str) -> int:
        """Return how often the option was given, or the number it was set to."""
        value = self._first(name)
        return 0 if value is None or isinstance(value, tuple) else int(value)

    def text(self, name: str) -> str | None:
        """Return the value, or None if no source has one."""
        value = self._first(name)
        return None if value is None else str(value)

    def texts(self, name: str) -> tuple[str, ...]:
        """Return the values of an option that may be given several times."""
        option = OPTIONS.get(name)
        if option is None or not option.adds:
            return several(self._first(name))
        values = (value for layer in self.layers for value in several(layer.values.get(name)))
        return tuple(dict.fromkeys(values))

    def from_afar(self, name: str) -> list[tuple[str, ...]]:
        """Return the values of each source, the farthest first; ``()`` for one without any."""
        return [several(layer.values.get(name)) for layer in reversed(self.layers)]

    def place_of(self, name: str) -> str:
        """Return which source the value comes from, one of ``SOURCES``; "" if none has one."""
        return next((layer.source for layer in self.layers if name in layer.values), "")

    def called(self, name: str) -> str:
        """Return how the winning source names this option, ``--max-workers`` or ``PIPX_PARALLEL_MAX_WORKERS``."""
        option = name.replace("_", "-")
        layer = next((layer for layer in self.layers if name in layer.values), None)
        source = layer.source if layer is not None else "flag"
        if source == "environment":
            return variable_of(name)
        if layer is not None and source == "project":
            return f"{layer.path}: {option} of [tool.pipx-parallel]".removeprefix(": ")
        return f"--{option}" + {"input": " of an input file", "pip": " of pip's settings"}.get(source, "")

    def refuse(self, name: str, value: object, wanted: str) -> UsageError:
        """Return the error that names option, value and remedy."""
        return UsageError(f"{self.called(name)}: {value!r} cannot be used", f"give {wanted}")

    def _first(self, name: str) -> Raw | None:
        return next((layer.values[name] for layer in self.layers if name in layer.values), None)


def input_layer(options: IndexOptions) -> Layer:
    """Return the option lines of the input files as a layer."""
    values = {option.dest: getattr(options, option.field, None) for option in FILE_OPTIONS}
    return Layer("input", {name: value for name, value in values.items() if value})


def _rank(layer: Layer) -> int:
    return SOURCES.index(layer.source)


def several(value: Raw | None) -> tuple[str, ...]:
    """Return one source's value of an option as a tuple; ``()`` for none."""
    if value is None or value is False:
        return ()
    return value if isinstance(value, tuple) else (str(value),)
