"""What the commands share: from flags to a resolution, a step a function. This is where the tool is put together."""

# Paths stay the text that the user wrote; pathlib would tidy them, and costs 3 ms to import.
from __future__ import annotations

import os
import sys
import time
from contextlib import contextmanager, suppress
from functools import cache
from typing import TYPE_CHECKING, NamedTuple

from pipx_parallel.cli import failures, failures_code, is_terminal, printer_at
from pipx_parallel.cli import json_errors as machine
from pipx_parallel.cli import locations as places
from pipx_parallel.cli.cache_folder import cache_folder
from pipx_parallel.cli.options import CONSOLE
from pipx_parallel.config import settings as settings_
from pipx_parallel.config.layers import Chosen, Layer, input_layer
from pipx_parallel.emitters.interface import Artifact
from pipx_parallel.errors import Incomplete, UsageError

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator, Mapping, Sequence

    from mirror.ports import Intervals
    from mirror.session.mirror import Mirror
    from pipx_parallel.cli.options import Option
    from pipx_parallel.config.pip_settings import PipSettings
    from pipx_parallel.config.settings import ResolveSettings
    from pipx_parallel.console import Printer
    from pipx_parallel.direct.build_tools import BuildTools
    from pipx_parallel.model import Inputs, Resolution, Target
    from pipx_parallel.progress import Progress
    from pipx_parallel.requirements.project import Built

# Looked for in this order where no source is given: what people write by hand before what tools write.
DEFAULT_SOURCES = ("requirements.in", "requirements.txt", "pyproject.toml")


class CommandContext(NamedTuple):
    """A command that has read its flags, the variables and the project's settings, and nothing else."""

    printer: Printer
    chosen: Chosen
    sources: tuple[str, ...]  # as given; empty where none was
    progress: Progress
    seconds: dict[str, float]  # what has taken how long so far: filled as the command goes on
    began: float


class LockRequest(NamedTuple):
    """A command that also knows its inputs, settings and targets."""

    context: CommandContext
    sources: tuple[str, ...]
    settings: ResolveSettings
    inputs: Inputs
    find_targets: Callable[[], tuple[Target, ...]]

    @property
    def targets(self) -> tuple[Target, ...]:
        """Return what is locked for: found out at the first look, which takes 40 ms where this machine is new."""
        return self.find_targets()


def begin(values: Mapping[str, object], options: Sequence[Option]) -> CommandContext:
    """Read the places that speak before any input is read. Raises ``UsageError``."""
    began = time.perf_counter()
    given = tuple(str(source) for source in _many(values.get("sources")))
    flags = {
        name: value for name, value in values.items() if name != "sources" and isinstance(value, (str, int, tuple))
    }
    beside = next((one for one in (*given, *_many(values.get("input_file")), *_many(values.get("requirement")))), "")
    layers = [Layer("flag", flags), places.environment_layer((*options, *CONSOLE), os.environ), _project(beside)]
    chosen = Chosen(layers)
    printer = printer_at(chosen.count("verbose") - chosen.count("quiet"), chosen.text("color") or "auto")
    draws = is_terminal() and printer.verbosity == 0 and not chosen.flag("no_progress")
    from pipx_parallel.progress import Progress  # 2 ms of observers that a usage error does not need

    return CommandContext(printer, chosen, given, Progress(printer, time.monotonic, draws=draws), {}, began)


def sources_of(context: CommandContext) -> tuple[str, ...]:
    """Return the sources to read; where none is given at all, the first of ``DEFAULT_SOURCES`` that is here.

    Raises ``UsageError`` where there is nothing to read.
    """
    chosen = context.chosen
    sources = (*context.sources, *chosen.texts("input_file"))
    if sources or chosen.texts("requirement") or chosen.texts("packages"):
        return sources
    for name in DEFAULT_SOURCES:
        if os.path.isfile(name):
            context.printer.say(f"reading {name}")
            return (name,)
    raise UsageError(f"nothing to read: name a SOURCE, or have one of {', '.join(DEFAULT_SOURCES)} in this folder")


def settings_of(context: CommandContext, pip: PipSettings | None = None) -> ResolveSettings:
    """Return the checked settings, pip's own as the last place that speaks. Raises ``UsageError``."""
    from mirror.session.open_store import is_fixed  # half a millisecond that a fresh --check does not need
    from pipx_parallel.config.pip_settings import layer_values  # loaded already; named where it is used

    chosen = context.chosen.with_layer(Layer("pip", layer_values(pip or pip_settings())))
    mirror = settings_.default_mirror(os.environ, sys.platform)
    settings = settings_.resolve_settings(chosen, mirror, time.time())
    settings = settings._replace(offline=settings.offline or is_fixed(settings.mirror))
    for name, path in (("cert", settings.cert), ("client_cert", settings.client_cert)):
        if path is not None and not settings.offline and not os.path.exists(path):
            raise chosen.refuse(name, path, "a file that exists")
    if settings.index_url or settings.no_index:
        return settings
    return settings._replace(index_url=machine.known_index(cache_folder()))


