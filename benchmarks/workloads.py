"""The lists to lock: a ``.in`` file, or a folder of them that are locked together, under ``benchmarks/workloads``."""

from __future__ import annotations

import re
from pathlib import Path
from typing import NamedTuple

FOLDER = Path(__file__).with_name("workloads")


class Workload(NamedTuple):
    """A list of requirements: its name and its files."""

    name: str
    sources: tuple[Path, ...]

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
        return Workload(name, (path.with_name(f"{name}.in"),))
    raise SystemExit(f"no workload {name!r}; there are: {', '.join(names(folder))}")


def names(folder: Path = FOLDER) -> list[str]:
    """Return the names of all workloads."""
    return sorted(path.stem for path in folder.iterdir() if path.suffix == ".in" or path.is_dir())
