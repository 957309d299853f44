"""Read a ``uv.lock``: the packages that come from an index. Pure."""

from __future__ import annotations

from typing import TYPE_CHECKING

from mirror.errors import parse_toml
from mirror.names import normalize_name
from mirror.records.tables import Table

if TYPE_CHECKING:
    from collections.abc import Iterator


def read_packages(text: str) -> Iterator[tuple[str, str]]:
    """Yield (name, version) of each package. Raises ``ValueError``."""
    for package in Table(parse_toml(text)).tables("package"):
        if "registry" in package.table("source"):
            yield normalize_name(package.text("name")), package.text("version")
