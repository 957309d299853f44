"""How many requests run at once: never more than the user allows, and fewer if the index refuses some."""

from __future__ import annotations

import importlib.util
import json

import pytest

from tests.support.dists import wheel
from tests.support.index_server import LoopbackIndex
from tests.support.workspace import Workspace

MANY = [f"part-{number}" for number in range(24)]
ALL = "".join(f"{name}\n" for name in MANY)


@pytest.fixture
def wide(index: LoopbackIndex) -> LoopbackIndex:
    """Serve 24 projects that need nothing, each request 50 ms away."""
    for name in MANY:
        index.publish(name, wheel(name, "1.0"))
    index.flavour = index.flavour._replace(latency=0.05)
    return index


@pytest.mark.parametrize("transport", ["curl", "requests", "aiohttp"])
@pytest.mark.parametrize("workers", ["1", "4"])
def test_max_workers_is_a_bound_for_everything_together(
    workspace: Workspace, wide: LoopbackIndex, transport: str, workers: str
) -> None:
    """Pages that another process reads, and metadata that this one does: one number for both."""
    if importlib.util.find_spec({"curl": "pycurl"}.get(transport, transport)) is None:
        pytest.skip(f"{transport} is not installed")
    workspace.write("r.txt", ALL)

    ran = workspace.run("lock", "r.txt", "--max-workers", workers, "--transport", transport)

    assert (ran.code, ran.err) == (0, ran.err)
    assert wide.most_at_once == int(workers)


@pytest.mark.parametrize("workers", ["auto", "20"])
def test_an_index_that_refuses_is_asked_for_less(workspace: Workspace, wide: LoopbackIndex, workers: str) -> None:
    """An index that bears four requests at once is not hammered: it refuses a few, then all is had, and no error is reported."""
    wide.throttle = 4
    workspace.write("r.txt", ALL)

    ran = workspace.run("resolve", "r.txt", "-o", "report.json", "--max-workers", workers)

    assert ran.code == 0, ran.err
    report = json.loads(workspace.read("report.json"))["targets"][0]
    refused = [seen for seen in wide.requests_seen if seen.status == 429]
    assert len(report["pins"]) == 24
    # What is refused five times, or as the run ends, is not asked for again.
    assert 0 < report["counts"]["retries"] <= len(refused)
    # At most one refusal a page and as many again: a client that takes no notice is refused again and again.
    assert len(refused) <= 48
