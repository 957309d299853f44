"""The recorder: an index on loopback that forwards requests to the configured index and stores the responses.

Pages are cut to each project's newest releases *before* the tools see them, so that what they ask for is what a replay holds.
Dependencies are kept for the releases that some tool asked for and for a few neighbours of these; ``replay_site.fill_gaps``
answers for the others. So a recording costs the configured index no more than locking the list once with each tool.
"""

from __future__ import annotations

import argparse
import asyncio
import datetime as dt
import sys
import tempfile
import zipfile
from pathlib import Path
from typing import TYPE_CHECKING, Any

import urllib3

from benchmarks import peers, recording, workloads
from benchmarks.isolation import configured_index, environment
from benchmarks.replay import ReplayServer
from benchmarks.replay_site import ReplaySite
from benchmarks.runner import Bench, failure, run_once
from benchmarks.tools import Job
from benchmarks.upstream import Upstream

if TYPE_CHECKING:
    from collections.abc import Callable, Coroutine, Sequence

    from benchmarks.recording import RecordedMetadata, RecordedProject
    from benchmarks.tools import Tool

_FETCHES = 12  # at a time
_UNREADABLE = (urllib3.exceptions.HTTPError, zipfile.BadZipFile, KeyError, OSError, ValueError)


class Recorder:
    """The requests so far. ``prepare`` is the server's hook: it fetches what has not been fetched yet."""

    def __init__(self, upstream: Upstream, newest: int) -> None:
        """Take the upstream index, and how many releases of each project to record (0: all)."""
        self.site = ReplaySite(hashed=False)
        self._upstream, self._newest = upstream, newest
        self._projects: dict[str, asyncio.Task[RecordedProject | None]] = {}
        self._metadata: dict[str, asyncio.Task[RecordedMetadata | None]] = {}
        self._limit = asyncio.Semaphore(_FETCHES)

    async def prepare(self, path: str) -> None:
        """Fetch what a path needs, once for all concurrent requests."""
        _, kind, name, *_ = [*path.split("/"), "", ""]
        if kind == "simple" and name:
            await _recorded(self._projects, name, self._fetch_project)
        elif kind == "files":
            await self.learn(name.removesuffix(".metadata"))

    async def learn(self, filename: str) -> None:
        """Fetch the dependencies of a file."""
        await _recorded(self._metadata, filename, self._fetch_metadata)

    async def learn_neighbours(self, count: int) -> None:
        """Fetch the dependencies of the releases next to the requested ones."""
        wanted = [name for project in self.projects() for name in _neighbours(project, count)]
        await asyncio.gather(*map(self.learn, wanted))

    def projects(self) -> list[RecordedProject]:
        """Return everything that was recorded."""
        fetched = [task.result() for task in self._projects.values()]
        metadata = {name: task.result() for name, task in self._metadata.items()}
        return [_with_metadata(project, metadata) for project in fetched if project]

    async def _fetch_project(self, name: str) -> RecordedProject | None:
        async with self._limit:
            project = await asyncio.to_thread(self._upstream.project, name, self._newest)
        if project:
            self.site.add(project)
        return project

    async def _fetch_metadata(self, filename: str) -> RecordedMetadata | None:
        async with self._limit:
            try:
                metadata = await asyncio.to_thread(self._upstream.metadata, filename)
            except _UNREADABLE as error:
                print(f"left out, cannot be read: {filename}: {type(error).__name__}", file=sys.stderr)
                return None
        if metadata:
            self.site.set_metadata(filename, metadata)
        return metadata


async def _recorded(
    tasks: dict[str, asyncio.Task[Any]], key: str, fetch: Callable[[str], Coroutine[Any, Any, Any]]
) -> None:
    """Wait for a fetch that is started once and continues if its client disconnects."""
    if key not in tasks:
        tasks[key] = asyncio.ensure_future(fetch(key))
    await asyncio.shield(tasks[key])


def _neighbours(project: RecordedProject, count: int) -> list[str]:
    """Return one file for each release that is at most ``count`` releases older than one with known dependencies."""
    recorded = [index for index, release in enumerate(project.releases) if release.metadata]
    near = dict.fromkeys(number for index in recorded for number in range(index + 1, index + 1 + count))
    releases = [project.releases[number] for number in near if number < len(project.releases)]
    wheels = [[file.name for file in release.files if file.name.endswith(".whl")] for release in releases]
    return [names[0] for release, names in zip(releases, wheels, strict=True) if names and not release.metadata]


