"""A clean environment in a folder: an empty home, one index on loopback, and the command ``pipx-parallel`` on the path."""

from __future__ import annotations

import os
import re
import shutil
import subprocess
import sys
from collections.abc import Iterator, Mapping
from pathlib import Path
from typing import NamedTuple

_PATIENCE = 300  # seconds: a tool that hangs must fail its test, not stop the suite
_OURS = ("PIP_", "PIPX_", "XDG_", "GIT_", "VIRTUAL_ENV", "PYTHON", "UV_")
_FENCE = re.compile(r"^```(\w+)\n(.*?)^```$", re.MULTILINE | re.DOTALL)
_SHOWN = re.compile(r"^\$ cat (\S+)\n((?:[^$\n].*\n)+)", re.MULTILINE)
_COMMENT = re.compile(r"# +(\S+\.\w+|Dockerfile)\n")


class Done(NamedTuple):
    """How a command ended."""

    code: int
    out: str
    err: str


class Sandbox:
    """``folder`` is where commands run. The settings and the home of this machine are not used."""

    def __init__(self, base: Path, index: str) -> None:
        """Make the folders below ``place``; ``index`` is what pip is configured for."""
        self.folder = base / "project"
        self.folder.mkdir(parents=True)
        self.bin = base / "bin"
        self.bin.mkdir()
        self._write_command()
        self.environment = {
            **{name: text for name, text in os.environ.items() if not name.startswith(_OURS)},
            "HOME": str(base / "home"),
            "PATH": os.pathsep.join((str(self.bin), str(Path(sys.executable).parent), os.environ.get("PATH", ""))),
            "PIP_CONFIG_FILE": os.devnull,
            "PIP_INDEX_URL": index,
            "PIP_DISABLE_PIP_VERSION_CHECK": "1",
            "PIPX_DEFAULT_BACKEND": "pip",
            "PIPX_HOME": str(base / "pipx"),
            "PIPX_BIN_DIR": str(base / "pipx-bin"),
            "PIPX_MAN_DIR": str(base / "pipx-man"),
            "PRE_COMMIT_HOME": str(base / "pre-commit"),
            "GIT_AUTHOR_NAME": "a", "GIT_AUTHOR_EMAIL": "a@index.example",
            "GIT_COMMITTER_NAME": "a", "GIT_COMMITTER_EMAIL": "a@index.example",
            "GIT_CONFIG_GLOBAL": os.devnull, "GIT_CONFIG_SYSTEM": os.devnull,
        }  # fmt: skip

    def _write_command(self) -> None:
        """Put the command under test on the path."""
        command = self.bin / "pipx-parallel"
        command.write_text(f"#!/bin/sh\nexec '{sys.executable}' -m pipx_parallel \"$@\"\n", encoding="utf-8")
        command.chmod(0o755)

    def write(self, name: str, text: str) -> Path:
        """Put a file into the folder."""
        path = self.folder / name
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_text(text, encoding="utf-8")
        return path

    def read(self, name: str) -> str:
        """Return the text of a file in the folder."""
        return (self.folder / name).read_text(encoding="utf-8")

    def run(self, *command: str, **environment: str) -> Done:
        """Run a command and wait."""
        done = subprocess.run(
            command, cwd=self.folder, env={**self.environment, **environment}, stdin=subprocess.DEVNULL,
            capture_output=True, text=True, check=False, timeout=_PATIENCE,
        )  # fmt: skip
        return Done(done.returncode, done.stdout, done.stderr)

    def must(self, *command: str, **environment: str) -> Done:
        """Run a command and insist that it succeeds."""
        done = self.run(*command, **environment)
        assert done.code == 0, f"{command}\n{done.out}\n{done.err}"
        return done

    def has(self, tool: str) -> bool:
        """Return whether a tool can be run here."""
        return shutil.which(tool, path=self.environment["PATH"]) is not None

    def follow(self, page: Path) -> list[str]:
        """Run the commands of a documentation page from top to bottom, and return the commands that were run.

        In a ``console`` block each line after ``$ `` is a command, which must succeed, or end as a comment at its end says
        (``# exit 3``). A block of any other language whose first line is a comment with a file's name is that file, and so is
        what ``$ cat FILE`` shows.
        """
        commands = []
        for language, text in _FENCE.findall(page.read_text(encoding="utf-8")):
            named = _COMMENT.match(text)
            if language == "console":
                for name, shown in _SHOWN.findall(text):
                    self.write(name, shown)
                for command, code in _commands(text):
                    done = self.run("bash", "-c", command)
                    assert done.code == code, f"{page.name}: {command}: {done.code}\n{done.out}\n{done.err}"
                    commands.append(command)
            elif named:
                self.write(named[1], text)
        return commands


def _commands(text: str) -> Iterator[tuple[str, int]]:
    """Yield the commands of a block, continued lines joined, each with the exit code that is expected."""
    for line in text.replace("\\\n", " ").splitlines():
        if line.startswith("$ "):
            expected = re.search(r"# exit (\d+)", line)
            yield line[2:], int(expected[1]) if expected else 0


def git_insteadof(url: str, folder: Path) -> Mapping[str, str]:
    """Return variables with which git takes a folder for a URL."""
    return {
        "GIT_CONFIG_COUNT": "2",
        "GIT_CONFIG_KEY_0": f"url.file://{folder}.insteadOf",
        "GIT_CONFIG_VALUE_0": url,
        "GIT_CONFIG_KEY_1": "protocol.file.allow",
        "GIT_CONFIG_VALUE_1": "always",
    }
