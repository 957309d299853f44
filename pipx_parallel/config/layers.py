"""What each place says about the options, seen as one.

Places, nearest first (``PLACES``): a flag, an environment variable ``PIPX_PARALLEL_…``, the input files' own option
lines, ``[tool.pipx-parallel]`` of the project, pip's settings; then the default. A single value comes from the nearest
place that has it. Lists of places to look (``ADDED``) add up over all places, nearest first, as they do in pip; so do
lists of projects (``from_afar``), the nearest having the last word on each.

This is the one place where precedence is written. Nothing here reads a file or the environment.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, NamedTuple

from pipx_parallel.errors import UsageError

if TYPE_CHECKING:
    from collections.abc import Mapping, Sequence

    from pipx_parallel.model import IndexOptions

Raw = str | bool | int | tuple[str, ...]  # what a place can say: never converted, never checked

PLACES = ("flag", "environment", "input", "project", "pip")
ADDED = frozenset(("extra_index_url", "find_links", "trusted_host"))


class Layer(NamedTuple):
    """What one place says: values by option name with underscores (``max_workers``)."""

    place: str  # one of PLACES
    values: Mapping[str, Raw]
    path: str = ""  # of the project's file


class Chosen:
    """The layers seen as one: for each option the value that wins, and how the user called it."""

    __slots__ = ("layers",)

    def __init__(self, layers: Sequence[Layer]) -> None:
        """Take the layers in any order; ``PLACES`` decides."""
        self.layers = tuple(sorted((layer for layer in layers if layer.values), key=_rank))

    def with_layer(self, layer: Layer) -> Chosen:
        """Return the same with one more place."""
        return Chosen((*self.layers, layer))

    def flag(self, name: str) -> bool:
        """Return whether the option is on."""
        return bool(self._first(name))

    def count(self, name: str) -> int:
        """Return how often the option was given, or the number it was set to."""
        value = self._first(name)
        return 0 if value is None or isinstance(value, tuple) else int(value)

    def text(self, name: str) -> str | None:
        """Return the value, or None where no place says anything."""
        value = self._first(name)
        return None if value is None else str(value)

    def texts(self, name: str) -> tuple[str, ...]:
        """Return the values of an option that may be given several times."""
        if name not in ADDED:
            return several(self._first(name))
        found = (value for layer in self.layers for value in several(layer.values.get(name)))
        return tuple(dict.fromkeys(found))

    def from_afar(self, name: str) -> list[tuple[str, ...]]:
        """Return what each place says, the farthest first, ``()`` where it says nothing."""
        return [several(layer.values.get(name)) for layer in reversed(self.layers)]

    def called(self, name: str) -> str:
        """Return how the winning place names this option, ``--max-workers`` or ``PIPX_PARALLEL_MAX_WORKERS``."""
        option = name.replace("_", "-")
        layer = next((layer for layer in self.layers if name in layer.values), None)
        place = layer.place if layer is not None else "flag"
        if place == "environment":
            return f"PIPX_PARALLEL_{name.upper()}"
        if layer is not None and place == "project":
            return f"{layer.path}: {option} of [tool.pipx-parallel]".removeprefix(": ")
        return f"--{option}" + {"input": " of an input file", "pip": " of pip's settings"}.get(place, "")

    def refuse(self, name: str, value: object, wanted: str) -> UsageError:
        """Return the error that names option, value and remedy."""
        return UsageError(f"{self.called(name)}: {value!r} cannot be used; give {wanted}")

    def _first(self, name: str) -> Raw | None:
        return next((layer.values[name] for layer in self.layers if name in layer.values), None)


def input_layer(options: IndexOptions) -> Layer:
    """Return what the input files' own option lines say, as a layer."""
    said: dict[str, Raw | None] = {
        "index_url": options.index_url,
        "extra_index_url": options.extra_index_urls,
        "find_links": options.find_links,
        "no_index": options.no_index,
        "pre": options.pre,
        "prefer_binary": options.prefer_binary,
        "only_binary": options.only_binary,
        "no_binary": options.no_binary,
        "require_hashes": options.require_hashes,
        "trusted_host": options.trusted_hosts,
        "all_releases": options.all_releases,
        "only_final": options.only_final,
    }
    return Layer("input", {name: value for name, value in said.items() if value})


def _rank(layer: Layer) -> int:
    return PLACES.index(layer.place)


def several(value: Raw | None) -> tuple[str, ...]:
    """Return what a place says of an option that may be given several times, or of one that may not; ``()`` for nothing."""
    if value is None or value is False:
        return ()
    return value if isinstance(value, tuple) else (str(value),)
