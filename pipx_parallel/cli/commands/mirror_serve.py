"""``mirror serve``: the mirror over HTTP, for pip, uv and pipx-parallel."""

from __future__ import annotations

import os
import signal
import sys
import time
from importlib.util import find_spec
from typing import TYPE_CHECKING

from mirror.urls import shown
from pipx_parallel.cli import guarded
from pipx_parallel.cli.context import CommandContext, begin
from pipx_parallel.cli.numbers import whole_number
from pipx_parallel.cli.policy import page_filter_of
from pipx_parallel.cli.request import settings_of
from pipx_parallel.config.mirror_location import mirror_settings
from pipx_parallel.config.option import Argument, Option
from pipx_parallel.config.options import CHOICE, INDEX, MIRROR, NETWORK, TARGET
from pipx_parallel.errors import UsageError
from pipx_parallel.version import VERSION

if TYPE_CHECKING:
    from collections.abc import Callable, Mapping
    from multiprocessing.connection import Connection

    from mirror.ports import Store
    from mirror.server.answers import Answer
    from mirror.server.app import Call, Options
    from mirror.server.listening import Entrance
    from mirror.server.policy_gate import PolicyGate
    from mirror.server.responses import Pages
    from mirror.server.site import Site
    from pipx_parallel.config.settings import ResolveSettings
    from pipx_parallel.resolution.lock_service import LockService
    from pipx_parallel.resolution.lock_solver import Reply

    LockRoutes = tuple[Callable[[Call], Answer], Callable[[Call], Answer | None]]

HOST = Option(("--host",), "Address to listen on [default: 127.0.0.1, this machine only].", metavar="ADDRESS")
PORT = Option(("--port",), "Port to listen on; 0 for any free port [default: 8765].", metavar="N")
TOKEN = Option(("--token-file",), "File with the token that clients must send.", "path", "FILE")
BODY = Option(("--max-body",), "Maximum size of a request in bytes [default: 1048576].", metavar="N")
SECONDS = Option(("--max-seconds",), "Maximum time of a request in seconds [default: 60].", metavar="N")
SOLVES = Option(
    ("--max-solves",), "Maximum number of concurrent locks of a worker; others wait [default: 2].", metavar="N"
)
WORKERS = Option(("--workers",), "Number of processes that share the port [default: 1].", metavar="N")
_PATIENCE = 5.0  # seconds for which a Redis server may be away before clients get an error
OPTIONS = (HOST, PORT, TOKEN, BODY, SECONDS, SOLVES, WORKERS, *INDEX, *NETWORK, *MIRROR, *CHOICE, *TARGET)
ARGUMENTS: tuple[Argument, ...] = ()


def run(values: Mapping[str, object]) -> int:
    """Serve the mirror until interrupted: the Simple API, records in bulk, and locks (POST /lock).

    Without --offline, what the mirror lacks is fetched on request. The policy ([tool.pipx-parallel.policy] and its options, with
    --uploaded-prior-to and --only-binary) holds for everything that is served: pages, files, records and locks.

    The token can also be set with the variable PIPX_PARALLEL_TOKEN.
    """
    import gc  # off in short commands (``__main__.run``); this one lives long

    gc.enable()
    if find_spec("uvicorn") is None:
        raise UsageError("serving needs the extra: pip install 'pipx-parallel[serve]'")
    from mirror.server.listening import address, listen  # here and below: only what this command needs
    from mirror.server.receiving_process import received
    from mirror.server.supervisor import Supervisor
    from mirror.session.open_store import open_store

    context = begin(values, OPTIONS)
    settings = _settings(context)
    opened = mirror_settings(settings)
    _options(context)  # a value that cannot be used is refused before anything starts
    port = whole_number(context.chosen, "port", least=0)
    workers = whole_number(context.chosen, "workers") or 1
    store = open_store(opened.location, opened)
    if warning := store.warning():
        context.printer.warn(warning)
    store.prepare()  # the workers and the solvers are processes of their own, and share it
    store.close()
    listening = listen(context.chosen.text("host") or "127.0.0.1", 8765 if port is None else port)
    context.printer.say(f"serving at {address(listening)} (Simple API: /simple/); stop with Ctrl-C")
    with received(listening, workers) as entrance:
        if workers == 1:
            _serve_all(context, settings, entrance)
        else:
            Supervisor(workers, _work, (values, entrance)).run(context.printer.warn)
    return 0


def _work(number: int, pipe: Connection, values: Mapping[str, object], entrance: Entrance) -> None:
    """Serve until the pipe is closed: the main function of a worker process."""
    from mirror.server.supervisor import closed

    # The server library stops at a signal and then raises it again; what is new is to be stored then (``__main__.run``).
    signal.signal(signal.SIGTERM, signal.default_int_handler)

    def run_worker() -> int:
        context = begin(values, OPTIONS)
        with entrance.of(number) as own:
            _serve_all(context, _settings(context), own, str(number), (lambda: closed(pipe),))
        return 0

    sys.exit(guarded(run_worker, values))