def read(context: CommandContext) -> LockRequest:
    """Read the inputs and settle everything that depends on them. Raises ``RequirementsError`` and ``UsageError``."""
    from pipx_parallel.requirements.files import FileReader  # here and below: only what a command needs is loaded
    from pipx_parallel.requirements.load import load_inputs  # likewise

    chosen = context.chosen
    pip = pip_settings()
    sources = sources_of(context)
    inputs = load_inputs(
        sources,
        packages=",".join(chosen.texts("packages")) or None,
        requirement_files=chosen.texts("requirement"),
        constraint_files=(*chosen.texts("constraint"), *pip.constraints),
        extras=chosen.texts("extra"),
        groups=chosen.texts("group"),
        build_requires=chosen.flag("build_requires"),
        overrides=chosen.texts("override"),
        excludes=chosen.texts("exclude"),
        environ=os.environ,
        reader=FileReader(),
        builder=lambda folder: _built(context, pip, folder),
    )
    context = context._replace(chosen=chosen.with_layer(input_layer(inputs.options)))
    settings = settings_of(context, pip)
    find_targets = _target_finder(settings)
    context.seconds["read"] = time.perf_counter() - context.began
    return LockRequest(context, sources, settings, inputs, find_targets)


def resolved(job: LockRequest) -> tuple[Resolution, ...]:
    """Resolve as ``resolving`` does, and wait until all that was learned is stored."""
    with resolving(job) as resolutions:
        return resolutions


@contextmanager
def resolving(job: LockRequest) -> Iterator[tuple[Resolution, ...]]:
    """Resolve for every target; where ``settings.keep_going`` left something out, warn of all of it at once.

    What was learned is stored beside the block, and is stored when it ends.

    Raises ``NoSolution``; ``Incomplete`` with the nearest existing names added; ``MirrorError`` where the mirror is broken.
    """
    progress = job.context.progress
    room = _workroom(job.settings)
    with opened(job.settings, progress, room) as mirror:
        # The first requests are on their way while the solver is still being loaded (40 ms). What an existing lock pins
        # will be asked for as well, so that validating it does not wait for one level of the graph after the other.
        _want_inputs(job, mirror)
        from pipx_parallel.resolution.resolve import resolve  # which a fresh --check does not need either

        mirror.admin.prepare()
        try:
            resolutions = resolve(job.inputs, job.targets, mirror, job.settings, progress, room.context)
            if missing := tuple(dict.fromkeys(failure for one in resolutions for failure in one.missing)):
                job.context.printer.warn(failures.report(missing, job.inputs, mirror.admin.names))
        except Incomplete as error:
            raise Incomplete(error.failures, failures.report(error.failures, job.inputs, mirror.admin.names)) from error
        finally:
            progress.close()
        if job.inputs.requires_python:
            _warn_of_python(job, resolutions)
        if job.settings.require_hashes:
            from pipx_parallel.resolution import hash_rules  # loaded with the solver; named where it is used

            hash_rules.refuse_unhashed(job.inputs, resolutions)
            hash_rules.refuse_uncheckable(resolutions)
        yield resolutions
        closing = time.perf_counter()
    job.context.seconds["keep"] = time.perf_counter() - closing


def opened(settings: ResolveSettings, progress: Progress, room: BuildTools | None = None) -> Mirror:
    """Return the mirror of these settings, to be closed by the caller. Raises ``StoreError``."""
    from mirror.session.mirror import open_mirror  # the store and all behind it, which a fresh --check does not need

    room = room or _workroom(settings)
    return open_mirror(room.opened, observer=progress, builder=room)


def _want_inputs(job: LockRequest, mirror: Mirror) -> None:
    """Ask for the listings of what the inputs name and of what an existing lock pins."""
    from mirror.records.version_keys import compile_specifier  # which a fresh --check does not need

    inputs, preferred = job.inputs, job.settings.preferred
    direct = {root.name for root in inputs.roots if root.url is not None}
    names = [root.name for root in inputs.roots if root.name] + sorted(preferred)
    rows = [(root.name, root.specifier) for root in (*inputs.roots, *inputs.constraints)]
    rows += [(name, f"=={version}") for name, version in preferred.items()]
    admits: dict[str, list[Intervals]] = {}
    for name, specifier in rows if not job.settings.offline else ():
        with suppress(ValueError):  # it is told of where it is resolved
            admits.setdefault(name, []).append(compile_specifier(specifier.replace(" ", "")).intervals)
    mirror.want_projects([name for name in names if name not in direct], admits)


