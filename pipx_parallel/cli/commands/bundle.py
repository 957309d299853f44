"""``bundle``: a lock with all its files and install scripts, as one zip file for machines without a network."""

from __future__ import annotations

import os
import re
import sys
import time
from typing import TYPE_CHECKING

from pipx_parallel.cli import account, changes, locks
from pipx_parallel.cli import session as job
from pipx_parallel.cli.cache_folder import cache_folder
from pipx_parallel.cli.options import CHOICE, INPUT, INPUT_FILE, KEEP, SOURCES, TARGET, WHERE, Option
from pipx_parallel.config import settings as settings_
from pipx_parallel.errors import UsageError

if TYPE_CHECKING:
    from collections.abc import Mapping, Sequence

    from pipx_parallel.bundle.making import Made
    from pipx_parallel.model import Resolution, Target

DEFAULT_OUTPUT = "bundle.zip"
MOST_AT_ONCE = 10  # downloads: more of them only share the same line, and each holds a piece in memory

_OUTPUT = Option(("-o", "--output"), f"Write the bundle here ({DEFAULT_OUTPUT}).", "path", "FILE")
_TARGET = Option(
    ("--target",), 'Bundle also for this target: "3.13 windows" (several allowed).', metavar="TARGET", multiple=True
)
_PYTHONS = Option(
    ("--python-version",), "Bundle for this Python (3.13); several allowed.", metavar="VERSION", multiple=True
)
_SDISTS = Option(
    ("--sdists",),
    "What to do with projects that have no wheel: refuse, build one here, or include the source archive.",
    metavar="HOW",
    choices=("refuse", "build", "include"),
)
_OTHER_TARGET = tuple(option for option in TARGET if option.dest != "python_version")
_PLATFORMS = next(option for option in TARGET if option.dest == "platform")
_MINE = (_OUTPUT, _TARGET, _PYTHONS, _PLATFORMS, _SDISTS)  # read here: other commands take one target
_SHARED = (*KEEP, *INPUT, INPUT_FILE, *WHERE, *CHOICE)
OPTIONS = (_OUTPUT, _TARGET, _PYTHONS, *_OTHER_TARGET, _SDISTS, *_SHARED)
ARGUMENTS = (SOURCES,)


def run(values: Mapping[str, object]) -> int:
    """Lock what the SOURCES ask for and put every file of the lock into one archive, with scripts that install from it alone.

    Pins of a pylock.toml beside the first source are kept. For other machines name targets, as often as needed: --target "3.13
    windows", or --python-version and --platform, each with each. What was downloaded is kept for the next bundle.
    """
    mine = {option.dest: values.get(option.dest) for option in _MINE}
    given = {name: value for name, value in values.items() if name not in mine}
    output = str(mine["output"] or DEFAULT_OUTPUT)
    context = job.begin(given, (*TARGET, *_SHARED))
    work = job.read(context)
    settings = work.settings._replace(platforms=_texts(mine["platform"]) or work.settings.platforms)
    targets = _targets(settings, _texts(mine["python_version"]), _texts(mine["target"]))
    work = work._replace(find_targets=lambda: targets)
    work = changes.keeping_pins(work, changes.read_before(locks.names_of((), work.sources)))
    resolutions = job.resolved(work)
    context.printer.say(f"locked {account.measure(work, resolutions)}")
    began = time.perf_counter()
    made = _make(work, resolutions, output, str(mine["sdists"] or "refuse"))
    size = f"{made.files} files, {made.size / 1e6:.1f} MB"
    cost = f"{made.fetched / 1e6:.1f} MB fetched, {made.built} built, in {time.perf_counter() - began:.2f} s"
    context.printer.say(f"wrote: {output} ({size}; {cost})")
    return job.missing_code(resolutions)


def _make(work: job.LockRequest, resolutions: Sequence[Resolution], output: str, sdists: str) -> Made:
    from pipx_parallel.bundle.builds import pip_environ  # here and below: this command's own
    from pipx_parallel.bundle.making import Order, make  # likewise

    settings = work.settings
    (lock,) = locks.render(work, resolutions, ("pylock.toml",))
    workers = min(settings.max_workers or MOST_AT_ONCE, MOST_AT_ONCE)
    environ = pip_environ(
        os.environ, settings.index_url, settings.extra_index_urls, no_network=settings.offline or settings.no_index
    )
    order = Order(resolutions, sdists, _downloads(settings.mirror), output, lock.text, environ, settings.offline)
    with job.opened(settings._replace(max_workers=workers), work.context.progress) as mirror:
        return make(order, mirror)


def _targets(settings: settings_.ResolveSettings, pythons: Sequence[str], asked: Sequence[str]) -> tuple[Target, ...]:
    """Return every target that was asked for, none twice. Raises ``UsageError``."""
    from pipx_parallel.cli import json_errors as machine  # loaded already; named where it is used
    from pipx_parallel.targets.targets import resolve_targets  # likewise

    wanted = [settings._replace(python_version=version) for version in pythons] or [settings]
    plain = not (pythons or settings.platforms or settings.python_version or settings.implementation or settings.abis)
    if plain:
        wanted = []
    wanted += [_parsed(text, settings) for text in asked]
    found = [target for one in wanted for target in resolve_targets(one)]
    if plain and not asked:
        found = [machine.known_target(cache_folder())]
    return tuple({(target.label, target.tags): target for target in found}.values())


def _parsed(text: str, settings: settings_.ResolveSettings) -> settings_.ResolveSettings:
    """Read ``--target``: a version, a platform, or both."""
    words = text.split()
    versions = [word for word in words if re.fullmatch(r"\d+(\.\d+){0,2}", word)]
    platforms = tuple(word for word in words if word not in versions)
    if len(versions) > 1 or not words:
        raise UsageError(
            f'--target: {text!r} cannot be used; give a Python version, a platform, or both: "3.13 windows"'
        )
    return settings._replace(python_version=versions[0] if versions else settings.python_version, platforms=platforms)


def _downloads(mirror: str) -> str:
    """Return the folder of downloads: in the mirror where that is a folder of this machine, else in this user's own mirror."""
    if "://" in mirror or os.path.isfile(mirror):
        mirror = settings_.default_mirror(os.environ, sys.platform)
    return os.path.join(mirror, "downloads")


def _texts(value: object) -> tuple[str, ...]:
    return tuple(map(str, value)) if isinstance(value, (tuple, list)) else () if value is None else (str(value),)
