"""A clean environment in a folder: an empty home, one index on loopback, and the command ``pipx-parallel`` on the path."""

from __future__ import annotations

import contextlib
import os
import re
import shutil
import subprocess
import sys
from collections.abc import Iterator, Mapping
from pathlib import Path
from typing import NamedTuple

from tests.support.examples import examples

_PATIENCE = 300  # seconds: a tool that hangs must fail its test, not stop the suite
_OURS = ("PIP_", "PIPX_", "XDG_", "GIT_", "VIRTUAL_ENV", "PYTHON", "UV_")


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

    def follow(self, page: Path, stand_ins: Mapping[str, str] | None = None) -> list[str]:
        """Run the commands of a documentation page from top to bottom, and return the commands that were run.

        In a ``console`` block each line after ``$ `` is a command, which must succeed, or end as a comment at its end says
        (``# exit 3``), and print what the page shows below it. A block of any other language whose first line is a comment with
        a file's name is that file, and so is what ``$ cat FILE`` shows. A command that ends with ``&`` is started, and ended
        with the page. ``stand_ins`` are regular expressions and what each stands for here, such as a port.
        """
        commands = []
        with contextlib.ExitStack() as servers:
            for example in examples(page):
                for name, shown in [*example.shown_files(), *([(example.file, example.text)] if example.file else [])]:
                    self.write(name, shown)
                for command in () if example.not_run else example.commands():
                    words = command.words
                    for pattern, stand_in in (stand_ins or {}).items():
                        words = re.sub(pattern, stand_in, words)
                    if words.endswith("&"):
                        servers.enter_context(self.server(words[:-1]))
                    else:
                        done = self.run("bash", "-c", words)
                        report = f"{page.name}: {words}: {done.code}\n{done.out}\n{done.err}"
                        assert (done.code, command.missing(done.out + done.err)) == (command.code, []), report
                    commands.append(words)
        return commands

    @contextlib.contextmanager
    def server(self, words: str) -> Iterator[None]:
        """Run a server until the block ends; the block begins when the server has printed its first line."""
        process = subprocess.Popen(
            ["bash", "-c", f"exec {words}"], cwd=self.folder, env=self.environment, stdin=subprocess.DEVNULL,
            stdout=subprocess.DEVNULL, stderr=subprocess.PIPE, text=True,
        )  # fmt: skip
        assert process.stderr is not None
        first = process.stderr.readline()
        try:
            assert process.poll() is None, first
            yield
        finally:
            process.terminate()
            process.communicate(timeout=30)


def git_insteadof(url: str, folder: Path) -> Mapping[str, str]:
    """Return variables with which git takes a folder for a URL."""
    return {
        "GIT_CONFIG_COUNT": "2",
        "GIT_CONFIG_KEY_0": f"url.file://{folder}.insteadOf",
        "GIT_CONFIG_VALUE_0": url,
        "GIT_CONFIG_KEY_1": "protocol.file.allow",
        "GIT_CONFIG_VALUE_1": "always",
    }
