"""Builds sample projects with the setuptools plugin installed."""

from __future__ import annotations

import os
import shutil
import subprocess
import sys
import tarfile
import zipfile
from email.message import Message
from email.parser import HeaderParser
from pathlib import Path
from typing import NamedTuple

PROJECTS = Path(__file__).parents[1] / "plugin" / "projects"


class Done(NamedTuple):
    """How one build ended: its files (by the last part of the name) and its whole output."""

    status: int
    output: str
    out: Path

    def metadata(self) -> Message:
        """Return METADATA of the wheel that was built."""
        (wheel,) = self.out.glob("*.whl")
        with zipfile.ZipFile(wheel) as archive:
            name = next(name for name in archive.namelist() if name.endswith(".dist-info/METADATA"))
            return HeaderParser().parsestr(archive.read(name).decode())

    def sdist_names(self) -> list[str]:
        """Return the files of the sdist that was built, without its top folder."""
        with tarfile.open(next(self.out.glob("*.tar.gz"))) as archive:
            return sorted(member.name.partition("/")[2] for member in archive.getmembers() if member.isfile())


class ProjectBuilder:
    """Builds a project with the plugin installed, in a fresh process and without a network."""

    def __init__(self, site: Path, folder: Path) -> None:
        """Keep where the plugin is installed and where copies of projects go."""
        self.site = site
        self.folder = folder

    def project(self, name: str, **files: str) -> Path:
        """Copy a sample project; ``files`` replace some of its files ("pyproject.toml" is written ``pyproject_toml``)."""
        tree = Path(shutil.copytree(PROJECTS / name, self.folder / name))
        for key, text in files.items():
            (tree / key.replace("_toml", ".toml")).write_text(text, encoding="utf-8")
        return tree

    def python(self, *arguments: str, folder: Path, **environment: str) -> subprocess.CompletedProcess[str]:
        """Run this interpreter with the plugin on its path."""
        variables = {
            **os.environ,
            "PYTHONPATH": str(self.site),
            "PIP_CONFIG_FILE": os.devnull,
            "PIP_FIND_LINKS": "",
            **environment,
        }
        command = [sys.executable, *arguments]
        return subprocess.run(
            command, cwd=folder, env=variables, capture_output=True, text=True, check=False, timeout=120
        )

    def build(self, tree: Path, *flags: str, **environment: str) -> Done:
        """Run ``python -m build``: without flags, the sdist and the wheel from it."""
        out = tree.parent / f"{tree.name}-out"
        command = ["-m", "build", "--no-isolation", "--skip-dependency-check", "--outdir", str(out), *flags, str(tree)]
        done = self.python(*command, folder=tree.parent, **environment)
        return Done(done.returncode, done.stdout + done.stderr, out)
