"""The former name of ``tests.support.workspace``, for changes that are under way."""

from __future__ import annotations

from tests.support.workspace import Ran, check_refused, locked
from tests.support.workspace import Workspace as Desk

__all__ = ["Desk", "Ran", "check_refused", "locked"]
