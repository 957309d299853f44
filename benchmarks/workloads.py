"""The lists to lock: a ``.in`` file, or a folder of them that are locked together, under ``benchmarks/workloads``.

A list may begin with comments that fix what it is locked for: ``# python-version: 3.11``, ``# uploaded-prior-to: MOMENT``, and
``# no solution`` for one that must be refused.
"""

from __future__ import annotations

import re
from pathlib import Path
from typing import NamedTuple

FOLDER = Path(__file__).with_name("workloads")


class Workload(NamedTuple):
    """A list of requirements: its name, its files, and what it is locked for."""

    name: str
    sources: tuple[Path, ...]
    python: str = ""  # "": the version of the interpreter that runs the benchmark
    prior_to: str = ""  # ISO 8601; files uploaded later do not exist; "": all
    possible: bool = True

    def lines(self) -> tuple[str, ...]:
        """Return the distinct requirements of all files, in order, without comments."""
        texts = (source.read_text(encoding="utf-8") for source in self.sources)
        stripped = (line.partition(" #")[0].strip() for text in texts for line in text.splitlines())
        return tuple(dict.fromkeys(line for line in stripped if line and not line.startswith("#")))

    def direct_names(self) -> frozenset[str]:
        """Return the normalised names of the direct requirements."""
        matches = (re.match(r"[A-Za-z0-9._-]+", line) for line in self.lines())
        return frozenset(re.sub(r"[-_.]+", "-", match[0]).lower() for match in matches if match)


def load(name: str, folder: Path = FOLDER) -> Workload:
    """Return a workload by name; raise SystemExit with the known names if there is none."""
    path = folder / name
    if path.is_dir():
        return Workload(name, tuple(sorted(path.glob("*.in"))))
    if path.with_name(f"{name}.in").exists():
        source = path.with_name(f"{name}.in")
        head = source.read_text(encoding="utf-8")
        return Workload(
            name,
            (source,),
            _value(head, "python-version"),
            _value(head, "uploaded-prior-to"),
            "# no solution\n" not in head,
        )
    raise SystemExit(f"no workload {name!r}; there are: {', '.join(names(folder))}")


def _value(text: str, name: str) -> str:
    """Return the value of a comment ``# name: value``; "" if there is none."""
    match = re.search(rf"^# {name}: (\S+)$", text, re.MULTILINE)
    return match[1] if match else ""


def names(folder: Path = FOLDER) -> list[str]:
    """Return the names of all workloads."""
    return sorted(path.stem for path in folder.iterdir() if path.suffix == ".in" or path.is_dir())
