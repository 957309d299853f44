"""``mirror.ports.Builder``: metadata of a source tree from its build backend, isolated, with a time limit and a log."""

# Paths go to other programs as text, and come back from them so.
from __future__ import annotations

import os
import platform
import shutil
import sys
import sysconfig
import tempfile
import threading
import tomllib
import warnings
from typing import TYPE_CHECKING, Any, NamedTuple

from mirror.errors import BuildFailed, NeedsBuild
from pipx_parallel.builds.environments import Environment, Environments, PipOptions
from pipx_parallel.builds.processes import Processes
from pipx_parallel.builds.unpack import unpack

if TYPE_CHECKING:
    from collections.abc import Callable, Mapping, Sequence

    from mirror.ports import SourceTree

_SHOWN = 20  # lines of a failed build's log
# PEP 517: what a project without a build-system table is built with (the same words in pip and build).
_LEGACY = ("setuptools.build_meta:__legacy__", ("setuptools>=40.8.0",))


class BuildPolicy(NamedTuple):
    """Whether and how builds are run."""

    allowed: bool = True
    isolated: bool = True
    timeout: float = 600.0  # seconds for one program of a build
    logs: str = ""  # folder for logs of failed builds
    options: PipOptions = PipOptions()


class BackendBuilder:
    """Runs build backends; several threads may build at once."""

    def __init__(
        self, policy: BuildPolicy, environ: Mapping[str, str], secrets: Callable[[], Sequence[str]] = tuple
    ) -> None:
        """``secrets`` lists what no log may hold. Nothing is made before the first build."""
        self._policy = policy
        self._environ = {name: text for name, text in environ.items() if name not in ("PYTHONPATH", "PYTHONHOME")}
        self._secrets = secrets
        self._processes = Processes(policy.timeout)
        self._folder: str | None = None
        self._environments: Environments | None = None
        self._lock = threading.Lock()
        tag = f"{sys.implementation.cache_tag}-{platform.python_version()}-{sysconfig.get_platform()}"
        self.fingerprint = tag.replace("/", "_")

    def build(self, tree: SourceTree) -> bytes:
        """Return METADATA of a tree. Raises ``NeedsBuild`` where nothing may be built, ``BuildFailed`` with the log's end."""
        if not self._policy.allowed:
            raise NeedsBuild(f"{tree.label} has no static metadata, and --no-build forbids to run its build backend")
        said: list[str] = []
        work = tempfile.mkdtemp(prefix="build-", dir=self._root())
        try:
            return self._built(tree, work, said)
        except (BuildFailed, OSError) as error:
            raise BuildFailed(self._explain(tree, str(error), said)) from None
        finally:
            shutil.rmtree(work, ignore_errors=True)

    def close(self) -> None:
        """End what is being built and remove what was made for it; safe to call twice."""
        self._processes.close()
        if self._folder is not None:
            shutil.rmtree(self._folder, ignore_errors=True)

    def _built(self, tree: SourceTree, work: str, said: list[str]) -> bytes:
        source = os.path.join(work, "source")
        os.mkdir(source)
        if tree.archive:
            source = unpack(tree.archive, tree.label, source)
        else:
            shutil.copytree(tree.folder, source, dirs_exist_ok=True, symlinks=True, ignore=_not_source)
        source = _inside(source, tree.subdirectory, tree.label)
        backend, requires, path = _build_system(source, tree.label)
        environment = self._environment(requires, tree, said)
        hooks = self._hooks(source, backend, path, environment, said)
        settings = _settings(tree.config_settings)
        more = self._call(hooks.get_requires_for_build_wheel, settings or None)
        if set(more) - set(requires) and self._policy.isolated:
            environment = self._environment([*requires, *more], tree, said)
            hooks = self._hooks(source, backend, path, environment, said)
        made = os.path.join(work, "metadata")
        os.mkdir(made)
        name = self._call(hooks.prepare_metadata_for_build_wheel, made, settings or None)
        with open(os.path.join(made, str(name), "METADATA"), "rb") as file:
            return file.read()

    def _environment(self, requires: Sequence[str], tree: SourceTree, said: list[str]) -> Environment:
        if not self._policy.isolated:
            return Environment(sys.executable, "", tree.environ)
        self._root()
        if self._environments is None:
            raise BuildFailed("cancelled")
        environment, output = self._environments.with_requirements(requires)
        said.append(output)
        return environment._replace(variables=tree.environ)

    def _hooks(self, source: str, backend: str, path: Sequence[str], environment: Environment, said: list[str]) -> Any:
        import pyproject_hooks  # only where something is built

        kind = getattr(pyproject_hooks, "BuildBackendWarning", None)
        if kind is not None:  # what a backend warns its authors of stands in its log; nobody who locks can act on it
            warnings.filterwarnings("ignore", category=kind)
        environ = {**self._environ, **dict(environment.variables)}
        if environment.scripts:
            environ["PATH"] = os.pathsep.join([environment.scripts, environ.get("PATH", os.defpath)])

        def run(cmd: Sequence[str], cwd: str | None = None, extra_environ: Mapping[str, str] | None = None) -> None:
            done = self._processes.run(cmd, cwd=cwd, environ={**environ, **(extra_environ or {})})
            said.append(done.output)
            if done.code:
                raise BuildFailed(f"the build backend {backend} failed")

        return pyproject_hooks.BuildBackendHookCaller(source, backend, list(path) or None, run, environment.python)

    def _call(self, hook: Callable[..., Any], *arguments: Any) -> Any:  # each hook has its own
        from pyproject_hooks import BackendUnavailable, HookMissing  # loaded already

        try:
            return hook(*arguments)
        except (BackendUnavailable, HookMissing) as error:
            reason = getattr(error, "message", None) or str(error)
            raise BuildFailed(f"the build backend cannot be used: {reason}") from error
        except (OSError, ValueError) as error:
            raise BuildFailed(f"the build backend gave nothing that can be read ({error})") from error

    def _root(self) -> str:
        with self._lock:
            if self._folder is None:
                folder = tempfile.mkdtemp(prefix="pipx-parallel-")
                self._environments = Environments(folder, self._processes, self._environ, self._policy.options)
                self._folder = folder
            return self._folder

    def _explain(self, tree: SourceTree, reason: str, said: Sequence[str]) -> str:
        """Return what went wrong with the end of the log; the whole goes into a file."""
        first, _, rest = reason.partition("\n")
        log = self._clean("".join([*said, rest]))
        lines = [line for line in log.splitlines() if line.strip()]
        tail = "".join(f"\n    {line}" for line in lines[-_SHOWN:])
        return self._clean(f"{tree.label}: {first.removeprefix(f'{tree.label}: ')}{self._kept(tree, log)}{tail}")

    def _kept(self, tree: SourceTree, log: str) -> str:
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
        return f" (the whole log: {path})"

    def _clean(self, text: str) -> str:
        for secret in self._secrets():
            text = text.replace(secret, "****")
        return text


