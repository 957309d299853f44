"""Virtual environments of builds: one for each set of requirements, shared by all builds of a run with that set."""

# Paths are passed to other programs as text.
from __future__ import annotations

import os
import shutil
import sys
import threading
from typing import TYPE_CHECKING

from mirror.equality import NamedTuple
from mirror.errors import FOREIGN_TEXT_ERRORS, BuildFailed, BuildProblem, archive_errors

if TYPE_CHECKING:
    from collections.abc import Callable, Mapping, Sequence

    from pipx_parallel.builds.processes import Processes

    # Requirements, upload time or "", folder -> names of wheels that satisfy them, with their paths there; None if pip has to.
    FindWheels = Callable[[Sequence[str], str, str], Mapping[str, str] | None]


class Environment(NamedTuple):
    """An interpreter with the requirements of a backend."""

    python: str  # path of its interpreter
    scripts: str  # folder of its commands, put in front of PATH; "" for none
    variables: tuple[tuple[str, str], ...] = ()  # additional environment variables of the backend


class PipOptions(NamedTuple):
    """pip's options for build requirements, as the lock's. URLs may hold credentials: they are passed as variables only."""

    index_url: str | None = None
    extra_index_urls: tuple[str, ...] = ()
    find_links: tuple[str, ...] = ()
    no_index: bool = False
    trusted_hosts: tuple[str, ...] = ()
    cert: str | None = None
    client_cert: str | None = None
    proxy: str | None = None

    def variables(self) -> dict[str, str]:
        """Return the settings as pip's environment variables; pip's own configuration applies to the rest."""
        values = {
            "PIP_INDEX_URL": self.index_url,
            "PIP_EXTRA_INDEX_URL": " ".join(self.extra_index_urls),
            "PIP_FIND_LINKS": " ".join(self.find_links),
            "PIP_NO_INDEX": "1" if self.no_index else None,
            "PIP_TRUSTED_HOST": " ".join(self.trusted_hosts),
            "PIP_CERT": self.cert,
            "PIP_CLIENT_CERT": self.client_cert,
            "PIP_PROXY": self.proxy,
        }
        return {name: value for name, value in values.items() if value}


class Environments:
    """Makes environments below a folder; each set of requirements is installed once."""

    def __init__(
        self,
        folder: str,
        processes: Processes,
        environ: Mapping[str, str],
        options: PipOptions | None,
        find_wheels: FindWheels | None = None,
    ) -> None:
        """Make nothing yet; ``environ`` is the environment of programs, ``options`` are pip's indexes; None: pip may not be used.

        ``find_wheels`` is tried before pip is started.
        """
        self._find_wheels = find_wheels
        self._folder = folder
        self._processes = processes
        self._by_pip = options is not None
        variables = options.variables() if options is not None else {}
        self._environ = {**environ, **variables, "PIP_DISABLE_PIP_VERSION_CHECK": "1", "PIP_NO_INPUT": "1"}
        self._made: dict[tuple[str, ...], Environment | BuildFailed] = {}
        self._locks: dict[tuple[str, ...], threading.Lock] = {}
        self._lock = threading.Lock()
        self._finding = threading.Lock()  # one lookup after the other: most ask for the same pages and wheels

    def with_requirements(self, requirements: Sequence[str], prior_to: str = "") -> tuple[Environment, str]:
        """Return an environment with these requirements, and pip's output. Raises ``BuildFailed`` if they cannot be installed.

        With ``prior_to`` (ISO 8601) only files that were uploaded before that time are installed.
        """
        key = (prior_to, *sorted(set(requirements)))
        with self._lock:
            mine = self._locks.setdefault(key, threading.Lock())
        output = ""
        with mine:
            if key not in self._made:
                try:
                    self._made[key], output = self._make(key[1:], prior_to)
                except BuildFailed as error:
                    self._made[key] = error
            environment = self._made[key]
        if isinstance(environment, BuildFailed):
            raise BuildFailed(environment.reason, environment.problem, log=environment.log)
        return environment, output

    def _make(self, requirements: Sequence[str], prior_to: str) -> tuple[Environment, str]:
        folder = os.path.join(
            self._folder, f"environment-{len(self._locks)}-{abs(hash((prior_to, *requirements))) % 10**8}"
        )
        environment = _created(folder)
        if not requirements:
            return environment, ""
        output = self._without_pip(requirements, prior_to, folder, environment.python)
        if output is None and not self._by_pip:
            raise BuildFailed(_unchecked(requirements), BuildProblem.POLICY)
        if output is None:
            shutil.rmtree(folder)
            environment = _created(folder)
            output = self._installed(requirements, prior_to, folder, environment.python)
        return environment, output

    def _without_pip(self, requirements: Sequence[str], prior_to: str, folder: str, python: str) -> str | None:
        """Install wheels that satisfy the requirements; return what is written into the log, None if pip has to install them."""
        if self._find_wheels is None:
            return None
        from pipx_parallel.builds.wheel_install import install  # only if something is built

        try:
            downloads = os.path.join(self._folder, "wheels")  # of all environments: most of them need the same ones
            os.makedirs(downloads, mode=0o700, exist_ok=True)
            with self._finding:
                wheels = self._find_wheels(requirements, prior_to, downloads)
            if wheels is None:
                return None
            install(wheels, folder, python)
        except FOREIGN_TEXT_ERRORS:
            return None
        except archive_errors():
            return None  # pip says what is wrong
        return f"installed what the build needs: {', '.join(sorted(wheels))}\n"

    def _installed(self, requirements: Sequence[str], prior_to: str, folder: str, python: str) -> str:
        """Install the requirements with pip, and return its output. Raises ``BuildFailed``."""
        listed = os.path.join(folder, "requirements.txt")
        with open(listed, "w", encoding="utf-8") as file:
            file.write("\n".join(requirements) + "\n")
        command = [
            sys.executable,
            "-m",
            "pip",
            "--python",
            python,
            "install",
            "--ignore-installed",
            "--no-compile",
            # Into the environment, whatever pip's configuration says: pip does the same for its own build environments.
            *("--no-user", "--target", "", "--prefix", folder),
        ]
        # A variable, so that it applies to the build requirements of these requirements too.
        environ = {**self._environ, **({"PIP_UPLOADED_PRIOR_TO": prior_to} if prior_to else {})}
        done = self._processes.run([*command, "--no-warn-script-location", "-r", listed], environ=environ)
        if done.code:
            reason = f"what the build needs cannot be installed ({', '.join(requirements)})"
            raise BuildFailed(reason, BuildProblem.REQUIREMENTS, log=done.output.splitlines())
        return done.output


def _unchecked(requirements: Sequence[str]) -> str:
    return (
        f"what the build needs ({', '.join(requirements)}) cannot be checked against the policy here: it must be wheels of an "
        "index that can be asked; --no-build-isolation builds with what is installed, --only-binary takes releases with a wheel"
    )


def _created(folder: str) -> Environment:
    """Return a new environment without packages. Raises ``BuildFailed``."""
    import venv  # 8 ms; few locks need a build

    try:
        venv.EnvBuilder(with_pip=False, symlinks=os.name != "nt").create(folder)
    except OSError as error:
        raise BuildFailed(f"no environment can be made: {error.strerror or error}") from error
    scripts = os.path.join(folder, "Scripts" if os.name == "nt" else "bin")
    return Environment(os.path.join(scripts, "python.exe" if os.name == "nt" else "python"), scripts)
