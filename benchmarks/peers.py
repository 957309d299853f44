"""Install each tool into its own virtual environment under the cache folder, and return its version."""

from __future__ import annotations

import os
import shutil
import subprocess
import sys
import tempfile
from pathlib import Path
from typing import TYPE_CHECKING, NamedTuple

from benchmarks.tools import Nab, Ours, PipCompile, PipLock, Tool, Uv

if TYPE_CHECKING:
    from collections.abc import Callable, Mapping, Sequence

ROOT = Path(__file__).resolve().parent.parent
DEFAULT_CACHE = Path(os.environ.get("XDG_CACHE_HOME") or Path.home() / ".cache") / "pipx-parallel-benchmarks"
_REQUIRED = {"uv": ["uv"], "nab": ["nab"], "pip": [], "pip-compile": ["pip-tools"]}
_SKIPPED = shutil.ignore_patterns(".*", "__pycache__", "build", "*.egg-info", "benchmarks", "tests", "fixtures")
OURS = "pipx-parallel"
VARIANTS = tuple(f"{OURS}-{variant}" for variant in ("1", "curl", "requests", "aiohttp", "targets"))
NAMES = (OURS, *VARIANTS, "uv", "uv-hashes", "uv-universal", "nab", "nab-targets", "pip", "pip-compile")
DEFAULT = (OURS, "uv", "uv-hashes", "nab", "pip", "pip-compile")


class Installed(NamedTuple):
    """A tool that can be called, and its version."""

    tool: Tool
    version: str


def install(
    names: Sequence[str], cache: Path, environment: Mapping[str, str], ours: Path | None = None
) -> list[Installed]:
    """Install missing tools and return all in order.

    ``ours`` is an interpreter that runs this work tree itself, instead of an installed wheel of it.
    """
    return [_install(name, cache / "venvs", environment, ours) for name in names]


def _install(name: str, venvs: Path, environment: Mapping[str, str], ours: Path | None) -> Installed:
    if name.startswith(OURS):
        tree = [
            "env",
            f"PYTHONPATH={ROOT}",
            str(ours),
            "-m",
            "pipx_parallel",
        ]  # env: 1 ms, and the same process after it
        variant = name.removeprefix(OURS).removeprefix("-")
        program = tree if ours else [str(_install_ours(venvs / "ours", environment, variant))]
        return Installed(Ours(program, variant), _version([*program, "--version"], environment))
    family, _, variant = (name, "", "") if name == "pip-compile" else name.partition("-")
    bin_ = _venv(venvs / family, environment, _REQUIRED[family])
    makers: dict[str, Callable[[], Tool]] = {
        "uv": lambda: Uv(bin_ / "uv", variant),
        "nab": lambda: Nab(bin_ / "nab", variant),
        "pip": lambda: PipLock(bin_ / "python"),
        "pip-compile": lambda: PipCompile(bin_ / "pip-compile"),
    }
    return Installed(makers[family](), _version([str(bin_ / family), "--version"], environment))


def _venv(folder: Path, environment: Mapping[str, str], required: Sequence[str]) -> Path:
    bin_ = folder / ("Scripts" if os.name == "nt" else "bin")
    marker = folder / "installed"
    if not marker.exists():
        subprocess.run([sys.executable, "-m", "venv", "--clear", str(folder)], check=True, env=dict(environment))
        _pip(bin_, environment, "--upgrade", "pip", *required)
        marker.touch()
    return bin_


def _install_ours(folder: Path, environment: Mapping[str, str], variant: str) -> Path:
    """Install a wheel of the current work tree, built from a copy so that the tree stays clean.

    One environment serves all variants; it has the extra of a transport if that was ever requested.
    """
    bin_ = _venv(folder, environment, [])
    with tempfile.TemporaryDirectory() as copy:
        tree = Path(copy) / "tree"
        shutil.copytree(ROOT, tree, ignore=_SKIPPED)
        _pip(bin_, environment, f"{tree}[aiohttp]" if "aiohttp" in variant else str(tree))
        _pip(bin_, environment, "--no-deps", "--force-reinstall", str(tree))
    return bin_ / OURS


def _pip(bin_: Path, environment: Mapping[str, str], *arguments: str) -> None:
    command = [str(bin_ / "python"), "-m", "pip", "install", "--quiet", *arguments]
    subprocess.run(command, check=True, env=dict(environment))


def _version(command: Sequence[str], environment: Mapping[str, str]) -> str:
    run = subprocess.run(command, check=True, capture_output=True, text=True, env=dict(environment), cwd=ROOT)
    words = run.stdout.split()
    return next((word for word in words if word[:1].isdigit()), "unknown")
