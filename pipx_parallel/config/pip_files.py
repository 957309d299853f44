"""Where pip looks for its configuration files on each platform."""

from __future__ import annotations

import os
from typing import TYPE_CHECKING

from mirror.equality import NamedTuple

if TYPE_CHECKING:
    from collections.abc import Callable, Mapping

    from pipx_parallel.requirements.reader import Reader


class Host(NamedTuple):
    """What pip's file locations depend on."""

    platform: str  # sys.platform
    home: str
    prefix: str  # sys.prefix: where a virtual environment keeps its pip.conf
    devnull: str = os.devnull


def config_files(environ: Mapping[str, str], host: Host, reader: Reader) -> tuple[str, ...]:
    """Return pip's configuration files, whether or not they are there; a later one overrides an earlier one.

    Global, user (the legacy place first), site, then ``PIP_CONFIG_FILE``. That variable, if its file exists, takes the
    place of the user's files; as the null device it turns all files off.
    """
    named = environ.get("PIP_CONFIG_FILE")
    if named == host.devnull:
        return ()
    windows = host.platform == "win32"
    join = _join_windows if windows else _join_posix
    name = "pip.ini" if windows else "pip.conf"
    files = [join(folder, name) for folder in _global_folders(environ, host, join)]
    if not (named and reader.kind(named)):
        files.append(join(host.home, "pip" if windows else ".pip", name))
        files.append(join(_user_folder(environ, host, reader, join), name))
    files.append(join(host.prefix, name))
    if named:
        files.append(named)
    return tuple(files)


def _join_posix(*parts: str) -> str:
    return "/".join(part.rstrip("/") if position < len(parts) - 1 else part for position, part in enumerate(parts))


def _join_windows(*parts: str) -> str:
    return "\\".join(part.rstrip("\\/") if position < len(parts) - 1 else part for position, part in enumerate(parts))


def _global_folders(environ: Mapping[str, str], host: Host, join: Callable[..., str]) -> list[str]:
    if host.platform == "win32":
        return [join(environ.get("PROGRAMDATA") or environ.get("ALLUSERSPROFILE") or "C:\\ProgramData", "pip")]
    if host.platform == "darwin":
        folders = _xdg_list(environ, "XDG_DATA_DIRS")
        # A Python of Homebrew looks below Homebrew's prefix as well.
        brew = host.prefix.partition("/opt/python")[0] if "/opt/python" in host.prefix else ""
        return [
            join(folder, "pip")
            for folder in folders or [*([f"{brew}/share"] if brew else []), "/Library/Application Support"]
        ]
    return [*(join(folder, "pip") for folder in _xdg_list(environ, "XDG_CONFIG_DIRS") or ["/etc/xdg"]), "/etc"]


def _user_folder(environ: Mapping[str, str], host: Host, reader: Reader, join: Callable[..., str]) -> str:
    if host.platform == "win32":
        return join(environ.get("APPDATA") or join(host.home, "AppData", "Roaming"), "pip")
    if host.platform == "darwin":
        support = _xdg_home(environ, "XDG_DATA_HOME", host) or f"{host.home}/Library/Application Support"
        folder = join(support, "pip")
        return folder if reader.kind(folder) == "folder" else join(host.home, ".config", "pip")
    return join(_xdg_home(environ, "XDG_CONFIG_HOME", host) or f"{host.home}/.config", "pip")


def _xdg_home(environ: Mapping[str, str], name: str, host: Host) -> str:
    value = environ.get(name, "").strip()
    return host.home + value[1:] if value.startswith("~/") else value


def _xdg_list(environ: Mapping[str, str], name: str) -> list[str]:
    return [folder for folder in environ.get(name, "").split(":") if folder.strip()]
