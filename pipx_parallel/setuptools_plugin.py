"""The setuptools plugin: a project's lock becomes an extra of its wheel.

setuptools calls ``finalize`` (entry point group ``setuptools.finalize_distribution_options``) for *every* project that is built
in an environment with this package. Without a ``[tool.pipx-parallel.setuptools]`` table it reads one file and returns: it imports
only ``os`` and changes nothing. It never resolves, never uses the network and never writes. The table is read by
``pipx_parallel.locks.locked_extra``.

``PIPX_PARALLEL_SETUPTOOLS=0`` turns it off, which a tool must set to read a project's own metadata from its build backend
without the lock, so that a lock is never the input of the next one.
"""

from __future__ import annotations

import os

TYPE_CHECKING = False  # not imported from typing, which would take most of this module's import time
if TYPE_CHECKING:
    from collections.abc import Callable, Mapping, Sequence
    from typing import Any, Protocol

    from pipx_parallel.locks.locked_extra import LockedExtras, Pinned

    class Metadata(Protocol):
        """The part of setuptools' metadata object that is used here; setuptools writes METADATA from it."""

        name: str | None
        install_requires: list[str]
        extras_require: dict[str, list[str]]
        provides_extras: dict[str, None]

    class Distribution(Protocol):
        """The part of setuptools' ``Distribution`` that is used here."""

        metadata: Metadata
        install_requires: list[str]
        extras_require: dict[str, list[str]]
        parse_config_files: Callable[..., None]
        _referenced_files: set[str]


SWITCH = "PIPX_PARALLEL_SETUPTOOLS"
_OFF = ("0", "false", "no", "off")


def finalize(distribution: Distribution) -> None:
    """Add the lock to the distribution, once setuptools has read the project's own configuration.

    The hook runs before ``pyproject.toml`` and ``setup.cfg`` are applied, and they would replace what it sets; so the change
    is made right after them. Raises ``SystemExit`` with one sentence, as setuptools does, if the lock cannot be used.
    """
    if os.environ.get(SWITCH, "").lower() in _OFF:
        return
    pyproject = _pyproject()
    if pyproject is None:
        return
    read_configuration = distribution.parse_config_files

    def parse_config_files(*args: object, **options: object) -> None:
        read_configuration(*args, **options)
        _apply_or_exit(distribution, pyproject)

    # setuptools has no public hook after the configuration. The method of this one object is replaced, not that of the class.
    distribution.parse_config_files = parse_config_files


def _pyproject() -> Mapping[str, Any] | None:
    """Return the parsed ``pyproject.toml`` of the project that is being built, if it may have our table."""
    try:
        with open("pyproject.toml", "rb") as file:  # pathlib would slow down every other build
            content = file.read()
    except OSError:
        return None
    if b"pipx-parallel" not in content or b"setuptools" not in content:
        return None
    # 5 ms, not needed for projects without the table
    import tomllib

    try:
        parsed = tomllib.loads(content.decode("utf-8"))
    except (ValueError, RecursionError):
        return None  # setuptools itself reports the error
    tool = parsed.get("tool")
    ours = tool.get("pipx-parallel") if isinstance(tool, dict) else None
    return parsed if isinstance(ours, dict) and ("setuptools" in ours or any(map(_is_table, ours.values()))) else None


def _is_table(value: object) -> bool:
    return isinstance(value, dict)


def _apply_or_exit(distribution: Distribution, pyproject: Mapping[str, Any]) -> None:
    # only for a build of a project with our table
    from pipx_parallel.errors import PipxParallelError
    from pipx_parallel.locks.locked_extra import settings_of

    try:
        settings = settings_of(pyproject)
        if settings is not None:
            _apply(distribution, settings)
    except PipxParallelError as error:
        message = f"error: pipx-parallel: {error} ({SWITCH}=0 builds without the lock)"
        raise SystemExit(message) from error


def _apply(distribution: Distribution, settings: LockedExtras) -> None:
    # only for a build of a project with our table
    from pipx_parallel.locks.locked_extra import check

    declared = [str(line) for line in distribution.install_requires or ()]
    extras: dict[str, list[str]] = {}
    if settings.lock is not None:
        pins = _read(settings.lock, distribution, "")
        check(pins, declared, settings.lock, complete=True)
        lines = [pin.line for pin in pins]
        if settings.extra is not None:
            extras[settings.extra] = lines
        if settings.dependencies:
            declared = lines
    for extra, path in settings.groups:
        pins = _read(path, distribution, extra)
        check(pins, declared, path, complete=False)
        extras[extra] = [pin.line for pin in pins]
    _change(distribution, declared, extras)
    # Files that the configuration refers to are included in the sdist.
    # setuptools before 66 does not record them, and no setuptools has a public way to add one file.
    referenced: set[str] = vars(distribution).get("_referenced_files", set())
    referenced.update(_locks(settings))


def _read(path: str, distribution: Distribution, group: str) -> Sequence[Pinned]:
    """Return the pins of a lock; ``group`` is the extra it is for, "" for that of the project. Raises ``UsageError``."""
    # only for a build of a project with our table
    import tomllib

    from pipx_parallel.errors import UsageError
    from pipx_parallel.locks.locked_extra import lock_command, pins_of

    try:
        with open(path, "rb") as file:  # as above
            lock = tomllib.load(file)
    except FileNotFoundError as error:
        raise UsageError(f"the lock {path} is missing", f"make it with: {lock_command(path, group)}") from error
    except OSError as error:
        raise UsageError(f"the lock {path} cannot be read: {error.strerror}") from error
    except (ValueError, RecursionError) as error:
        raise UsageError(f"{path} is not a lock file: {error}") from error
    return pins_of(lock, path, distribution.metadata.name, group)


def _change(distribution: Distribution, dependencies: list[str], extras: Mapping[str, list[str]]) -> None:
    """Give the distribution its dependencies and extras.

    Plain lists and dictionaries on purpose: setuptools then marks both fields as dynamic in the sdist's metadata (PEP 643),
    which is right, because an environment variable decides whether the wheel has them.
    """
    # only for a build of a project with our table
    from packaging.utils import canonicalize_name

    from pipx_parallel.errors import UsageError

    project_extras = dict(distribution.extras_require or {})
    names = {canonicalize_name(name): name for name in project_extras}
    for extra, lines in extras.items():
        existing = names.get(canonicalize_name(extra), extra)  # PEP 685: "Locked" is "locked"
        if existing != extra or project_extras.get(extra, lines) != lines:
            raise UsageError(
                f"the project already has an extra {existing!r}", "name another in [tool.pipx-parallel.setuptools]"
            )
        project_extras[extra] = lines
    metadata = distribution.metadata
    metadata.install_requires = distribution.install_requires = list(dependencies)
    metadata.extras_require = distribution.extras_require = project_extras
    metadata.provides_extras.update(dict.fromkeys(extras))


def _locks(settings: LockedExtras) -> list[str]:
    return [*([settings.lock] if settings.lock else []), *(path for _, path in settings.groups)]
