"""``mirror export``: the mirror, or what some sources need of it, as one file."""

from __future__ import annotations

from contextlib import closing
from typing import TYPE_CHECKING

from pipx_parallel.cli.context import CommandContext, begin, has_sources
from pipx_parallel.cli.mirror_opening import opened
from pipx_parallel.cli.output import show_bytes
from pipx_parallel.cli.policy import governed
from pipx_parallel.cli.request import read_request, settings_of
from pipx_parallel.config.option import Argument, Option
from pipx_parallel.config.options import CHOICE, INDEX, INPUT, INPUT_FILE, MIRROR, NETWORK, TARGET
from pipx_parallel.errors import UsageError

if TYPE_CHECKING:
    from collections.abc import Mapping

    from mirror.exchange.snapshot import Selection

FOR = Option(("--for",), "Export only what a lock of this SOURCE can reach.", "path", "SOURCE", multiple=True)
FILES = Option(
    ("--files",),
    "Files to include: those of the chosen releases (the default), all, or none.",
    metavar="WHICH",
    choices=("chosen", "all", "none"),
)
OPTIONS = (FOR, FILES, *INPUT, INPUT_FILE, *INDEX, *NETWORK, *MIRROR, *CHOICE, *TARGET)
ARGUMENTS = (Argument("file", "FILE"),)


def run(values: Mapping[str, object]) -> int:
    """Write the mirror to FILE ("-": standard output). The same content always gives the same bytes.

    With --for, only the projects that a lock of a source can reach are exported, and "chosen" means the releases of its lock.
    The advisories of the mirror come with it. The policy ([tool.pipx-parallel.policy] and its options) decides what is exported,
    as it stands at the time of the run.

    Resolve from the file with --mirror FILE, or import it into another mirror with `mirror import`.
    """
    from mirror.exchange.maintenance import refuse_damaged
    from mirror.exchange.snapshot import export
    from mirror.session.open_store import open_store
    from mirror.store.atomic import AtomicWriteError, write_file  # here and below: only what this command needs

    path = str(values["file"])
    context = begin({**values, "sources": values.get("for", ())}, OPTIONS)
    selection = _selection(context)
    settings = settings_of(context)
    with closing(open_store(settings.mirror.location)) as store:
        refuse_damaged(store)
        data = export(governed(settings, store), selection)
    try:
        if path == "-":
            show_bytes(data)
        else:
            write_file(path, data)
    except AtomicWriteError as error:
        raise UsageError(str(error)) from error
    context.printer.say(f"exported {len(data):,} bytes to {'standard output' if path == '-' else path}")
    return 0


def _selection(context: CommandContext) -> Selection:
    """Return what is to be exported; with --for, what the mirror knows decides: no network is asked."""
    from mirror.exchange.snapshot import Selection

    files = context.chosen.text("files") or "chosen"
    if not has_sources(context):
        return Selection(files=files)
    from pipx_parallel.resolution.closure import walk
    from pipx_parallel.resolution.resolve import resolve

    request = read_request(context)
    settings = request.settings._replace(mirror=request.settings.mirror._replace(offline=True), keep_going=False)
    with opened(settings, context.progress) as mirror:
        reach = walk(request.inputs, request.targets, mirror, settings)
        resolutions = resolve(request.inputs, request.targets, mirror, settings)
        chosen: dict[str, int] = {}
        for resolution in resolutions:
            for pin in resolution.pins:
                project = mirror.project(pin.name)
                release = getattr(project, "view").versions.index(pin.version)  # noqa: B009 - a pin's project is no failure
                chosen[pin.name] = chosen.get(pin.name, 0) | 1 << release
    names = frozenset(reach.releases) | frozenset(reach.absent) | frozenset(chosen)
    return Selection(names, files, chosen)
