"""The request of a command: its inputs, settings and targets, read from files and pip's configuration."""

from __future__ import annotations

import os
import time
from functools import cache
from typing import TYPE_CHECKING

from mirror.equality import NamedTuple
from pipx_parallel.cli import machine_facts
from pipx_parallel.cli.cache_folder import cache_folder, expanded, mirror_folder
from pipx_parallel.cli.context import sources_of
from pipx_parallel.config.layers import Layer, input_layer
from pipx_parallel.config.settings import resolve_settings

if TYPE_CHECKING:
    from collections.abc import Callable

    from pipx_parallel.cli.context import CommandContext
    from pipx_parallel.config.pip_settings import PipSettings
    from pipx_parallel.config.settings import ResolveSettings
    from pipx_parallel.console import Printer
    from pipx_parallel.model import Inputs, Target
    from pipx_parallel.requirements.project_metadata import BuiltProject


class LockRequest(NamedTuple):
    """A command that also knows its inputs, settings and targets."""

    context: CommandContext
    sources: tuple[str, ...]
    settings: ResolveSettings
    inputs: Inputs
    find_targets: Callable[[], tuple[Target, ...]]

    @property
    def targets(self) -> tuple[Target, ...]:
        """Return what is locked for: computed at the first use, which takes 40 ms if this machine is not cached."""
        return self.find_targets()


def read_request(context: CommandContext, *, keep_going: bool = False) -> LockRequest:
    """Read the inputs and settle everything that depends on them; ``keep_going`` resolves also if projects are missing.

    Raises ``RequirementsError`` and ``UsageError``.
    """
    from pipx_parallel.requirements.files import FileReader  # here and below: only what a command needs is loaded
    from pipx_parallel.requirements.load import InputRequest, load_inputs  # as above

    chosen = context.chosen
    pip = pip_settings()
    sources = sources_of(context)
    inputs = load_inputs(
        InputRequest(
            sources,
            packages=",".join(chosen.texts("packages")) or None,
            requirement_files=chosen.texts("requirement"),
            constraint_files=(*chosen.texts("constraint"), *pip.texts("constraint")),
            extras=chosen.texts("extra"),
            groups=chosen.texts("group"),
            all_extras=chosen.flag("all_extras"),
            all_groups=chosen.flag("all_groups"),
            build_requires=chosen.flag("build_requires"),
            overrides=chosen.texts("override"),
            excludes=chosen.texts("exclude"),
        ),
        environ=os.environ,
        reader=FileReader(lambda url: _fetched(context, pip, url)),
        builder=lambda folder: _built(context, pip, folder),
    )
    context = context._replace(chosen=chosen.with_layer(input_layer(inputs.options)))
    settings = settings_of(context, pip)
    settings = settings._replace(keep_going=settings.keep_going or keep_going)
    find_targets = _target_finder(settings, inputs, context.printer)
    context.seconds["read"] = time.perf_counter() - context.began
    return LockRequest(context, sources, settings, inputs, find_targets)


def settings_of(context: CommandContext, pip: PipSettings | None = None) -> ResolveSettings:
    """Return the checked settings, pip's own as the last place that speaks. Raises ``UsageError``."""
    from mirror.session.open_store import is_fixed  # half a millisecond that a fresh --check does not need

    chosen = context.chosen.with_layer(Layer("pip", (pip or pip_settings()).values))
    settings = resolve_settings(chosen, mirror_folder(), time.time())
    access, network = settings.mirror, settings.network
    location = expanded(access.location)
    access = access._replace(location=location, offline=access.offline or is_fixed(location))
    settings = settings._replace(mirror=access)
    for name, path in (("cert", network.cert), ("client_cert", network.client_cert)):
        if path is not None and not access.offline and not os.path.exists(path):
            raise chosen.refuse(name, path, "a file that exists")
    if settings.indexes.index_url or settings.indexes.no_index:
        return settings
    return settings._replace(indexes=settings.indexes._replace(index_url=machine_facts.known_index(cache_folder())))


def pip_settings() -> PipSettings:
    """Return what pip is configured for. Raises ``UsageError``."""
    from pipx_parallel.config.pip_settings import (
        load_pip_settings,  # here and below: only what a command needs is loaded
    )
    from pipx_parallel.requirements.files import FileReader  # as above

    return load_pip_settings(os.environ, FileReader())


def _target_finder(settings: ResolveSettings, inputs: Inputs, printer: Printer) -> Callable[[], tuple[Target, ...]]:
    """Return what finds the targets; those that options describe are made, and refused, at once."""
    if not settings.target.is_stated:
        return cache(lambda: (machine_facts.known_target(cache_folder()),))
    from pipx_parallel.targets.requests import (
        SERIES,
        requested_targets,
        unknown_pythons,
    )  # behind packaging, which most locks do without

    targets = requested_targets(
        settings.target, inputs.requires_python, lambda: machine_facts.known_target(cache_folder())
    )
    for series in unknown_pythons(targets):
        newest = f"the newest that this version of pipx-parallel knows is {SERIES[-1]}"
        printer.warn(f"there is no Python {series} ({newest}); it is taken as it was asked for")
    return lambda: targets


def _fetched(context: CommandContext, pip: PipSettings, url: str) -> bytes:
    """Return a requirements or constraints file at a URL, read as an index is: proxy, certificates and credentials alike."""
    from pipx_parallel.cli.mirror_opening import build_tools, opened  # here and below: few inputs name a URL
    from pipx_parallel.direct.texts import read_text

    settings = settings_of(context, pip)
    tools = build_tools(settings)
    with opened(settings, context.progress, tools) as mirror:
        text = mirror.run({url: read_text(url, tools.context(mirror))})[url]
    if isinstance(text, bytes):
        return text
    raise text


def _built(context: CommandContext, pip: PipSettings, folder: str) -> BuiltProject:
    """Ask the build backend of a project of the user's; the answer is kept until the project changes."""
    from mirror.urls import url_of  # here and below: only for projects that say something dynamically
    from pipx_parallel.cli.mirror_opening import build_tools, opened
    from pipx_parallel.direct.direct_project import DirectProject
    from pipx_parallel.direct.reference import parse
    from pipx_parallel.direct.steps import find
    from pipx_parallel.requirements.project_metadata import BuiltProject

    settings = settings_of(context, pip)
    tools = build_tools(settings)
    with opened(settings, context.progress, tools) as mirror:
        project = mirror.run({folder: find(parse(url_of(folder)), (), "", tools.context(mirror))})[folder]
    dependencies = project.view.dependency_set(0, 0) if isinstance(project, DirectProject) else None
    if dependencies is None:
        raise project
    return BuiltProject(dependencies.lines, dependencies.requires_python)
