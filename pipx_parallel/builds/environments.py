"""Environments that builds run in: one for each set of requirements, shared by the builds of a run that ask for the same."""

# Paths go to other programs as text, and come back from them so.
from __future__ import annotations

import os
import sys
import threading
from typing import TYPE_CHECKING, NamedTuple

from mirror.errors import BuildFailed, BuildProblem

if TYPE_CHECKING:
    from collections.abc import Mapping, Sequence

    from pipx_parallel.builds.processes import Processes


class Environment(NamedTuple):
    """An interpreter with what a backend needs."""

    python: str  # path of its interpreter
    scripts: str  # folder of its commands; "" where nothing is put in front of PATH
    variables: tuple[tuple[str, str], ...] = ()  # that the backend sees besides


class PipOptions(NamedTuple):
    """Where pip looks for what a build needs: as the lock does. URLs may hold credentials: they travel by variable only."""

    index_url: str | None = None
    extra_index_urls: tuple[str, ...] = ()
    find_links: tuple[str, ...] = ()
    no_index: bool = False
    trusted_hosts: tuple[str, ...] = ()
    cert: str | None = None
    client_cert: str | None = None
    proxy: str | None = None

    def variables(self) -> dict[str, str]:
        """Return the settings as pip's environment variables; what is not set is left to pip's own configuration."""
        said = {
            "PIP_INDEX_URL": self.index_url,
            "PIP_EXTRA_INDEX_URL": " ".join(self.extra_index_urls),
            "PIP_FIND_LINKS": " ".join(self.find_links),
            "PIP_NO_INDEX": "1" if self.no_index else None,
            "PIP_TRUSTED_HOST": " ".join(self.trusted_hosts),
            "PIP_CERT": self.cert,
            "PIP_CLIENT_CERT": self.client_cert,
            "PIP_PROXY": self.proxy,
        }
        return {name: value for name, value in said.items() if value}


class Environments:
    """Makes environments below a folder; each set of requirements is installed once."""

    def __init__(self, folder: str, processes: Processes, environ: Mapping[str, str], options: PipOptions) -> None:
        """``environ`` is what programs see; ``options`` say where pip looks."""
        self._folder = folder
        self._processes = processes
        self._environ = {**environ, **options.variables(), "PIP_DISABLE_PIP_VERSION_CHECK": "1", "PIP_NO_INPUT": "1"}
        self._made: dict[tuple[str, ...], Environment | BuildFailed] = {}
        self._locks: dict[tuple[str, ...], threading.Lock] = {}
        self._lock = threading.Lock()

    def with_requirements(self, requirements: Sequence[str], prior_to: str = "") -> tuple[Environment, str]:
        """Return an environment that has these, and what pip said. Raises ``BuildFailed`` where they cannot be installed.

        With ``prior_to`` (ISO 8601) they are what was uploaded before that moment.
        """
        key = (prior_to, *sorted(set(requirements)))
        with self._lock:
            mine = self._locks.setdefault(key, threading.Lock())
        said = ""
        with mine:
            if key not in self._made:
                try:
                    self._made[key], said = self._make(key[1:], prior_to)
                except BuildFailed as error:
                    self._made[key] = error
            found = self._made[key]
        if isinstance(found, BuildFailed):
            raise BuildFailed(found.reason, found.problem, log=found.log)
        return found, said

    def _make(self, requirements: Sequence[str], prior_to: str) -> tuple[Environment, str]:
        import venv  # 8 ms, and few locks build

        folder = os.path.join(
            self._folder, f"environment-{len(self._locks)}-{abs(hash((prior_to, *requirements))) % 10**8}"
        )
        try:
            venv.EnvBuilder(with_pip=False, symlinks=os.name != "nt").create(folder)
        except OSError as error:
            raise BuildFailed(f"no environment can be made: {error.strerror or error}") from error
        scripts = os.path.join(folder, "Scripts" if os.name == "nt" else "bin")
        environment = Environment(os.path.join(scripts, "python.exe" if os.name == "nt" else "python"), scripts)
        if not requirements:
            return environment, ""
        listed = os.path.join(folder, "requirements.txt")
        with open(listed, "w", encoding="utf-8") as file:
            file.write("\n".join(requirements) + "\n")
        command = [
            sys.executable,
            "-m",
            "pip",
            "--python",
            environment.python,
            "install",
            "--ignore-installed",
            "--no-compile",
        ]
        # A variable, so that it holds for what these requirements are built with as well.
        environ = {**self._environ, **({"PIP_UPLOADED_PRIOR_TO": prior_to} if prior_to else {})}
        done = self._processes.run([*command, "--no-warn-script-location", "-r", listed], environ=environ)
        if done.code:
            reason = f"what the build needs cannot be installed ({', '.join(requirements)})"
            raise BuildFailed(reason, BuildProblem.REQUIREMENTS, log=done.output.splitlines())
        return environment, done.output
