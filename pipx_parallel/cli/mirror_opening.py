"""Opens the mirror of a run, with the tools that build and clone for it, each made when it is first used.

``BuildTools`` is a ``mirror.ports.Builder``; a lock that builds nothing loads nothing of what is behind it.
"""

from __future__ import annotations

import os
import threading
import time
from contextlib import suppress
from typing import TYPE_CHECKING

from pipx_parallel.cli.cache_folder import cache_folder
from pipx_parallel.config.mirror_location import mirror_settings

if TYPE_CHECKING:
    from collections.abc import Callable, Mapping, Sequence

    from mirror.ports import SourceTree
    from mirror.session.mirror import Mirror
    from mirror.settings import MirrorSettings
    from pipx_parallel.builds.builder import BackendBuilder
    from pipx_parallel.config.settings import ResolveSettings
    from pipx_parallel.direct.git import Git
    from pipx_parallel.direct.steps import BuildContext
    from pipx_parallel.progress import Progress


def opened(settings: ResolveSettings, progress: Progress, tools: BuildTools | None = None) -> Mirror:
    """Return the mirror of these settings, to be closed by the caller. Raises ``StoreError``."""
    from mirror.session.mirror import open_mirror  # the store and all behind it, which a fresh --check does not need

    tools = tools or build_tools(settings)
    return open_mirror(tools.opened, observer=progress, builder=tools)


def ready_beside(settings: MirrorSettings, find_targets: Callable[[], object]) -> Callable[[], None]:
    """Do in a thread, while a published mirror answers, what a lock needs besides: reading from the mirror blocks (70 ms of 400).

    Nothing is done if find-links pages are read: a process is forked for them, in which a module half loaded here would stay
    locked. Returns what waits for the thread.
    """
    if "://" in settings.location and not settings.find_links:
        from mirror.session.open_store import is_fixed  # as above

        if is_fixed(settings.location):
            thread = threading.Thread(target=_ready, args=(settings, find_targets), daemon=True)
            thread.start()
            return thread.join
    return lambda: None


def _ready(settings: MirrorSettings, find_targets: Callable[[], object]) -> None:
    """Load the transport, which the main thread waits for, then the solver, and find the targets (each 30 to 40 ms)."""
    with suppress(Exception):  # the main thread does the same again, and reports it
        from mirror.http.transports import load_transport

        load_transport(settings)
        import pipx_parallel.resolution.resolve
        import pipx_parallel.resolver.solver  # noqa: F401 - for their effect

        find_targets()


def build_tools(settings: ResolveSettings) -> BuildTools:
    """Return the tools for builds and clones of this run. Raises ``UsageError`` if builds cannot be run as the user asks."""
    if settings.builds.no_build_network:
        from pipx_parallel.builds.sandbox import check_no_network  # only if it is asked for

        check_no_network()
    cache = cache_folder()
    return BuildTools(settings, mirror_settings(settings)._replace(cache=cache), os.environ, cache)


class BuildTools:
    """Builds and clones for one run of the tool; safe for several threads once made."""

    def __init__(
        self, settings: ResolveSettings, opened: MirrorSettings, environ: Mapping[str, str], cache: str
    ) -> None:
        """``cache`` is a folder for clones and for logs of failed builds."""
        self._settings = settings
        self.opened = opened  # what the mirror of this run is opened with
        self._environ = environ
        self._cache = cache
        self._builder: BackendBuilder | None = None
        self._git: Git | None = None
        self._lock = threading.Lock()

    @property
    def fingerprint(self) -> str:
        """Return what of this machine a build may depend on."""
        import platform  # loaded by every interpreter that tells its target
        import sys
        import sysconfig

        tag = f"{sys.implementation.cache_tag}-{platform.python_version()}-{sysconfig.get_platform()}"
        return tag.replace("/", "_") + ("-no-network" if self._settings.builds.no_build_network else "")

    @property
    def allowed(self) -> bool:
        """Return whether anything may be built."""
        return not self._settings.builds.no_build

    def build(self, tree: SourceTree) -> bytes:
        """Return METADATA of a tree (see ``mirror.ports.Builder``)."""
        with self._lock:  # the first builds come together, and share one builder
            builder = self._builders()
        return builder.build(tree)

    def close(self) -> None:
        """End what is running; safe to call twice."""
        for tool in (self._builder, self._git):
            if tool is not None:
                tool.close()

    def context(self, mirror: Mirror) -> BuildContext:
        """Return what direct references need."""
        from pipx_parallel.direct.git import Git  # here and below: few locks have direct references
        from pipx_parallel.direct.steps import BuildContext

        self._git = Git(f"{self._cache}/git", self._environ, self.opened.credentials)
        return BuildContext(
            builds=mirror.records.builds(),
            git=self._git,
            read_derived=mirror.records.read,
            write_derived=mirror.records.write,
            learn=self.opened.credentials.learn if self.opened.credentials is not None else str,
            now=time.time(),
            offline=self._settings.mirror.offline,
            refresh=self._settings.mirror.refresh,
        )

    def _builders(self) -> BackendBuilder:
        if self._builder is None:
            from pipx_parallel.builds.builder import BackendBuilder, BuildPolicy  # only if something is built
            from pipx_parallel.builds.environments import PipOptions

            settings = self._settings
            options = PipOptions(
                index_url=settings.indexes.index_url,
                extra_index_urls=settings.indexes.extra_index_urls,
                find_links=settings.indexes.find_links,
                no_index=settings.indexes.no_index or settings.mirror.offline,
                trusted_hosts=settings.network.trusted_hosts,
                cert=settings.network.cert,
                client_cert=settings.network.client_cert,
                proxy=settings.network.proxy,
            )
            from pipx_parallel.cli.build_wheels import BuildWheels, pip_holds, serves

            policy = BuildPolicy(
                allowed=not settings.builds.no_build,
                isolated=not settings.builds.no_build_isolation,
                timeout=settings.builds.build_timeout,
                logs=f"{self._cache}/builds",
                prior_to=settings.selection.uploaded_prior_to or "",
                options=options,
                variables=settings.builds.build_env,
                network=not settings.builds.no_build_network,
                by_pip=pip_holds(settings),
            )
            wheels = BuildWheels(settings, self.opened, self._cache) if serves(settings, self._environ) else None
            self._builder = BackendBuilder(policy, self._environ, self._secrets(), wheels)
        return self._builder

    def _secrets(self) -> Callable[[], Sequence[str]]:
        return self.opened.credentials.secrets if self.opened.credentials is not None else tuple
