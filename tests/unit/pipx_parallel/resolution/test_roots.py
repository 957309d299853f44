"""Roots, constraints and the pins of an existing lock, compiled for a search."""

from __future__ import annotations

import pytest

from mirror.records.version_keys import compile_specifier
from pipx_parallel.resolution.roots import exact_specifier


@pytest.mark.parametrize(
    "version",
    [
        "1",
        "1.0",
        "1.2.3",
        "2.9.0.post0",
        "2026.10.19.post1",
        "1.0rc1",
        "1.0.dev3",
        "1!2.0",
        "2.6.0+cpu",
        "1.0a1.post2.dev3",
    ],
)
def test_a_pin_is_compiled_as_packaging_does(version: str) -> None:
    """Without loading it: existing locks pin post-releases."""
    assert exact_specifier(version) == compile_specifier(f"=={version}")


def test_a_text_that_is_no_version_pins_nothing() -> None:
    """An existing lock may hold anything."""
    assert exact_specifier("today") is None
