"""What to name instead of a source that does not exist, or that is a file of another tool."""

from __future__ import annotations

import os
import re
from typing import TYPE_CHECKING

from mirror.names import is_project_name
from pipx_parallel.nearest_names import nearest

if TYPE_CHECKING:
    from collections.abc import Mapping, Sequence

_SHOWN = 5
_SOURCE = re.compile(
    r"(.+\.in|(.+[-_.])?(requirements|constraints)([-_.].+)?\.txt|pyproject\.toml|setup\.(cfg|py)|pylock(\..+)?\.toml)",
    re.IGNORECASE,
)
_AFTER_NAME = re.compile(r"[\[(<>=!~;,\s]")
_FILE_SUFFIXES = (".cfg", ".in", ".json", ".lock", ".py", ".toml", ".txt", ".yaml", ".yml")  # also names may have dots
_PROJECT = "name the pyproject.toml beside it"
_LIST = "write what it asks for to a requirements.in"

# Files of other tools by name: what they are, and what to name instead.
_OF_OTHER_TOOLS: Mapping[str, tuple[str, str]] = {
    "uv.lock": ("a lock of uv", f"{_PROJECT}; `pipx-parallel audit` reads uv.lock"),
    "poetry.lock": ("a lock of Poetry", _PROJECT),
    "pdm.lock": ("a lock of PDM", _PROJECT),
    "pipfile": ("a file of Pipenv", _LIST),
    "pipfile.lock": ("a lock of Pipenv", _LIST),
    "environment.yml": ("a file of conda", _LIST),
    "environment.yaml": ("a file of conda", _LIST),
}


def of_other_tool(source: str) -> tuple[str, str] | None:
    """Return what a source is by its name, and what to name instead, if it is a file of another tool."""
    return _OF_OTHER_TOOLS.get(os.path.basename(source).lower())


def meant(location: str, beside: Sequence[str], *, may_be_package: bool = False) -> str:
    """Return what was perhaps meant by a file that does not exist; "" if nothing is known.

    It is one of the files ``beside`` with a similar name, with ``may_be_package`` a requirement, or any file that can be named.
    """
    near = nearest(location, beside)
    if near is not None:
        return f"did you mean {near!r}?"
    if (
        may_be_package
        and not location.endswith(_FILE_SUFFIXES)
        and is_project_name(_AFTER_NAME.split(location, maxsplit=1)[0])
    ):
        import shlex  # only on the way to an error

        return f"a package is locked by its name with --packages {shlex.quote(location)}"
    there = sorted(path for path in beside if _SOURCE.fullmatch(os.path.basename(path)) and path != location)
    more = f", and {len(there) - _SHOWN} more" if len(there) > _SHOWN else ""
    return f"files that exist: {', '.join(there[:_SHOWN])}{more}" if there else ""
