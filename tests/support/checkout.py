"""The source tree under test, and a clean copy of it."""

from __future__ import annotations

import shutil
import subprocess
from fnmatch import fnmatch
from pathlib import Path

CHECKOUT = Path(__file__).resolve().parents[2]


def source_files(checkout: Path = CHECKOUT) -> list[str]:
    """Return the paths of the files that belong to the project, relative to the checkout, with forward slashes, sorted.

    In a git checkout these are the files that git tracks; in an unpacked sdist, the files that ``.gitignore`` does not name.
    What a command wrote into the checkout (a lock, an environment, a build) is no part of the project.
    """
    tracked = _tracked_files(checkout)
    if "pyproject.toml" in tracked:
        return sorted(name for name in tracked if (checkout / name).is_file())
    patterns = [".git", *(checkout / ".gitignore").read_text(encoding="utf-8").split()]
    paths = [path.relative_to(checkout) for path in checkout.rglob("*") if path.is_file()]
    return sorted(path.as_posix() for path in paths if not any(_names(pattern, path) for pattern in patterns))


def clean_copy(target: Path) -> Path:
    """Copy the files of the project to ``target``, which does not exist yet, and return ``target``."""
    for name in source_files():
        copy = target / name
        copy.parent.mkdir(parents=True, exist_ok=True)
        shutil.copy2(CHECKOUT / name, copy)
    return target


def _tracked_files(checkout: Path) -> list[str]:
    """Return what git tracks there; nothing if there is no repository or no git."""
    git = shutil.which("git")
    if git is None:
        return []
    command = [git, "-C", str(checkout), "ls-files", "-z"]
    return subprocess.run(command, capture_output=True, text=True, check=False).stdout.split("\0")


def _names(pattern: str, path: Path) -> bool:
    """Return whether a line of ``.gitignore`` names the file or a folder above it; ``/name`` stands for the top folder only."""
    if pattern.startswith("/"):
        return fnmatch(path.parts[0], pattern[1:])
    return any(fnmatch(part, pattern.rstrip("/")) for part in path.parts)