def _with_metadata(project: RecordedProject, recorded: dict[str, RecordedMetadata | None]) -> RecordedProject:
    """Give each release the dependencies of its first file that has some: the wheels of one release nearly always agree."""
    releases = []
    for release in project.releases:
        candidates = (
            recorded.get(file.name) for file in sorted(release.files, key=lambda file: not file.name.endswith(".whl"))
        )
        releases.append(release._replace(metadata=next(filter(None, candidates), None)))
    return project._replace(releases=tuple(releases))


async def record(
    chosen: Sequence[workloads.Workload], tools: Sequence[Tool], newest: int, neighbours: int, patience: float
) -> recording.Recording:
    """Lock every workload with every tool through the recorder, ``patience`` seconds each; return what they touched."""
    recorder = Recorder(Upstream(configured_index()), newest)
    listening = await ReplayServer(recorder.site, prepare=recorder.prepare).start()
    url = f"http://127.0.0.1:{listening.sockets[0].getsockname()[1]}/simple/"
    async with listening:
        for workload in chosen:
            for tool in tools:
                await asyncio.to_thread(_drive, workload, tool, url, patience)
        await recorder.learn_neighbours(neighbours)
    projects = tuple(recorder.projects())
    return recording.Recording(_header(chosen, tools, newest, neighbours, projects), projects)


def _drive(workload: workloads.Workload, tool: Tool, url: str, timeout: float) -> None:
    with tempfile.TemporaryDirectory() as scratch:
        folder = Path(scratch)
        bench = Bench(folder, environment, url, 1, timeout, None, print)
        job = Job(workload, "cold", folder, folder / "cache", url, sys.executable)
        result = run_once(bench, job, tool)
        outcome = failure(result, job, tool, timeout) or "done"
    print(f"{workload.name} with {tool.name}: {result['wall']:.1f} s, {outcome}", file=sys.stderr)


def _header(
    chosen: Sequence[workloads.Workload],
    tools: Sequence[Tool],
    newest: int,
    neighbours: int,
    projects: Sequence[RecordedProject],
) -> dict[str, object]:
    releases = [release for project in projects for release in project.releases]
    cut = f"each project's newest {newest} releases" if newest else "all releases"
    return {
        "made": dt.datetime.now(dt.UTC).strftime("%Y-%m-%d"),
        "how": f"python -m benchmarks record: {cut}; dependencies of the releases that a tool asked for and of the "
        f"{neighbours} next older ones, others answer like their nearest neighbour; file sizes and hashes are those of "
        "the small files that the replay makes; times cut to seconds",
        "workloads": {workload.name: workload.lines() for workload in chosen},
        "tools": [tool.name for tool in tools],
        "target": f"CPython {sys.version.split()[0]} on {sys.platform}",
        "newest": newest,
        "projects": len(projects),
        "releases": len(releases),
        "files": sum(len(release.files) for release in releases),
        "releases with own dependencies": sum(release.metadata is not None for release in releases),
    }


def main(arguments: Sequence[str]) -> int:
    """Record what the tools touch while they lock the workloads."""
    parser = argparse.ArgumentParser(prog="python -m benchmarks record", description=main.__doc__)
    parser.add_argument("output", type=Path)
    parser.add_argument("--workload", action="append", required=True, help="may be given several times")
    parser.add_argument("--tools", default="uv,nab,pip", help="who asks, in this order (default: %(default)s)")
    parser.add_argument("--newest", type=int, default=60, help="releases kept of each project, 0: all")
    parser.add_argument("--neighbours", type=int, default=2)
    parser.add_argument("--timeout", type=float, default=300.0, help="seconds for each tool")
    parser.add_argument("--cache", type=Path, default=peers.DEFAULT_CACHE)
    parser.add_argument("--ours", type=Path, help="an interpreter that runs this work tree as it stands")
    options = parser.parse_args(arguments)
    own = environment(options.cache / "home")
    installed = peers.install(options.tools.split(","), options.cache, own, options.ours)
    chosen = [workloads.load(name) for name in options.workload]
    tools = [entry.tool for entry in installed]
    made = asyncio.run(record(chosen, tools, options.newest, options.neighbours, options.timeout))
    recording.write(options.output, made)
    print(f"{options.output}: {options.output.stat().st_size:,} bytes, {made.header}", file=sys.stderr)
    return 0
