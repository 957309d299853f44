"""Parse direct references: URLs, paths of archives and folders, version control, editable projects."""

from __future__ import annotations

import re
from typing import TYPE_CHECKING

from mirror.equality import NamedTuple
from mirror.names import is_archive, is_project_name, normalize_extras, normalize_name
from mirror.urls import url_of
from pipx_parallel.requirements.refusal import quoted, refusal
from pipx_parallel.requirements.urls import (
    VCS_SCHEMES,
    RequirementUrl,
    local_path,
    parse_reference,
    scheme_of,
)

if TYPE_CHECKING:
    from pipx_parallel.model import Origin
    from pipx_parallel.requirements.reader import Reader

_WITH_EXTRAS = re.compile(r"(.+?)\s*(\[[^\]]+\])")
_RELATIVE = (".", "/", "\\")


class Located(NamedTuple):
    """A parsed direct reference. ``name`` is "" if only the project's metadata has it."""

    name: str  # normalised
    extras: tuple[str, ...]
    specifier: str  # "==version" of a wheel's name, else ""
    url: str  # fragment included
    hashes: tuple[str, ...]  # of the fragment


def find_reference(text: str, origin: Origin, reader: Reader) -> Located | None:
    """Return the reference if a text without marker is a URL or path, else None.

    As in pip, a path is relative to the current folder, not to the file that contains it. Raises ``RequirementsError`` for a
    folder that is not a project, a wheel whose name is malformed, and an invalid ``#egg=``.
    """
    if scheme_of(text):
        return locate(text, (), origin, reader)
    path, extras = split_extras(text)
    if looks_like_path(text) and reader.kind(path) == "folder":
        _check_project(path, origin, reader)
        return Located("", extras, "", url_of(reader.absolute(path)), ())
    if not is_archive(path):
        return None
    name, separator, _ = text.partition("@")
    if reader.kind(path) != "file":
        if separator and not looks_like_path(name):
            return None  # "name @ something.zip" is parsed by PEP 508
        remedy = "paths are relative to the current folder; check the path"
        raise refusal(origin, f"there is no file {quoted(path)}", remedy)
    return locate(url_of(reader.absolute(path)), extras, origin, reader)


def find_editable(text: str, origin: Origin, reader: Reader) -> Located:
    """Return the reference in the value of ``-e``: a local folder, or version control with a name.

    Raises ``RequirementsError`` for anything else.
    """
    path, extras = split_extras(text)
    if not scheme_of(path) and reader.kind(path) == "folder":
        _check_project(path, origin, reader)
        return Located("", extras, "", url_of(reader.absolute(path)), ())
    scheme = scheme_of(text)
    if scheme == "file":
        return locate(path, extras, origin, reader)
    tool = text.partition(":")[0].lower()
    if f"{tool}+{tool}" in VCS_SCHEMES or tool == "hg":
        text = f"{tool}+{text}"  # git://… means git+git://…
        scheme = scheme_of(text)
    if scheme not in VCS_SCHEMES:
        raise refusal(
            origin,
            f"{quoted(text)} cannot be installed as editable",
            "give the path of a folder with pyproject.toml or setup.py, or a version control URL such as git+https://…",
        )
    located = locate(text, (), origin, reader)
    if not located.name:
        raise refusal(origin, f"{quoted(text)} does not name its project", "write it as name @ URL")
    return located


def locate(url: str, extras: tuple[str, ...], origin: Origin, reader: Reader) -> Located:
    """Parse a URL: name and version of a wheel, ``#egg=``, hashes. Raises ``RequirementsError``."""
    try:
        reference = parse_reference(url)
        if reference.scheme == "file":
            url = _absolute(url, reader)
    except ValueError as error:
        raise refusal(origin, f"{quoted(url)} is not a valid URL: {error}", "check the URL") from None
    if reference.filename.lower().endswith(".whl"):
        name, specifier = _of_wheel(reference, origin)
    else:
        name, specifier = _of_egg(reference, origin), ""
    return Located(name, extras, specifier, url, reference.hashes)


def looks_like_path(text: str) -> bool:
    """Return whether the text has a path separator or begins with a dot, as in pip."""
    return text.startswith(_RELATIVE) or "/" in text or "\\" in text


def split_extras(text: str) -> tuple[str, tuple[str, ...]]:
    """Split ``./folder[extra]`` into path and extras."""
    match = _WITH_EXTRAS.fullmatch(text) if text.endswith("]") else None
    if match is None:
        return text, ()
    return match[1], normalize_extras(match[2][1:-1])


def _absolute(url: str, reader: Reader) -> str:
    """Return a file: URL with an absolute path; a relative path is relative to the current folder."""
    path = local_path(url)
    _, mark, fragment = url.partition("#")
    return url_of(reader.absolute(path)) + mark + fragment


def _of_wheel(reference: RequirementUrl, origin: Origin) -> tuple[str, str]:
    from packaging.utils import InvalidWheelFilename, parse_wheel_filename  # 45 ms, not for plain lines

    try:
        name, version, _, _ = parse_wheel_filename(reference.filename)
    except InvalidWheelFilename as error:
        raise refusal(
            origin,
            f"{quoted(reference.filename)} is not the name of a wheel ({error})",
            "rename the file: name-version-python-abi-platform.whl",
        ) from None
    return name, f"=={version}"


def _of_egg(reference: RequirementUrl, origin: Origin) -> str:
    if not reference.egg:
        return ""
    if not is_project_name(reference.egg):
        raise refusal(
            origin,
            f"#egg={reference.egg} is not a project name",
            "write the requirement as name[extra] @ URL",
        )
    return normalize_name(reference.egg)


def _check_project(path: str, origin: Origin, reader: Reader) -> None:
    if reader.kind(f"{path}/pyproject.toml") != "file" and reader.kind(f"{path}/setup.py") != "file":
        raise refusal(
            origin,
            f"the folder {quoted(path)} is not a project: it has neither pyproject.toml nor setup.py",
            "paths are relative to the current folder; check the path",
        )