def _build_system(source: str, label: str) -> tuple[str, tuple[str, ...], tuple[str, ...]]:
    """Return backend, requirements and backend path (PEP 518, PEP 517). Raises ``BuildFailed``."""
    path = os.path.join(source, "pyproject.toml")
    try:
        with open(path, "rb") as file:
            table = tomllib.load(file).get("build-system", {})
    except FileNotFoundError:
        if not os.path.isfile(os.path.join(source, "setup.py")):
            raise BuildFailed(f"{label}: there is neither pyproject.toml nor setup.py") from None
        table = {}
    except (OSError, ValueError) as error:
        raise BuildFailed(f"{label}: its pyproject.toml cannot be read ({error})") from error
    if not isinstance(table, dict):
        raise BuildFailed(f"{label}: build-system of its pyproject.toml is no table")
    requires = table.get("requires", _LEGACY[1])
    backend, extra = table.get("build-backend", _LEGACY[0]), table.get("backend-path", [])
    well_formed = isinstance(backend, str) and all(isinstance(value, (list, tuple)) for value in (requires, extra))
    if not well_formed or not all(isinstance(item, str) for item in (*requires, *extra)):
        raise BuildFailed(f"{label}: build-system of its pyproject.toml is malformed")
    return backend, tuple(requires), tuple(extra)


def _inside(folder: str, subdirectory: str, label: str) -> str:
    """Return a folder below another. Raises ``BuildFailed`` where it is not there, or leads out."""
    target = os.path.realpath(os.path.join(folder, subdirectory))
    if os.path.commonpath([os.path.realpath(folder), target]) != os.path.realpath(folder) or not os.path.isdir(target):
        raise BuildFailed(f"{label}: there is no folder {subdirectory!r} in it")
    return target


def _not_source(_: str, names: list[str]) -> list[str]:
    """Return what of a project's folder is no part of it: environments and caches may be huge."""
    return [name for name in names if name in (".venv", ".tox", ".nox", "__pycache__", "node_modules", ".mypy_cache")]


def _settings(pairs: Sequence[tuple[str, str]]) -> dict[str, Any]:
    """Return the settings as a backend gets them: a key that is given several times has a list (as pip and build do)."""
    given: dict[str, list[str]] = {}
    for key, value in pairs:
        given.setdefault(key, []).append(value)
    return {key: values if len(values) > 1 else values[0] for key, values in given.items()}
