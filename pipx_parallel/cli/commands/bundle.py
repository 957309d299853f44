"""``bundle``: a lock with all its files and install scripts, as one zip file for machines without a network."""

from __future__ import annotations

import os
import time
from typing import TYPE_CHECKING

from pipx_parallel.cli import account, changes, locks
from pipx_parallel.cli.context import begin
from pipx_parallel.cli.hashing import downloads_folder
from pipx_parallel.cli.mirror_opening import opened
from pipx_parallel.cli.request import LockRequest, read_request
from pipx_parallel.cli.session import missing_code, resolving
from pipx_parallel.config.option import Option
from pipx_parallel.config.options import CHOICE, INPUT, INPUT_FILE, SOURCES, TARGET, UPGRADE, WHERE

if TYPE_CHECKING:
    from collections.abc import Mapping, Sequence

    from pipx_parallel.bundle.create import BundleSummary
    from pipx_parallel.model import Resolution

DEFAULT_OUTPUT = "bundle.zip"
MOST_AT_ONCE = 10  # downloads: more of them only share the same line, and each holds a piece in memory

_OUTPUT = Option(("-o", "--output"), f"Write this file [default: {DEFAULT_OUTPUT}].", "path", "FILE")
_SDISTS = Option(
    ("--sdists",),
    "What to do with packages without a wheel; build does so on this machine, include takes the source archive.",
    metavar="HOW",
    choices=("refuse", "build", "include"),
)
_MINE = (_OUTPUT, _SDISTS)  # read here: they mean something else to other commands
_SHARED = (*UPGRADE, *INPUT, INPUT_FILE, *WHERE, *CHOICE, *TARGET)
OPTIONS = (_OUTPUT, _SDISTS, *_SHARED)
ARGUMENTS = (SOURCES,)


def run(values: Mapping[str, object]) -> int:
    """Resolve requirements, and write all files of the lock into one archive with scripts that install from it.

    Pins in a pylock.toml beside the first source are kept. Targets for other machines can be repeated: --target "3.13 windows",
    or each --python-version combined with each --platform. Downloads are kept for the next bundle.
    """
    mine = {option.dest: values.get(option.dest) for option in _MINE}
    output = str(mine["output"] or DEFAULT_OUTPUT)
    context = begin(values, _SHARED)
    request = read_request(context)
    if request.inputs.parts is not None and request.inputs.parts.conflicts:
        raise locks.conflict_error(output, request.inputs.parts)
    request = request._replace(inputs=request.inputs._replace(parts=None))  # its script installs all of it
    request = changes.keeping_pins(request, changes.read_before([_pins_beside(request.sources)]))
    with resolving(request, hashed=True) as resolutions:
        context.printer.say(f"locked {account.measure(request, resolutions)}")
    began = time.perf_counter()
    made = _make(request, resolutions, output, str(mine["sdists"] or "refuse"))
    size = f"{made.files} files, {made.size / 1e6:.1f} MB"
    cost = f"{made.fetched / 1e6:.1f} MB fetched, {made.built} built, in {time.perf_counter() - began:.2f} s"
    context.printer.say(f"wrote: {output} ({size}; {cost})")
    return missing_code(resolutions)


def _make(request: LockRequest, resolutions: Sequence[Resolution], output: str, sdists: str) -> BundleSummary:
    from pipx_parallel.builds.environ import pip_environment  # here and below: only for this command
    from pipx_parallel.bundle.create import BundleRequest, create_bundle  # as above
    from pipx_parallel.bundle.wheel_builds import pip_environ  # as above

    settings = request.settings
    (lock,) = locks.render(request, resolutions, ("pylock.toml",))
    offline = settings.mirror.offline
    workers = min(settings.network.max_workers or MOST_AT_ONCE, MOST_AT_ONCE)
    environ = pip_environ(
        pip_environment(os.environ, settings.builds.build_env),
        settings.indexes.index_url,
        settings.indexes.extra_index_urls,
        no_network=offline or settings.indexes.no_index,
    )
    bundle = BundleRequest(
        resolutions, sdists, downloads_folder(settings.mirror.location), output, lock.text, environ, offline
    )
    with opened(
        settings._replace(network=settings.network._replace(max_workers=workers)), request.context.progress
    ) as mirror:
        return create_bundle(bundle, mirror)


def _pins_beside(sources: Sequence[str]) -> str:
    """Return the lock beside the first source, whose pins are kept."""
    source = next(iter(sources), locks.STDOUT)
    return source if source == locks.STDOUT or "://" in source else locks.default_name(source)
