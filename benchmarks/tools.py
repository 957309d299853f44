"""How each tool is called: one adapter per tool, with its documented options only."""

from __future__ import annotations

import json
from typing import TYPE_CHECKING, NamedTuple, Protocol

if TYPE_CHECKING:
    from pathlib import Path

    from benchmarks.workloads import Workload

MODES = ("cold", "offline", "check")
# The environments of the tools that lock for many: three Pythons on four platforms.
PYTHONS = ("3.11", "3.12", "3.13")
PLATFORMS = ("linux", "aarch64-unknown-linux-gnu", "macos", "windows")
_MATRIX = """
[tool.nab.matrix]
python = ">=3.11,<3.14"
platforms = ["linux_x86_64", "linux_aarch64", "macos_arm64", "windows_amd64"]
"""


class Job(NamedTuple):
    """One call of a tool."""

    workload: Workload
    mode: str  # one of MODES; "filling" is cold without being measured
    folder: Path  # where the tool works; its output goes here
    cache: Path
    index_url: str | None  # None: the tool's own default index
    python: str  # the interpreter that is locked for


class Tool(Protocol):
    """A tool that turns a list of requirements into a lock."""

    name: str
    note: str  # a note on its figures
    output: str  # file name of its lock in the job's folder
    offline: bool  # has an offline option; otherwise "offline" is a warm run
    checks: bool  # can check that a lock is up to date
    dated: bool  # can lock for another Python version, as of an earlier day

    def command(self, job: Job) -> list[str]:
        """Return the command line; may write input files into the job's folder."""
        ...


class Ours:
    """Our tool."""

    offline = checks = dated = True

    def __init__(
        self, program: list[str], variant: str = "", *, verb: str = "lock", output: str = "pylock.toml"
    ) -> None:
        """Take the command of the tool, and what is not its default: a number of workers, a transport, or both ("curl-4")."""
        self._program = program
        self._variant = variant
        self._verb = verb
        self.output = output
        words = variant.split("-") if variant else []
        self._flags = [
            part
            for word in words
            if word != "targets"
            for part in ("--max-workers" if word.isdecimal() else "--transport", word)
        ]
        if "targets" in words:
            self._flags += [part for python in PYTHONS for part in ("--python-version", python)]
            self._flags += [part for platform in PLATFORMS for part in ("--platform", platform)]
        self.name = "-".join(["pipx-parallel", *words])
        meanings = {"targets": f"{len(PYTHONS) * len(PLATFORMS)} targets"}
        variants = [f"{word} worker(s)" if word.isdecimal() else meanings.get(word, word) for word in words]
        self.note = ", ".join(["pylock.toml with hashes", *variants])

    def reporting(self, report: str) -> Ours:
        """Return the same tool with only the JSON report as output, because a lock has no figures."""
        return Ours(self._program, self._variant, verb="resolve", output=report)

    def command(self, job: Job) -> list[str]:
        """Return ``lock SOURCE… -o FILE --mirror DIR``."""
        sources = [str(source) for source in job.workload.sources]
        command = [*self._program, self._verb, *sources, "-o", str(job.folder / self.output)]
        command += ["--mirror", str(job.cache), "--no-progress", *self._flags]
        command += ["--index-url", job.index_url] if job.index_url else []
        command += _fixed(job.workload, "--uploaded-prior-to")
        return command + {"offline": ["--offline"], "check": ["--check", "--offline"]}.get(job.mode, [])


class Uv:
    """uv pip compile."""

    offline = checks = dated = True
    output = "requirements.txt"

    def __init__(self, program: Path, variant: str = "") -> None:
        """Take the program's path; a variant is ``hashes`` or ``universal``."""
        self._program = program
        self._options = {"": [], "hashes": ["--generate-hashes"], "universal": ["--universal"]}[variant]
        self.name = "-".join(filter(None, ("uv", variant)))
        self.note = " ".join(("uv pip compile", *self._options)) + ("" if variant == "hashes" else ", without hashes")
        self.note += "; check is a second run over its own output"

    def command(self, job: Job) -> list[str]:
        """Return the command line."""
        command = [str(self._program), "pip", "compile", *map(str, job.workload.sources), "--quiet"]
        command += ["-o", str(job.folder / self.output), "--cache-dir", str(job.cache), "--python", job.python]
        command += self._options
        command += ["--default-index", job.index_url] if job.index_url else []
        command += _fixed(job.workload, "--exclude-newer")
        return command + (["--offline"] if job.mode in {"offline", "check"} else [])


def _fixed(workload: Workload, cutoff: str) -> list[str]:
    """Return the options for what a workload is locked for; ``cutoff`` is the tool's option for the day."""
    python = ["--python-version", workload.python] if workload.python else []
    return [*python, *([cutoff, workload.prior_to] if workload.prior_to else [])]


class Nab:
    """nab lock, which reads a generated pyproject.toml."""

    output = "pylock.toml"
    offline = checks = True
    dated = False

    def __init__(self, program: Path, variant: str = "") -> None:
        """Take the program's path; the variant ``targets`` locks for all of them."""
        self._program = program
        self._matrix = _MATRIX if variant else ""
        self.name = "-".join(filter(None, ("nab", variant)))
        self.note = "nab lock; " + ("the same targets" if variant else "it targets the interpreter that runs it")

    def command(self, job: Job) -> list[str]:
        """Write the project file and return the command line."""
        project = job.folder / "pyproject.toml"
        lines = json.dumps(job.workload.lines(), indent=1)
        text = f'[project]\nname = "benchmark"\nversion = "0"\nrequires-python = ">=3.11"\ndependencies = {lines}\n'
        text += self._matrix
        text += f'[[tool.nab.indexes]]\nname = "replay"\nurl = "{job.index_url}"\n' if job.index_url else ""
        project.write_text(text, encoding="utf-8")
        command = [str(self._program), "--no-progress", "lock", str(project), "--cache-dir", str(job.cache)]
        command += ["--output", str(job.folder / self.output)]
        return command + {"offline": ["--offline"], "check": ["--offline", "--locked"]}.get(job.mode, [])


class PipLock:
    """pip lock."""

    name = "pip"
    note = "pip lock; no offline mode: warm instead"
    output = "pylock.toml"
    offline = checks = dated = False

    def __init__(self, python: Path) -> None:
        """Take the interpreter that has pip."""
        self._python = python

    def command(self, job: Job) -> list[str]:
        """Return the command line."""
        sources = [part for source in job.workload.sources for part in ("-r", str(source))]
        command = [str(self._python), "-m", "pip", "lock", *sources, "-o", str(job.folder / self.output)]
        command += ["--cache-dir", str(job.cache), "--quiet", "--progress-bar", "off"]
        return command + (["--index-url", job.index_url] if job.index_url else [])


class PipCompile:
    """pip-compile of pip-tools."""

    name = "pip-compile"
    note = "pip-compile --generate-hashes; no offline mode: warm instead"
    output = "requirements.txt"
    offline = checks = dated = False

    def __init__(self, program: Path) -> None:
        """Take the program's path."""
        self._program = program

    def command(self, job: Job) -> list[str]:
        """Return the command line."""
        command = [str(self._program), "--generate-hashes", "--quiet", "--no-config", "--cache-dir", str(job.cache)]
        command += ["-o", str(job.folder / self.output), *map(str, job.workload.sources)]
        return command + (["--index-url", job.index_url] if job.index_url else [])
