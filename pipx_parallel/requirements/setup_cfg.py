"""Read setup.cfg: the declarative tables of setuptools."""

from __future__ import annotations

from typing import TYPE_CHECKING

from mirror.names import normalize_name
from pipx_parallel.model import Origin, Part
from pipx_parallel.requirements.lines import decode
from pipx_parallel.requirements.project_metadata import Declared, Wanted
from pipx_parallel.requirements.refusal import refusal

if TYPE_CHECKING:
    from collections.abc import Iterator
    from configparser import RawConfigParser


def read_setup_cfg(data: bytes, source: str, wanted: Wanted) -> Declared | None:
    """Return the wanted parts, or None if there is no [options] table (setup.py may have the dependencies).

    Raises ``RequirementsError`` for a malformed file or a missing extra.
    """
    origin = Origin(source)
    text = decode(data, origin)
    parser = _parse(text, origin)
    if not parser.has_section("options") and not parser.has_section("options.extras_require"):
        return None
    finder = _Lines(text, origin)
    files: list[tuple[str, Origin]] = []
    requirements: list[tuple[str, Origin]] = []
    extras = {
        normalize_name(name): value
        for name, value in (
            parser.items("options.extras_require") if parser.has_section("options.extras_require") else ()
        )
    }
    names = wanted.extras_of(tuple(extras), origin)
    lists: list[tuple[str, Part | None]] = [(extras[extra], Part("extra", extra)) for extra in names]
    if wanted.dependencies:
        lists.insert(0, (parser.get("options", "install_requires", fallback=""), None))
    for value, part in lists:
        if value.strip().startswith("file:"):
            paths = value.strip().removeprefix("file:").replace("\n", ",").split(",")
            files.extend(
                (path.strip(), finder.origin_of("file:")._replace(part=part)) for path in paths if path.strip()
            )
        else:
            requirements.extend((item, finder.origin_of(item)._replace(part=part)) for item in _items(value))
    requires_python = parser.get("options", "python_requires", fallback=None) or None
    return Declared(tuple(requirements), requires_python, tuple(files), names, left_out=wanted.left_out(extras))


def _parse(text: str, origin: Origin) -> RawConfigParser:
    import configparser  # not for requirements files

    parser = configparser.RawConfigParser()
    try:
        parser.read_string(text)
    except configparser.Error as error:
        line = getattr(error, "lineno", None) or next((number for number, _ in getattr(error, "errors", ())), None)
        reason = "a line is neither [section] nor key = value"
        if isinstance(error, configparser.DuplicateSectionError | configparser.DuplicateOptionError):
            reason = "a section or key occurs twice"
        problem = f"this is not a valid configuration file: {reason}"
        raise refusal(origin._replace(line=line), problem, "correct the syntax of this line") from None
    return parser


def _items(value: str) -> Iterator[str]:
    """Split a list as setuptools does: by lines if there are several, else by semicolons."""
    pieces = value.splitlines() if "\n" in value else value.split(";")
    for piece in pieces:
        if piece.strip() and not piece.strip().startswith("#"):
            yield piece.strip()


class _Lines:
    """Finds the line of a list item; an item that occurs several times gets its lines in order."""

    def __init__(self, text: str, origin: Origin) -> None:
        self._lines = text.splitlines()
        self._origin = origin
        self._taken: dict[str, int] = {}

    def origin_of(self, item: str) -> Origin:
        for index in range(self._taken.get(item, 0), len(self._lines)):
            if item in self._lines[index]:
                self._taken[item] = index + 1
                return self._origin._replace(line=index + 1)
        return self._origin
