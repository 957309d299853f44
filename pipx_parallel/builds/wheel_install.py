"""Unpack wheels into the environment of a build (PEP 427), without starting an installer for each environment."""

# Paths are passed to other programs as text.
from __future__ import annotations

import os
import sysconfig
import zipfile
from importlib.metadata import Distribution
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from collections.abc import Mapping, Sequence

_LIMIT = 4 * 1024 * 1024 * 1024  # bytes unpacked of one wheel
_LONGEST = 120  # characters of an interpreter's path that the first line of a script can name
_SCRIPT = "#!{python}\nimport sys\nfrom {module} import {name}\nsys.exit({attribute}())\n"


def install(wheels: Sequence[str], prefix: str, python: str) -> None:
    """Unpack wheels into the environment at ``prefix``, whose interpreter is ``python``.

    Raises ``OSError``, ``ValueError`` or ``zipfile.BadZipFile`` for what cannot be unpacked; the environment is then unusable.
    """
    if len(python) > _LONGEST or " " in python:
        raise ValueError("no script can name the interpreter")
    bases = dict.fromkeys(("base", "platbase", "installed_base", "installed_platbase"), prefix)
    paths = sysconfig.get_paths("venv", vars=bases)
    folders = {**{name: paths[name] for name in ("purelib", "platlib", "scripts", "data")}, "headers": paths["include"]}
    for wheel in wheels:
        with zipfile.ZipFile(wheel) as archive:
            if sum([member.file_size for member in archive.infolist()]) > _LIMIT:
                raise ValueError(f"{wheel} unpacks to more than {_LIMIT} bytes")
            information = _unpack(archive, folders, python)
        for entry in Distribution.at(information).entry_points.select(group="console_scripts"):
            _write_script(
                os.path.join(folders["scripts"], os.path.basename(entry.name)), entry.module, entry.attr, python
            )


def _unpack(archive: zipfile.ZipFile, folders: Mapping[str, str], python: str) -> str:
    """Unpack a wheel and return the path of its ``.dist-info`` folder. Raises ``ValueError``."""
    information = ""
    for member in archive.infolist():
        if member.is_dir():
            continue
        kind, path = _destination(member.filename)
        folder = os.path.realpath(folders.get(kind, ""))
        target = os.path.realpath(os.path.join(folder, path))
        if kind not in folders or os.path.commonpath([folder, target]) != folder:
            raise ValueError(f"{member.filename!r} has no place in an environment")
        top = path.partition("/")[0]
        if kind == "purelib" and top.endswith(".dist-info"):
            information = os.path.join(folder, top)
        os.makedirs(os.path.dirname(target), exist_ok=True)
        data = archive.read(member)
        if kind == "scripts" and data.startswith(b"#!python"):
            data = b"#!" + python.encode() + b"\n" + data.partition(b"\n")[2]
        with open(target, "wb") as file:
            file.write(data)
        if kind == "scripts" or member.external_attr >> 16 & 0o111:
            os.chmod(target, 0o755)  # noqa: S103 - a program, in a folder of this user alone
    if not information:
        raise ValueError("it has no .dist-info folder")
    return information


def _destination(name: str) -> tuple[str, str]:
    """Return which folder of an environment a file of a wheel belongs to, and its path there."""
    top, _, rest = name.partition("/")
    if top.endswith(".data"):
        kind, _, path = rest.partition("/")
        return kind, path
    return "purelib", name


def _write_script(path: str, module: str, attribute: str, python: str) -> None:
    name = attribute.partition(".")[0]
    if not all(part.isidentifier() for part in (*module.split("."), *attribute.split("."))):
        raise ValueError(f"{module}:{attribute} names no function")
    with open(path, "w", encoding="utf-8") as file:
        file.write(_SCRIPT.format(python=python, module=module, name=name, attribute=attribute))
    os.chmod(path, 0o755)  # noqa: S103 - as above
