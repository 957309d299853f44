"""Metadata of a source tree without a build: PKG-INFO (PEP 643) or the project table of pyproject.toml (PEP 621)."""

from __future__ import annotations

from typing import Any, BinaryIO

from mirror.errors import Malformed, parse_toml
from mirror.metadata.core_metadata import CoreMetadata, check_size, parse_core_metadata
from mirror.metadata.sdist_metadata import PKG_INFO, PYPROJECT, top_files
from mirror.records.licences import stated_by_project

_MATTERING = frozenset(("dependencies", "optional-dependencies", "requires-python"))


def static_metadata(archive: BinaryIO, filename: str, copy: BinaryIO | None = None) -> CoreMetadata | None:
    """Return the static metadata of an sdist, or None if it must be built.

    An sdist without PKG-INFO must be built too, as in pip, unless its project table is static.

    Args:
        archive: The sdist.
        filename: Its name.
        copy: As in ``top_files``.

    Raises:
        Malformed: The archive cannot be read.
    """
    texts: dict[str, bytes] = {}
    metadata = None
    for name, text in top_files(archive, filename, copy):
        if texts.setdefault(name, text) is not text:
            continue
        if name == PKG_INFO:
            metadata = _parsed(text)
            if metadata is not None and metadata.is_static:
                return metadata
        if len(texts) == 2:
            break
    project = project_metadata(texts[PYPROJECT]) if PYPROJECT in texts else None
    if project is None or metadata is None:
        return project
    return project._replace(version=metadata.version, licence=metadata.licence)


def _parsed(pkg_info: bytes) -> CoreMetadata | None:
    try:
        return parse_core_metadata(pkg_info)
    except Malformed:
        return None


def project_metadata(pyproject: bytes) -> CoreMetadata | None:
    """Return the static metadata of a pyproject.toml (PEP 621).

    Returns:
        The metadata, with "" for a dynamic version. None if there is no project table, if dependencies or Requires-Python are
        dynamic, or if the file is not TOML: the build backend then gives the error.
    """
    try:
        table = parse_toml(pyproject.decode()).get("project")
    except (ValueError, AttributeError):
        return None
    if not isinstance(table, dict) or not isinstance(table.get("name"), str):
        return None
    if _MATTERING & set(_texts(table.get("dynamic"))):
        return None
    extras = table.get("optional-dependencies")
    requires = _texts(table.get("dependencies"))
    for extra, lines in (extras if isinstance(extras, dict) else {}).items():
        requires += [_under_extra(line, extra) for line in _texts(lines)]
    check_size(f"pyproject.toml of {table['name']}", requires, list(extras) if isinstance(extras, dict) else ())
    python, version = table.get("requires-python"), table.get("version")
    return CoreMetadata(
        name=table["name"],
        version=version if isinstance(version, str) else "",
        metadata_version="2.2",
        requires_dist=tuple(requires),
        requires_python=python if isinstance(python, str) else None,
        provides_extra=tuple(extras) if isinstance(extras, dict) else (),
        licence=stated_by_project(table),
    )


def _texts(value: Any) -> list[str]:  # any TOML value
    return [item for item in value if isinstance(item, str)] if isinstance(value, list) else []


def _under_extra(line: str, extra: str) -> str:
    head, semicolon, marker = line.partition(";")
    condition = f'extra == "{extra}"'
    return f"{head.strip()} ; ({marker.strip()}) and {condition}" if semicolon else f"{head.strip()} ; {condition}"
