"""Convert option lines to ``IndexOptions``; each option changes the earlier ones as in pip."""

# Paths stay strings as the user wrote them: pathlib would normalise them, and takes 3 ms to import.
from __future__ import annotations

import os
from typing import TYPE_CHECKING, Any

from mirror.names import is_project_name, normalize_name
from pipx_parallel.config.options import FILE_OPTIONS, OPPOSITES, OPTIONS
from pipx_parallel.model import IndexOptions, WrittenOption
from pipx_parallel.requirements.refusal import quoted, refusal
from pipx_parallel.requirements.urls import is_location_url

if TYPE_CHECKING:
    from collections.abc import Callable, Sequence

    from pipx_parallel.model import Origin

# Features that pip 26 accepts with --use-feature, including those that are always on; none changes which releases are allowed.
FEATURES = (
    "build-constraint", "fast-deps", "inprocess-build-deps", "no-binary-enable-wheel-cache", "truststore", "venv-isolation",
)  # fmt: skip
_ALL, _NONE = ":all:", ":none:"
# The options of a file that IndexOptions has, and those that exclude each other, by their full names.
_BY_NAME = {option.name: option for option in FILE_OPTIONS if option.field in IndexOptions._fields}
_OPPOSITE = {OPTIONS[dest].name: OPTIONS[other].name for dest, other in OPPOSITES.items()}


def choose_names(words: Sequence[str], chosen: set[str], other: set[str]) -> None:
    """Add project names to ``chosen`` and remove them from ``other`` (``--only-binary`` and ``--no-binary``), as in pip.

    ``:all:`` clears both sets and adds itself to ``chosen``; ``:none:`` clears ``chosen``. Words before the last ``:all:`` have
    no effect.
    """
    while _ALL in words:
        other.clear()
        chosen.clear()
        chosen.add(_ALL)
        words = words[words.index(_ALL) + 1 :]
        if _NONE not in words:
            return  # ``:all:`` includes the names that follow
    for word in words:
        if word == _NONE:
            chosen.clear()
            continue
        other.discard(normalize_name(word))
        chosen.add(normalize_name(word))


class OptionState:
    """The options of all files read so far.

    ``exists`` returns whether a path exists: pip reads a find-links path relative to its file if that exists, else as written.
    """

    def __init__(self, exists: Callable[[str], bool]) -> None:
        """Start without options."""
        self._exists = exists
        self._index_url: str | None = None
        self._lists: dict[str, list[str]] = {name: [] for name, option in _BY_NAME.items() if option.multiple}
        self._names: dict[str, set[str]] = {name: set() for name in _OPPOSITE}
        self._switches: set[str] = set()
        self.written: list[WrittenOption] = []

    def apply(self, name: str, value: str, origin: Origin, template: str | None = None) -> None:
        """Apply one option; ``template`` is the value with its variables. Raises ``RequirementsError`` for an invalid value."""
        self.written.append(WrittenOption(name, value, origin, None if template == value else template))
        if name == "--index-url":
            # pip: the new index replaces all earlier ones, including the extra indexes.
            self._index_url = value
            self._lists["--extra-index-url"].clear()
        elif name == "--find-links":
            self._append(name, self._links_location(value, origin))
        elif name in self._names:
            self._choose(name, value, origin)
        elif name == "--use-feature":
            self._use_feature(value, origin)
        elif name in self._lists:
            self._append(name, value)
        else:
            self._switch(name, origin)

    def _append(self, name: str, value: str) -> None:
        if value not in self._lists[name]:
            self._lists[name].append(value)

    def _links_location(self, value: str, origin: Origin) -> str:
        if is_location_url(value) or is_location_url(origin.source):
            return value
        beside = os.path.normpath(os.path.join(os.path.dirname(origin.source), value))
        return beside if self._exists(beside) else value

    def _choose(self, name: str, value: str, origin: Origin) -> None:
        """Add names to one of a pair of sets that exclude each other."""
        chosen, other = self._names[name], self._names[_OPPOSITE[name]]
        words = [word.strip() for word in value.split(",")]
        for word in words:
            if word not in (_ALL, _NONE) and not is_project_name(word):
                remedy = f"{name} takes {_ALL}, {_NONE}, or project names separated by commas"
                raise refusal(origin, f"{quoted(value)} is not a list of projects for {name}", remedy)
        choose_names(words, chosen, other)

    def _use_feature(self, value: str, origin: Origin) -> None:
        if value not in FEATURES:
            raise refusal(origin, f"pip has no feature {quoted(value)}", f"use one of {', '.join(FEATURES)}")
        self._append("--use-feature", value)

    def _switch(self, name: str, origin: Origin) -> None:
        self._switches.add(name)
        if name == "--pre":
            self._names["--all-releases"].add(_ALL)
        if {"--require-hashes", "--no-require-hashes"} <= self._switches:
            problem = "--require-hashes and --no-require-hashes exclude each other"
            raise refusal(origin, problem, "remove one of them")

    def finish(self, *, hashes_written: bool) -> IndexOptions:
        """Return the options; a ``--hash`` on any line requires hashes on all, unless there is ``--no-require-hashes``."""
        values: dict[str, Any] = {}
        for name, option in _BY_NAME.items():
            if name in self._names:
                values[option.field] = tuple(sorted(self._names[name]))
            elif name in self._lists:
                values[option.field] = tuple(self._lists[name])
            else:
                values[option.field] = name in self._switches
        no_index, no_require = values["no_index"], values["no_require_hashes"]
        return IndexOptions(**values)._replace(
            index_url=None if no_index else self._index_url,
            extra_index_urls=() if no_index else values["extra_index_urls"],
            pre=_ALL in self._names["--all-releases"],
            require_hashes=values["require_hashes"] or (hashes_written and not no_require),
        )
