"""``mirror.ports.Builder``: metadata of a source tree from its build backend, isolated, with a time limit and a log."""

# Paths go to other programs as text, and come back from them so.
from __future__ import annotations

import os
import platform
import re
import shutil
import sys
import sysconfig
import tempfile
import threading
import warnings
from typing import TYPE_CHECKING, Any

from mirror.equality import NamedTuple
from mirror.errors import BuildFailed, BuildProblem, NeedsBuild
from pipx_parallel.builds.build_system import backend_settings, needs_of_setuptools, read_build_system, states_its_needs
from pipx_parallel.builds.environ import backend_environment, pip_environment
from pipx_parallel.builds.environments import Environment, Environments, PipOptions
from pipx_parallel.builds.folders import inside, read_metadata
from pipx_parallel.builds.processes import Processes
from pipx_parallel.builds.requires import build_requirements
from pipx_parallel.builds.sandbox import NO_NETWORK
from pipx_parallel.builds.scratch import Scratch
from pipx_parallel.builds.unpack import unpack

if TYPE_CHECKING:
    from collections.abc import Callable, Mapping, Sequence

    from mirror.ports import SourceTree
    from pipx_parallel.builds.build_system import BuildSystem
    from pipx_parallel.builds.environments import FindWheels

_SHOWN = 12  # lines of a failed build's log
_REPORT = "missing.txt"  # what the hook runner writes
_HOOK_RUNNER = os.path.join(os.path.dirname(os.path.abspath(__file__)), "hook_runner.py")
# Modules that came with Python or with setuptools once and no longer do: what a source of that time takes for granted.
_OF_BUILD_TOOLS = frozenset(("distutils", "imp", "lib2to3", "pip", "pkg_resources", "setuptools", "wheel"))


class BuildPolicy(NamedTuple):
    """Whether and how builds are run."""

    allowed: bool = True
    isolated: bool = True
    timeout: float = 600.0  # seconds for one program of a build
    logs: str = ""  # folder for logs of failed builds
    prior_to: str = ""  # ISO 8601: build requirements are those uploaded before it; "": all
    options: PipOptions = PipOptions()
    variables: tuple[str, ...] = ()  # names of more environment variables that backends see
    network: bool = True  # whether backends may use it; their requirements are installed with it
    by_pip: bool = True  # whether pip may install their requirements: it knows no policy but upload times


