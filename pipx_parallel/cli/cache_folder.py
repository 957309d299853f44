"""The folder of this user's caches."""

from __future__ import annotations

import os
import sys


def cache_folder() -> str:
    """Return the folder of this tool's caches."""
    environ = os.environ
    home = environ.get("HOME") or environ.get("USERPROFILE") or ""
    if sys.platform == "win32":
        root = environ.get("LOCALAPPDATA") or os.path.join(home, "AppData", "Local")
        return os.path.join(root, "pipx-parallel", "cache")
    if sys.platform == "darwin":
        return os.path.join(home, "Library", "Caches", "pipx-parallel")
    return os.path.join(environ.get("XDG_CACHE_HOME") or os.path.join(home, ".cache"), "pipx-parallel")