def _settings(context: CommandContext) -> ResolveSettings:
    settings = settings_of(context)
    return settings._replace(mirror=settings.mirror._replace(keep_whole=True))


def _serve_all(
    context: CommandContext,
    settings: ResolveSettings,
    entrance: Entrance,
    worker_name: str = "",
    until: tuple[Callable[[], None], ...] = (),
) -> None:
    """Serve in this process until interrupted, or until one of ``until`` returns; open a mirror again that was replaced."""
    while _serve(context, settings, entrance.dup(), worker_name, until):  # clients wait meanwhile and are not refused
        context.printer.warn(
            f"the mirror {shown(settings.mirror.location)} was removed or replaced; it is opened again"
        )


def _serve(
    context: CommandContext,
    settings: ResolveSettings,
    entrance: Entrance,
    worker_name: str,
    until: tuple[Callable[[], None], ...],
) -> bool:
    """Serve until the end, then store what is new; return whether the end is that the mirror was removed or replaced."""
    from mirror.server.app import Server
    from mirror.server.responses import Pages
    from mirror.server.run import serve
    from mirror.server.store_watch import StoreWatch
    from mirror.server.worker import MirrorWorker
    from mirror.session.mirror import Mirror, transport_for
    from mirror.session.open_store import open_store
    from mirror.store.shared import SharedStore

    opened = mirror_settings(settings)
    store = open_store(opened.location, opened, patience=_PATIENCE)
    watch = StoreWatch(store)
    watch.start()
    service = _service(settings, store)
    service.start()
    worker = MirrorWorker(lambda: Mirror(opened, SharedStore(store), transport_for(opened, store)), watch=watch)
    try:
        visible, gate = _governed(settings, store)
        pages = Pages(visible, worker, offline=opened.offline, gate=gate)
        site = _site(pages, visible, offline=opened.offline)
        serve(Server(pages, _options(context, _routes(service), site, worker_name)), entrance, (*until, watch.wait))
    finally:
        watch.stop()
        service.close()
        worker.close()
        store.close()
    return watch.replaced


def _governed(settings: ResolveSettings, store: Store) -> tuple[Store, PolicyGate | None]:
    """Return the store as the policy lets it be seen, and what decides on pages; the store itself and None without a policy."""
    page_filter = page_filter_of(settings, store)
    if page_filter is None:
        return store, None
    from mirror.exchange.policy_store import PolicyStore  # here and below: only with a policy
    from mirror.server.policy_gate import PolicyGate

    return PolicyStore(store, page_filter, time.time), PolicyGate(page_filter, time.time)


def _site(pages: Pages, store: Store, *, offline: bool) -> Site:
    from mirror.server.site import Site
    from mirror.server.site_facts import Facts
    from mirror.server.site_render import Renderer

    return Site(pages, Facts(store, pages.shows), Renderer(interactive=True, version=VERSION), offline=offline)


def _options(
    context: CommandContext, routes: LockRoutes | None = None, site: Site | None = None, worker_name: str = ""
) -> Options:
    """Return the limits and the token that the command line sets, and the routes. Raises ``UsageError``."""
    from mirror.server.app import Options

    return Options(
        token=_token(context),
        largest_body=(whole_number(context.chosen, "max_body") or 1024 * 1024),
        longest=float(whole_number(context.chosen, "max_seconds") or 60),
        concurrent=(whole_number(context.chosen, "max_solves") or 2),
        routes={} if routes is None else {"/lock": routes[0]},
        ready={} if routes is None else {"/lock": routes[1]},
        site=site,
        log=context.printer.say,
        worker=worker_name,
    )


def _routes(service: LockService) -> LockRoutes:
    """Return the functions that answer POST /lock: with a solve, and without waiting."""
    from mirror.server.answers import Answer

    def lock(call: Call) -> Answer:
        return answer_of(service.answer(call.body, call.query, call.deadline))

    def ready(call: Call) -> Answer | None:
        reply = service.ready(call.body, call.query)
        return None if reply is None else answer_of(reply)

    def answer_of(reply: Reply) -> Answer:
        return Answer(reply.status, reply.text.encode(), reply.kind)

    return lock, ready


def _service(settings: ResolveSettings, store: Store) -> LockService:
    from pipx_parallel.resolution.lock_service import LockService
    from pipx_parallel.targets.requests import requested_targets

    return LockService(settings, store, requested_targets(settings.target))


def _token(context: CommandContext) -> str | None:
    path = context.chosen.text("token_file")
    if path is None:
        return os.environ.get("PIPX_PARALLEL_TOKEN") or None
    try:
        with open(path, encoding="utf-8") as file:
            token = file.read().strip()
    except (OSError, UnicodeDecodeError) as error:
        raise UsageError(f"{path}: cannot be read ({error})") from None
    if not token:
        raise UsageError(f"{path}: there is no token in it")
    return token
