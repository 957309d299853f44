"""The folders of this user: home, caches, the mirror."""

from __future__ import annotations

import os
import sys

from pipx_parallel.config import mirror_location


def cache_folder() -> str:
    """Return the folder of this tool's caches."""
    environ = os.environ
    home = home_folder()
    if sys.platform == "win32":
        root = environ.get("LOCALAPPDATA") or os.path.join(home, "AppData", "Local")
        return os.path.join(root, "pipx-parallel", "cache")
    if sys.platform == "darwin":
        return os.path.join(home, "Library", "Caches", "pipx-parallel")
    return os.path.join(environ.get("XDG_CACHE_HOME") or os.path.join(home, ".cache"), "pipx-parallel")


def home_folder() -> str:
    """Return the user's home: HOME, or the account's home folder if HOME is unset or empty, as pip and uv."""
    home = os.environ.get("HOME") or os.environ.get("USERPROFILE")
    if home:
        return home
    try:
        from pwd import getpwuid  # not on Windows

        return getpwuid(os.getuid()).pw_dir
    except (ImportError, KeyError):  # a container's user without an account
        return ""


def mirror_folder() -> str:
    """Return the default folder of this user's mirror."""
    return mirror_location.default_mirror(os.environ, sys.platform, home_folder())


def expanded(location: str) -> str:
    """Return a mirror's location with ``~`` and variables replaced, which a shell does not do in ``--mirror=~/m``.

    diskcache does both for the folder it is given: everybody must mean the same folder.
    """
    if "://" in location:
        return location
    location = os.path.expandvars(location)
    if location == "~" or location.startswith(("~/", f"~{os.sep}")):
        return home_folder() + location[1:]
    return os.path.expanduser(location)
