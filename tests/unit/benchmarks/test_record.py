"""The recorder fetches each thing once, whoever hangs up."""

from __future__ import annotations

import asyncio

import pytest

pytest.importorskip("urllib3")

from benchmarks.record import _recorded


def test_a_fetch_goes_on_after_its_first_caller_has_gone() -> None:
    """A tool that is ended in the middle leaves nothing half known."""
    fetched: list[str] = []

    async def fetch(key: str) -> str:
        await asyncio.sleep(0.01)
        fetched.append(key)
        return key.upper()

    async def scenario() -> str:
        tasks: dict[str, asyncio.Task[str]] = {}
        first = asyncio.create_task(_recorded(tasks, "a", fetch))
        await asyncio.sleep(0)
        first.cancel()
        await _recorded(tasks, "a", fetch)
        return tasks["a"].result()

    assert (asyncio.run(scenario()), fetched) == ("A", ["a"])
