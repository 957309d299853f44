"""The plugin with a distribution of an old setuptools. Real builds are in ``tests/plugin``."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING, cast

import pytest

from pipx_parallel.setuptools_plugin import finalize

if TYPE_CHECKING:
    from pipx_parallel.setuptools_plugin import Distribution

PROJECT = """
[build-system]
build-backend = "setuptools.build_meta"
[tool.pipx-parallel.setuptools]
"""
LOCK = """
lock-version = "1.0"
created-by = "a tool"
[[packages]]
name = "a"
version = "1.0"
wheels = [{ url = "https://example.org/a-1.0-py3-none-any.whl", hashes = { sha256 = "00" } }]
"""


class _Metadata:
    name = "app"
    install_requires: list[str]
    extras_require: dict[str, list[str]]

    def __init__(self) -> None:
        self.provides_extras: dict[str, None] = {}


class _OldDistribution:
    """What setuptools 65 has: no record of the files that the configuration refers to."""

    def __init__(self) -> None:
        self.metadata = _Metadata()
        self.install_requires = ["a"]
        self.extras_require: dict[str, list[str]] = {}

    def parse_config_files(self) -> None:
        """Read nothing."""


def test_a_setuptools_that_records_no_referenced_files(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """The extra is made all the same."""
    (tmp_path / "pyproject.toml").write_text(PROJECT, encoding="utf-8")
    (tmp_path / "pylock.toml").write_text(LOCK, encoding="utf-8")
    monkeypatch.chdir(tmp_path)
    distribution = _OldDistribution()

    finalize(cast("Distribution", distribution))
    distribution.parse_config_files()

    assert distribution.extras_require == {"locked": ["a==1.0"]}