class BackendBuilder:
    """Runs build backends; several threads may build at once."""

    def __init__(
        self,
        policy: BuildPolicy,
        environ: Mapping[str, str],
        secrets: Callable[[], Sequence[str]] = tuple,
        find_wheels: FindWheels | None = None,
    ) -> None:
        """``secrets`` lists what no log may hold. Nothing is made before the first build."""
        self._find_wheels = find_wheels
        self._policy = policy
        self._environ = backend_environment(environ, policy.variables)
        self._pip_environ = pip_environment(environ)
        self._secrets = secrets
        self._processes = Processes(policy.timeout)
        self._scratch: Scratch | None = None
        self._environments: Environments | None = None
        self._lock = threading.Lock()
        tag = f"{sys.implementation.cache_tag}-{platform.python_version()}-{sysconfig.get_platform()}"
        self.fingerprint = tag.replace("/", "_") + ("" if policy.network else "-no-network")
        self.allowed = policy.allowed

    def build(self, tree: SourceTree) -> bytes:
        """Return METADATA of a tree. Raises ``NeedsBuild`` if builds are not allowed, ``BuildFailed`` with the log's end."""
        if not self._policy.allowed:
            raise NeedsBuild(f"{tree.label} has no static metadata, and --no-build forbids to run its build backend")
        log: list[str] = []
        try:
            return self._attempt(tree, self._policy.prior_to, log)
        except BuildFailed as error:
            day = _day_after(tree.uploaded) if error.missing and self._policy.isolated else ""
            if not day:
                raise self._explained(tree, error, log) from None
            log.append(f"--- built again, with what it needs as of {day}, since there is no module {error.missing}\n")
        try:
            return self._attempt(tree, min(day, self._policy.prior_to or day), log)
        except BuildFailed as again:
            raise self._explained(tree, again, log) from None

    def close(self) -> None:
        """End what is being built and remove what was made for it; safe to call twice."""
        self._processes.close()
        if self._scratch is not None:
            self._scratch.remove()

    def _attempt(self, tree: SourceTree, prior_to: str, log: list[str]) -> bytes:
        """Build once: a backend whose answer is known is asked what it needs only if it fails otherwise."""
        before = len(log)
        try:
            return self._built_in_folder(tree, prior_to, log, asks=False)
        except _UnaskedError:
            del log[before:]
            return self._built_in_folder(tree, prior_to, log, asks=True)

    def _built_in_folder(self, tree: SourceTree, prior_to: str, log: list[str], *, asks: bool) -> bytes:
        work = tempfile.mkdtemp(prefix="build-", dir=self._root())
        try:
            return self._built(tree, work, prior_to, log, asks=asks)
        except OSError as error:
            raise BuildFailed(f"it cannot be built here ({error})") from error
        finally:
            shutil.rmtree(work, ignore_errors=True)

    def _built(self, tree: SourceTree, work: str, prior_to: str, log: list[str], *, asks: bool) -> bytes:
        source = os.path.join(work, "source")
        os.mkdir(source)
        if tree.archive is not None:
            source = unpack(tree.archive, tree.label, source)
        else:
            shutil.copytree(tree.folder, source, dirs_exist_ok=True, symlinks=True, ignore=_not_source)
        source = inside(source, tree.subdirectory, tree.label)
        system = read_build_system(source, tree.label)
        requires = system.requires
        environment = self._environment(requires, prior_to, tree, log)
        hooks = self._hooks(work, system, requires, environment, log)
        settings = backend_settings(tree.config_settings)
        call = _Caller(os.path.join(work, _REPORT), requires)
        asks = asks or not self._policy.isolated or not states_its_needs(system)
        more = (
            build_requirements(call(hooks.get_requires_for_build_wheel, settings or None), tree.label)
            if asks
            else needs_of_setuptools(requires, os.path.dirname(environment.scripts))
        )
        if set(more) - set(requires) and self._policy.isolated:
            requires = (*requires, *more)
            environment = self._environment(requires, prior_to, tree, log)
            hooks = self._hooks(work, system, requires, environment, log)
        made = os.path.join(work, "metadata")
        os.mkdir(made)
        try:
            name = call(hooks.prepare_metadata_for_build_wheel, made, settings or None)
        except BuildFailed as error:
            if asks or error.problem in {BuildProblem.CANCELLED, BuildProblem.TIMEOUT}:
                raise
            raise _UnaskedError from error
        return read_metadata(made, str(name), tree.label)

    def _environment(self, requires: Sequence[str], prior_to: str, tree: SourceTree, log: list[str]) -> Environment:
        if not self._policy.isolated:
            return Environment(sys.executable, "", tree.environ)
        self._root()
        if self._environments is None:
            raise BuildFailed("cancelled", BuildProblem.CANCELLED)
        environment, output = self._environments.with_requirements(requires, prior_to)
        log.append(output)
        return environment._replace(variables=tree.environ)

    def _hooks(
        self,
        work: str,
        system: BuildSystem,
        requires: Sequence[str],
        environment: Environment,
        log: list[str],
    ) -> Any:
        """Return what calls a backend's hooks in the folder of its source."""
        import pyproject_hooks  # only if something is built

        kind = getattr(pyproject_hooks, "BuildBackendWarning", None)
        if kind is not None:  # what a backend warns its authors of stands in its log; nobody who locks can act on it
            warnings.filterwarnings("ignore", category=kind)
        environ = {**self._environ, **dict(environment.variables)}
        if environment.scripts:
            environ["PATH"] = os.pathsep.join([environment.scripts, environ.get("PATH", os.defpath)])

        report = os.path.join(work, _REPORT)
        before = () if self._policy.network else NO_NETWORK

        def run(cmd: Sequence[str], cwd: str | None = None, extra_environ: Mapping[str, str] | None = None) -> None:
            words = [*before, cmd[0], _HOOK_RUNNER, report, *cmd[1:]]
            done = self._processes.run(words, cwd=cwd, environ={**environ, **(extra_environ or {})})
            log.append(done.output)
            if done.code:
                raise BuildFailed(f"the build backend {system.backend} failed", missing=_missing(report, requires))

        return pyproject_hooks.BuildBackendHookCaller(
            system.source, system.backend, list(system.path) or None, run, environment.python
        )

    def _root(self) -> str:
        with self._lock:
            if self._scratch is None:
                self._scratch = Scratch()
                self._environments = Environments(
                    self._scratch.path,
                    self._processes,
                    self._pip_environ,
                    self._policy.options if self._policy.by_pip else None,
                    self._find_wheels,
                )
            return self._scratch.path

    def _explained(self, tree: SourceTree, error: BuildFailed, outputs: Sequence[str]) -> BuildFailed:
        """Return an error with the end of the log; the whole goes into a file."""
        log = self._clean("".join([*outputs, *[f"{line}\n" for line in error.log]]))
        lines = [line for line in log.splitlines() if line.strip()]
        return BuildFailed(
            self._clean(f"{tree.label}: {error.reason.removeprefix(f'{tree.label}: ')}"),
            error.problem,
            log=lines[-_SHOWN:],
            path="" if error.problem is BuildProblem.CANCELLED else self._log_path(tree, log),
        )

    def _log_path(self, tree: SourceTree, log: str) -> str:
        if not self._policy.logs or not log.strip():
            return ""
        safe = "".join(letter if letter.isalnum() or letter in "-._" else "_" for letter in tree.label)[-80:]
        path = os.path.join(self._policy.logs, f"{safe}.log")
        try:
            os.makedirs(self._policy.logs, mode=0o700, exist_ok=True)
            with open(path, "w", encoding="utf-8") as file:
                file.write(log)
        except OSError:
            return ""
        return path

    def _clean(self, text: str) -> str:
        for secret in self._secrets():
            text = text.replace(secret, "****")
        return text


