"""``python -m benchmarks [run] | growth | targets | transports | reported-lists | parallel | record | replay | report``.

``python -m benchmarks served-page`` measures what a policy costs a page of ``mirror serve``.
"""

from __future__ import annotations

import importlib  # each command loads only what it needs: the replay server stays small
import sys
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from collections.abc import Sequence


_COMMANDS = ("run", "record", "replay", "report", "served-page")
_MODULES = {"replay": "replay_process", "served-page": "served_page"}  # the others are named as their commands
_REPORTED_LISTS = (
    "starlette-fastapi",
    "numpy-numba",
    "airflow-beam-dill",
    "pandas-aws-boto3",
    "boto3-old-urllib3",
    "mem0ai-graph",
    "kedro-test",
    "langchain-ml-course",
    "trustllm",
    "aicsimageio-napari-impossible",
    "pdm-2193",
    "acryl-datahub-all",
    "jupyter",
    "pip-tools-1829",
)
# Named runs; options on the command line come after these and override them.
_RUNS = {
    "growth": "--workload packages-100 --workload packages-300 --workload packages-1000 --mode offline"
    " --tools pipx-parallel,uv -o benchmarks/results/growth.json",
    "targets": "--workload medium-bounded --mode cold,offline --timeout 120"
    " --tools pipx-parallel,pipx-parallel-targets,uv,uv-universal,nab,nab-targets -o benchmarks/results/targets.json",
    "transports": "--workload medium-bounded --replay benchmarks/recordings/medium.jsonl.xz"
    " --tools pipx-parallel,pipx-parallel-curl,pipx-parallel-requests,pipx-parallel-aiohttp -o benchmarks/results/transports.json",
    "reported-lists": " ".join(f"--workload {name}" for name in _REPORTED_LISTS)
    + " --tools pipx-parallel,uv --rounds 3 --timeout 300 -o benchmarks/results/reported-lists.json",
    "parallel": "--workload packages-300 --replay benchmarks/recordings/packages-300.jsonl.xz"
    " --tools pipx-parallel,pipx-parallel-1 -o benchmarks/results/parallel.json",
}


def main(arguments: Sequence[str]) -> int:
    """Run a command; ``run`` if none is named."""
    named = bool(arguments) and not arguments[0].startswith("-")
    command, rest = (arguments[0], arguments[1:]) if named else ("run", arguments)
    if command in _RUNS:
        command, rest = "run", [*_RUNS[command].split(), *rest]
    if command not in _COMMANDS:
        print(f"unknown command {command!r}; commands: {', '.join((*_COMMANDS, *_RUNS))}", file=sys.stderr)
        return 2
    module = importlib.import_module(
        "benchmarks.replay_process" if command == "replay" else f"benchmarks.{command.replace('-', '_')}"
    )
    status: int = module.main(rest)
    return status


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
