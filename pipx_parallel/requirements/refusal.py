"""Create the error for a refused input: one message with file, line and remedy, without secrets."""

from __future__ import annotations

from typing import TYPE_CHECKING

from pipx_parallel.errors import RequirementsError
from pipx_parallel.requirements.urls import mask_secrets

if TYPE_CHECKING:
    from pipx_parallel.model import Origin

_LONGEST = 200  # maximum characters that a message quotes


def refusal(origin: Origin, problem: str, remedy: str) -> RequirementsError:
    """Return the error to raise; secrets in URLs are masked in both texts."""
    return RequirementsError(origin, mask_secrets(problem), mask_secrets(remedy))


def quoted(text: str) -> str:
    """Return part of the user's text in quotes, shortened if it is very long."""
    shown = text if len(text) <= _LONGEST else f"{text[:_LONGEST]}…"
    return f"'{shown}'"