def _built(context: CommandContext, pip: PipSettings, folder: str) -> Built:
    """Ask the build backend of a project of the user's; the answer is kept until the project changes."""
    from mirror.http.local_files import url_of  # here and below: only for projects that say something dynamically
    from pipx_parallel.direct.project import DirectProject
    from pipx_parallel.direct.reference import parse
    from pipx_parallel.direct.steps import find
    from pipx_parallel.requirements.project import Built

    settings = settings_of(context, pip)
    room = _workroom(settings)
    with opened(settings, context.progress, room) as mirror:
        found = mirror.run({folder: find(parse(url_of(folder)), (), "", room.context(mirror))})[folder]
    needs = found.view.dependency_set(0, 0) if isinstance(found, DirectProject) else None
    if needs is None:
        raise found
    return Built(needs.lines, needs.requires_python)


def _workroom(settings: ResolveSettings) -> BuildTools:
    from pipx_parallel.direct.build_tools import BuildTools  # as above

    return BuildTools(settings, settings_.mirror_settings(settings), os.environ, cache_folder())


def missing_code(resolutions: Sequence[Resolution]) -> int:
    """Return the exit code that what is missing asks for; 0 where nothing is."""
    return failures_code(tuple(failure.error for one in resolutions for failure in one.missing))


def show(text: str) -> None:
    """Write an artefact to stdout. Raises ``OutputError``."""
    save((Artifact("-", text),))


def save(artifacts: Sequence[Artifact], seconds: dict[str, float] | None = None) -> None:
    """Write all artifacts or none; the one called ``-`` goes to stdout. ``seconds`` is told how long it took.

    Raises ``OutputError``.
    """
    from pipx_parallel.locks.writer import write  # only when there is something to write

    began = time.perf_counter()
    # Python has no sys.stdout where the process was started with it closed (`>&-`).
    write(artifacts, sys.stdout.buffer if sys.stdout is not None else None)
    if seconds is not None:
        seconds["write"] = time.perf_counter() - began


def _warn_of_python(job: LockRequest, resolutions: Sequence[Resolution]) -> None:
    """Warn of every target whose Python the inputs themselves do not take: pip would refuse to install the project there."""
    from pipx_parallel.targets.rules import TargetRules  # loaded with the solver; named where it is used

    for target in [one.target for one in resolutions]:
        if not TargetRules(target).python_allowed(job.inputs.requires_python):
            asked = f"the input requires Python {job.inputs.requires_python}"
            job.context.printer.warn(
                f"{asked}, and this lock is for {target.python_full_version} (see --python-version)"
            )


def pip_settings() -> PipSettings:
    """Return what pip is configured for. Raises ``UsageError``."""
    from pipx_parallel.config.pip_settings import (
        load_pip_settings,  # here and below: only what a command needs is loaded
    )
    from pipx_parallel.requirements.files import FileReader  # likewise

    return load_pip_settings(os.environ, FileReader())


def _target_finder(settings: ResolveSettings) -> Callable[[], tuple[Target, ...]]:
    """Return what finds the target; one that flags describe is made, and refused, at once."""
    flags = (settings.python_version, settings.platforms, settings.implementation, settings.abis)
    if not any(flags):
        return cache(lambda: (machine.known_target(cache_folder()),))
    from pipx_parallel.targets.targets import make_target  # loaded already; named where it is used

    target = make_target(*flags)
    return lambda: (target,)


def _project(beside: str) -> Layer:
    """Return what the nearest pyproject.toml at or above the first source's folder says about this tool."""
    here = not beside or beside == "-" or "://" in beside
    folder = os.path.abspath("." if here else beside if os.path.isdir(beside) else os.path.dirname(beside) or ".")
    while True:
        path = os.path.join(folder, "pyproject.toml")
        try:
            with open(path, encoding="utf-8") as file:
                return places.project_layer(file.read(), path)
        except (FileNotFoundError, NotADirectoryError):
            above = os.path.dirname(folder)
        except (OSError, UnicodeDecodeError) as error:
            raise UsageError(f"{path}: cannot be read ({error})") from None
        if above == folder:
            return Layer("project", {})
        folder = above


def _many(value: object) -> tuple[str, ...]:
    return value if isinstance(value, tuple) else () if value is None else (str(value),)
