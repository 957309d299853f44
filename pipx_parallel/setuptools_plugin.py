"""The setuptools plugin: a project's lock becomes an extra of its wheel.

setuptools calls ``finalize`` (entry point group ``setuptools.finalize_distribution_options``) for *every* project that is built
where this package is installed. Without a ``[tool.pipx-parallel.setuptools]`` table it reads one file and returns: no import but
``os``, no change. It never resolves, never uses the network and never writes. The table is read by
``pipx_parallel.locks.locked_extra``.

``PIPX_PARALLEL_SETUPTOOLS=0`` turns it off, which is also how to read a project's own metadata from its build backend without
the lock: so a lock never feeds the next one.
"""

from __future__ import annotations

import os

TYPE_CHECKING = False  # as in typing, whose import would be most of this module's cost
if TYPE_CHECKING:
    from collections.abc import Callable, Mapping, Sequence
    from typing import Any, Protocol

    from pipx_parallel.locks.locked_extra import LockedExtras, Pinned

    class Metadata(Protocol):
        """What is used of setuptools' metadata object: what it writes METADATA from."""

        name: str | None
        install_requires: list[str]
        extras_require: dict[str, list[str]]
        provides_extras: dict[str, None]

    class Distribution(Protocol):
        """What is used of setuptools' ``Distribution``."""

        metadata: Metadata
        install_requires: list[str]
        extras_require: dict[str, list[str]]
        parse_config_files: Callable[..., None]
        _referenced_files: set[str]


SWITCH = "PIPX_PARALLEL_SETUPTOOLS"
_OFF = ("0", "false", "no", "off")


def finalize(distribution: Distribution) -> None:
    """Add the lock to the distribution, once setuptools has read the project's own configuration.

    The hook runs before ``pyproject.toml`` and ``setup.cfg`` are applied, and they replace what it would set; so the change is
    made right after them. Raises ``SystemExit`` with one sentence, as setuptools does, where the lock cannot be used.
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

    # There is no public way to come after the configuration; a method of this one object is replaced, none of the class.
    distribution.parse_config_files = parse_config_files


def _pyproject() -> Mapping[str, Any] | None:
    """Return the parsed ``pyproject.toml`` of the project that is being built, if it may have our table."""
    try:
        with open("pyproject.toml", "rb") as file:  # pathlib would cost every foreign build its import
            content = file.read()
    except OSError:
        return None
    if b"pipx-parallel" not in content or b"setuptools" not in content:
        return None
    # 5 ms, not for projects that have no table
    import tomllib

    try:
        parsed = tomllib.loads(content.decode("utf-8"))
    except ValueError:
        return None  # setuptools itself will say what is wrong with it
    tool = parsed.get("tool")
    ours = tool.get("pipx-parallel") if isinstance(tool, dict) else None
    return parsed if isinstance(ours, dict) and "setuptools" in ours else None


def _apply_or_exit(distribution: Distribution, pyproject: Mapping[str, Any]) -> None:
    # loaded only by a build of a project with our table
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
    # loaded only by a build of a project with our table
    from pipx_parallel.locks.locked_extra import check

    declared = [str(line) for line in distribution.install_requires or ()]
    extras: dict[str, list[str]] = {}
    if settings.lock is not None:
        pins = _read(settings.lock, distribution)
        check(pins, declared, settings.lock, complete=True)
        lines = [pin.line for pin in pins]
        if settings.extra is not None:
            extras[settings.extra] = lines
        if settings.dependencies:
            declared = lines
    for extra, path in settings.groups:
        pins = _read(path, distribution)
        check(pins, declared, path, complete=False)
        extras[extra] = [pin.line for pin in pins]
    _change(distribution, declared, extras)
    # Files that the configuration refers to travel in the sdist.
    distribution._referenced_files.update(_locks(settings))  # noqa: SLF001 - setuptools has no public way to add one file


def _read(path: str, distribution: Distribution) -> Sequence[Pinned]:
    # loaded only by a build of a project with our table
    import tomllib

    from pipx_parallel.errors import UsageError
    from pipx_parallel.locks.locked_extra import pins_of

    try:
        with open(path, "rb") as file:  # one way to open a file in this module
            lock = tomllib.load(file)
    except FileNotFoundError as error:
        raise UsageError(f"the lock {path} is missing; make it with: pipx-parallel lock -o {path}") from error
    except OSError as error:
        raise UsageError(f"the lock {path} cannot be read: {error.strerror}") from error
    except ValueError as error:
        raise UsageError(f"{path} is not a lock file: {error}") from error
    return pins_of(lock, path, distribution.metadata.name)


def _change(distribution: Distribution, dependencies: list[str], extras: Mapping[str, list[str]]) -> None:
    """Give the distribution its dependencies and extras.

    Plain lists and dictionaries on purpose: setuptools then marks both fields as dynamic in the sdist's metadata (PEP 643),
    which is so, because an environment variable decides whether the wheel has them.
    """
    # loaded only by a build of a project with our table
    from pipx_parallel.errors import UsageError
    from pipx_parallel.locks.locked_extra import normalised

    known = dict(distribution.extras_require or {})
    names = {normalised(name): name for name in known}
    for extra, lines in extras.items():
        own = names.get(normalised(extra), extra)  # PEP 685: "Locked" is "locked"
        if own != extra or known.get(extra, lines) != lines:
            raise UsageError(
                f"the project has an extra {own!r} of its own; name another in [tool.pipx-parallel.setuptools]"
            )
        known[extra] = lines
    metadata = distribution.metadata
    metadata.install_requires = distribution.install_requires = list(dependencies)
    metadata.extras_require = distribution.extras_require = known
    metadata.provides_extras.update(dict.fromkeys(extras))


def _locks(settings: LockedExtras) -> list[str]:
    return [*([settings.lock] if settings.lock else []), *(path for _, path in settings.groups)]
