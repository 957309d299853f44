"""Wheels in the environment of a build: what an installer would have done with them, and what is refused."""

from __future__ import annotations

import subprocess
import venv
import zipfile
from pathlib import Path

import pytest

from pipx_parallel.builds.wheel_install import install
from tests.support.dists import wheel, zipped

INFORMATION = {
    "a-1.dist-info/METADATA": b"Name: a\nVersion: 1\n\n",
    "a-1.dist-info/WHEEL": b"Wheel-Version: 1.0\nRoot-Is-Purelib: true\n",
    "a-1.dist-info/RECORD": b"",
}


def environment(folder: Path) -> Path:
    """Return the interpreter of a new environment."""
    venv.EnvBuilder(symlinks=True).create(folder)
    return folder / "bin" / "python"


def test_modules_commands_and_files_are_in_place(tmp_path: Path) -> None:
    """A module is imported, both kinds of commands run, and a program in the package stays one."""
    prefix, made = tmp_path / "e", wheel("tool", "1.0", scripts={"tool": "tool:main"})
    python = environment(prefix)
    (tmp_path / made.filename).write_bytes(made.body)
    other = tmp_path / "a-1-py3-none-any.whl"
    files = {
        **INFORMATION,
        "a-1.data/purelib/a.py": b"X = 'hello'\n",
        "a-1.data/data/share/a.txt": b"text",
    }
    with zipfile.ZipFile(other, "w") as archive:
        for name, data in files.items():
            archive.writestr(name, data)
        programs = {
            "b/program": b"#!/bin/sh\necho ran\n",
            "a-1.data/scripts/hello": b"#!python\nimport a; print(a.X)\n",
        }
        for name, data in programs.items():
            program = zipfile.ZipInfo(name)
            program.external_attr = 0o100755 << 16
            archive.writestr(program, data)

    install({path.name: str(path) for path in (tmp_path / made.filename, other)}, str(prefix), str(python))

    def output(*words: str) -> str:
        return subprocess.run(words, capture_output=True, text=True, check=True).stdout.strip()

    assert output(str(prefix / "bin" / "tool")) == "tool 1.0"
    assert output(str(prefix / "bin" / "hello")) == "hello"
    assert output(str(python), "-c", "from importlib.metadata import version; print(version('a'))") == "1"
    assert (prefix / "share" / "a.txt").read_text() == "text"
    assert output(output(str(python), "-c", "import b, sys; print(list(b.__path__)[0] + '/program')")) == "ran"


@pytest.mark.parametrize(
    "name", ["../b.py", "/etc/b.py", "a-1.data/purelib/../../../../../b.py", "a-1.data/other/b.py", "a-1.data/b.py"]
)
def test_a_path_that_leads_out_is_refused(tmp_path: Path, name: str) -> None:
    """So is a folder that no environment has."""
    path = tmp_path / "a-1-py3-none-any.whl"
    path.write_bytes(zipped({name: b"", **INFORMATION}))

    with pytest.raises(ValueError, match=r"b\.py|absolute"):
        install({path.name: str(path)}, str(tmp_path / "e"), "/usr/bin/python3")
    assert not list(tmp_path.rglob("b.py"))


@pytest.mark.parametrize(("module", "function"), [("os;import x", "main"), ("os", "a b"), ("os", "system('x')")])
def test_an_entry_point_is_a_name_and_no_code(tmp_path: Path, module: str, function: str) -> None:
    """Nothing else of a wheel becomes the text of a script."""
    path = tmp_path / "a-1-py3-none-any.whl"
    points = f"[console_scripts]\na = {module}:{function}\n".encode()
    path.write_bytes(zipped({**INFORMATION, "a-1.dist-info/entry_points.txt": points}))

    with pytest.raises((ValueError, AttributeError)):
        install({path.name: str(path)}, str(tmp_path / "e"), "/usr/bin/python3")


def test_what_is_no_wheel_is_refused(tmp_path: Path) -> None:
    """An archive without its information, and what is no archive."""
    path = tmp_path / "a-1-py3-none-any.whl"
    path.write_bytes(zipped({"a.py": b""}))
    with pytest.raises(ValueError, match="dist-info"):
        install({path.name: str(path)}, str(tmp_path / "e"), "/usr/bin/python3")
    path.write_bytes(b"text")
    with pytest.raises(zipfile.BadZipFile):
        install({path.name: str(path)}, str(tmp_path / "e"), "/usr/bin/python3")
