"""``mirror serve``: the mirror over HTTP, for pip, uv and pipx-parallel."""

from __future__ import annotations

import os
import time
from typing import TYPE_CHECKING

from pipx_parallel.cli.context import CommandContext, begin
from pipx_parallel.cli.mirror_opening import store_on_termination
from pipx_parallel.cli.policy import page_filter_of
from pipx_parallel.cli.request import settings_of
from pipx_parallel.config.mirror_location import mirror_settings
from pipx_parallel.config.option import Argument, Option
from pipx_parallel.config.options import CHOICE, INDEX, MIRROR, NETWORK, TARGET
from pipx_parallel.errors import UsageError
from pipx_parallel.version import VERSION

if TYPE_CHECKING:
    from collections.abc import Mapping

    from mirror.ports import Store
    from mirror.server.answers import Answer
    from mirror.server.app import Call, Options
    from mirror.server.policy_gate import PolicyGate
    from mirror.server.responses import Pages
    from mirror.server.site import Site
    from pipx_parallel.config.settings import ResolveSettings
    from pipx_parallel.resolution.lock_service import LockService
    from pipx_parallel.resolution.lock_solver import Reply

HOST = Option(("--host",), "Address to listen on [default: 127.0.0.1, this machine only].", metavar="ADDRESS")
PORT = Option(("--port",), "Port to listen on; 0 for any free port [default: 8765].", metavar="N")
TOKEN = Option(("--token-file",), "File with the token that clients must send.", "path", "FILE")
BODY = Option(("--max-body",), "Maximum size of a request in bytes [default: 1048576].", metavar="N")
SECONDS = Option(("--max-seconds",), "Maximum time of a request in seconds [default: 60].", metavar="N")
SOLVES = Option(("--max-solves",), "Maximum number of concurrent locks; others wait [default: 2].", metavar="N")
OPTIONS = (HOST, PORT, TOKEN, BODY, SECONDS, SOLVES, *INDEX, *NETWORK, *MIRROR, *CHOICE, *TARGET)
ARGUMENTS: tuple[Argument, ...] = ()


def run(values: Mapping[str, object]) -> int:
    """Serve the mirror until interrupted: the Simple API, records in bulk, and locks (POST /lock).

    Without --offline, what the mirror lacks is fetched on request. The policy ([tool.pipx-parallel.policy] and its options, with
    --uploaded-prior-to and --only-binary) holds for everything that is served: pages, files, records and locks.

    The token can also be set with the variable PIPX_PARALLEL_TOKEN.
    """
    import gc  # off in short commands (``__main__.run``); this one lives long

    gc.enable()
    try:
        from mirror.server.run import serve  # a server library, which nothing else needs
    except ImportError as error:
        raise UsageError("serving needs the extra: pip install 'pipx-parallel[serve]'") from error
    from mirror.server.app import Server
    from mirror.server.responses import Pages
    from mirror.server.worker import MirrorWorker
    from mirror.session.mirror import Mirror, transport_for  # here and below: only what this command needs
    from mirror.session.open_store import open_store
    from mirror.store.shared import SharedStore

    context = begin(values, OPTIONS)
    settings = settings_of(context)
    settings = settings._replace(mirror=settings.mirror._replace(keep_whole=True))
    opened = mirror_settings(settings)
    store_on_termination()  # the server library stops at the signal, then raises it again
    store = open_store(opened.location, opened)
    store.prepare()  # the solvers are processes of their own, and what they store is to be seen here
    service = _service(settings, store)
    service.start()
    worker = MirrorWorker(lambda: Mirror(opened, SharedStore(store), transport_for(opened, store)))
    try:
        shown, gate = _governed(settings, store)
        pages = Pages(shown, worker, offline=opened.offline, gate=gate)
        server = Server(pages, _options(context, service, _site(pages, shown, offline=opened.offline)))
        serve(
            server,
            context.chosen.text("host") or "127.0.0.1",
            _number(context, "port", 8765, least=0),
            context.printer.say,
        )
    finally:
        service.close()
        worker.close()
        store.close()
    return 0


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


def _options(context: CommandContext, service: LockService, site: Site) -> Options:
    from mirror.server.answers import Answer
    from mirror.server.app import Options

    def lock(call: Call) -> Answer:
        return answer_of(service.answer(call.body, call.query, call.deadline))

    def ready(call: Call) -> Answer | None:
        reply = service.ready(call.body, call.query)
        return None if reply is None else answer_of(reply)

    def answer_of(reply: Reply) -> Answer:
        return Answer(reply.status, reply.text.encode(), reply.kind)

    return Options(
        token=_token(context),
        largest_body=_number(context, "max_body", 1024 * 1024),
        longest=float(_number(context, "max_seconds", 60)),
        concurrent=_number(context, "max_solves", 2),
        routes={"/lock": lock},
        ready={"/lock": ready},
        site=site,
        log=context.printer.say,
    )


def _service(settings: ResolveSettings, store: Store) -> LockService:
    from pipx_parallel.resolution.lock_service import LockService
    from pipx_parallel.targets.targets import make_target

    return LockService(settings, store, make_target(*settings.target))


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


def _number(context: CommandContext, name: str, default: int, least: int = 1) -> int:
    text = context.chosen.text(name)
    if text is None:
        return default
    if not text.isdecimal() or not least <= int(text) < 1 << 31:
        raise UsageError(f"--{name.replace('_', '-')}: {text!r} cannot be used; give a whole number from {least} up")
    return int(text)