class _UnaskedError(Exception):
    """A build failed without asking the backend what it needs."""


class _Caller:
    """Calls hooks, and says in the terms of this package what goes wrong."""

    def __init__(self, report: str, requires: Sequence[str]) -> None:
        self._report = report
        self._requires = requires

    def __call__(self, hook: Callable[..., Any], *arguments: Any) -> Any:  # each hook has its own
        from pyproject_hooks import BackendUnavailable, HookMissing  # loaded already

        try:
            return hook(*arguments)
        except (BackendUnavailable, HookMissing) as error:
            reason = str(error).partition("\n")[0]  # the traceback follows
            log = str(getattr(error, "traceback", "")).splitlines()
            missing = _missing(self._report, self._requires)
            raise BuildFailed(f"the build backend cannot be used: {reason}", log=log, missing=missing) from error
        except (OSError, ValueError) as error:
            raise BuildFailed(f"the build backend gave nothing that can be read ({error})") from error


def _missing(report: str, requires: Sequence[str]) -> str:
    """Return the module that the hook runner wrote down, if it is one of the tools that a build is made with; else ""."""
    try:
        with open(report, encoding="utf-8") as file:
            name = file.read()
    except OSError:
        return ""
    top = name.partition(".")[0]
    tools = {
        re.split(r"[^\w.-]", requirement.strip(), maxsplit=1)[0].lower().replace("-", "_") for requirement in requires
    }
    return name if top in _OF_BUILD_TOOLS or top.lower() in tools else ""


def _day_after(uploaded: str) -> str:
    """Return the end of the day of a moment, ISO 8601; "" if there is none."""
    from datetime import UTC, datetime, timedelta  # only if a build has failed

    try:
        day = datetime.fromisoformat(uploaded).astimezone(UTC) + timedelta(days=1)
    except ValueError:
        return ""
    return day.strftime("%Y-%m-%dT00:00:00Z")


def _not_source(_: str, names: list[str]) -> list[str]:
    """Return what of a project's folder is no part of it: environments and caches may be huge."""
    return [name for name in names if name in (".venv", ".tox", ".nox", "__pycache__", "node_modules", ".mypy_cache")]
