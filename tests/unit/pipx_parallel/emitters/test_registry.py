"""Formats by name."""

from __future__ import annotations

import pytest

from pipx_parallel.emitters.registry import FORMATS, emitter_for, format_of
from pipx_parallel.errors import UsageError


@pytest.mark.parametrize(
    ("name", "expected"),
    [
        ("pylock.toml", "pylock"),
        ("a/pylock.dev.toml", "pylock"),
        ("C:\\x\\pylock.toml", "pylock"),
        ("requirements.txt", "requirements"),
        ("x/install.sh", "script"),
        ("install.ps1", "powershell"),
        ("report.json", "json"),
        ("bom.cdx.json", "sbom"),
    ],
)
def test_the_file_name_tells_the_format(name: str, expected: str) -> None:
    """PEP 751 fixes the names of locks, the suffix decides the rest."""
    assert format_of(name) == expected


@pytest.mark.parametrize("name", ["-", "lock.toml", "pylock.a.b.toml", "pylock.", "x", ".txt", "pylock.toml.bak"])
def test_a_name_that_tells_nothing_is_a_usage_error_with_the_known_ones(name: str) -> None:
    """The message lists what would be understood."""
    with pytest.raises(UsageError, match=r"pylock\.toml, pylock\.NAME\.toml, \*\.txt, \*\.sh, \*\.ps1, \*\.json"):
        format_of(name)


def test_a_format_counts_where_the_name_says_none() -> None:
    """``--format`` for standard output and for files called anything; a name that tells a format keeps it."""
    assert [format_of("-", name) for name in FORMATS] == list(FORMATS)
    assert format_of("requirements.lock", "requirements") == "requirements"
    assert format_of("locked.txt", "pylock") == "requirements"
    with pytest.raises(
        UsageError, match="unknown format 'yaml'; known: pylock, requirements, script, powershell, json, sbom"
    ):
        format_of("x.txt", "yaml")


def test_every_format_has_an_emitter() -> None:
    """No two formats share one."""
    names = {emitter_for("-", name) for name in FORMATS}

    assert len(names) == len(FORMATS)
