"""What a source tree says of its dependencies without being built: PKG-INFO (PEP 643) or the project table (PEP 621)."""

from __future__ import annotations

from typing import Any

from mirror.errors import Malformed
from mirror.metadata.core_metadata import CoreMetadata, check_size, parse_core_metadata
from mirror.metadata.sdist_metadata import sdist_pkg_info, sdist_pyproject

_MATTERING = frozenset(("dependencies", "optional-dependencies", "requires-python"))


def static_metadata(body: bytes, filename: str) -> CoreMetadata | None:
    """Return what an sdist says for certain, or None where only its build backend knows.

    Raises ``Malformed`` where the archive cannot be read. An sdist without PKG-INFO is one that must be built, as in pip.
    """
    try:
        told = parse_core_metadata(sdist_pkg_info(body, filename))
    except Malformed:
        told = None
    if told is not None and told.is_static:
        return told
    pyproject = sdist_pyproject(body, filename)
    if pyproject is None:
        return None
    stated = project_metadata(pyproject)
    if stated is None or told is None:
        return stated
    return stated._replace(version=told.version)


def project_metadata(pyproject: bytes) -> CoreMetadata | None:
    """Return what a pyproject.toml says for certain (PEP 621), or None: no project table, or what matters is dynamic.

    The version is "" where that is dynamic. A file that is no TOML says nothing: its backend will complain better.
    """
    import tomllib  # 8 ms; only where a source tree is read

    try:
        table = tomllib.loads(pyproject.decode()).get("project")
    except (ValueError, AttributeError, RecursionError):
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
    )


def _texts(value: Any) -> list[str]:  # whatever a TOML file holds
    return [item for item in value if isinstance(item, str)] if isinstance(value, list) else []


def _under_extra(line: str, extra: str) -> str:
    head, semicolon, marker = line.partition(";")
    condition = f'extra == "{extra}"'
    return f"{head.strip()} ; ({marker.strip()}) and {condition}" if semicolon else f"{head.strip()} ; {condition}"
