"""Find and download the wheels that a build requires, with the resolver and the indexes of the run.

pip would take a second for each environment: it starts anew, and reads the same pages in full. Whatever cannot be done here (build
requirements without a wheel, by URL, with options of pip about formats) is left to pip. With a policy it is refused instead, unless
upload times are all that it is about: pip knows those.
"""

from __future__ import annotations

import os
from contextlib import closing
from typing import TYPE_CHECKING

from packaging.requirements import Requirement
from packaging.utils import canonicalize_name

from mirror.errors import BuildFailed, BuildProblem, MirrorError
from mirror.keys import ADVISORIES
from mirror.records.listing_views import epoch_seconds
from mirror.session.mirror import open_mirror
from mirror.session.open_store import open_store
from mirror.settings import Depth
from pipx_parallel.bundle import downloads
from pipx_parallel.cli import machine_facts
from pipx_parallel.config.settings import BuildSettings, SelectionSettings, TargetSettings
from pipx_parallel.errors import NoSolution, PipxParallelError
from pipx_parallel.model import IndexOptions, Inputs, Origin, RootRequirement
from pipx_parallel.resolution.resolve import resolve

if TYPE_CHECKING:
    from collections.abc import Mapping, Sequence

    from mirror.session.mirror import Mirror
    from mirror.settings import MirrorSettings
    from pipx_parallel.config.settings import ResolveSettings

_ORIGIN = Origin("build-system.requires")
# Variables of pip that decide which files are installed, beside those that name indexes.
_FORMATS = (
    "PIP_BUILD_CONSTRAINT",
    "PIP_CONSTRAINT",
    "PIP_NO_BINARY",
    "PIP_ONLY_BINARY",
    "PIP_PREFER_BINARY",
    "PIP_PRE",
)


class BuildWheels:
    """Downloads wheels of build requirements; several threads may do so at once."""

    def __init__(self, settings: ResolveSettings, opened: MirrorSettings, cache: str) -> None:
        """Take the settings of the run, what its mirror is opened with, and the folder of the facts of this machine."""
        self._holds = not pip_holds(settings)
        self._settings = settings._replace(
            builds=BuildSettings(no_build=True),
            target=TargetSettings(),
            policy=settings.policy if self._holds else None,
            keep_going=False,
        )
        self._opened = opened._replace(refresh=False, keep_whole=False)
        self._location = opened.location
        self._cache = cache

    def __call__(self, requirements: Sequence[str], prior_to: str, folder: str) -> dict[str, str] | None:
        """Return {name: path} of wheels that satisfy requirements, downloaded into ``folder``; None: pip has to install them.

        What ``folder`` holds of earlier calls, wheels and pages of indexes, is not fetched again.
        With ``prior_to`` (ISO 8601) only files that were uploaded before that time are taken. Raises ``BuildFailed`` if the
        policy refuses what is required.
        """
        parsed = [Requirement(text) for text in requirements]
        if any(row.url for row in parsed):
            return None
        roots = tuple([_root(row) for row in parsed])
        selection = SelectionSettings(
            uploaded_prior_to=prior_to or None,
            uploaded_prior_to_packages=self._settings.selection.uploaded_prior_to_packages if self._holds else {},
            only_binary=(":all:",),
            suggest_seconds=0.0,
        )
        depth = Depth(everything=self._holds, before=epoch_seconds(prior_to) if prior_to else 0)
        opened = self._opened._replace(location=os.path.join(folder, "mirror"), depth=depth)
        try:
            with open_mirror(opened) as mirror:
                self._copy_advisories(mirror)
                target = machine_facts.known_target(self._cache)
                inputs = Inputs(roots, (), IndexOptions(), ())
                resolutions = resolve(inputs, (target,), mirror, self._settings._replace(selection=selection))
                chosen = [pin.installable[0] for resolution in resolutions for pin in resolution.pins]
                ended = mirror.run({file.url: downloads.fetch(file, folder) for file in chosen})
        except NoSolution as error:
            if not self._holds:
                return None
            reason = (
                f"what the build needs ({', '.join(requirements)}) is refused by the policy, or cannot be installed"
            )
            raise BuildFailed(reason, BuildProblem.POLICY, log=error.explanation) from error
        except (MirrorError, PipxParallelError, OSError):
            return None
        received = {file.filename: ended[file.url] for file in chosen}
        if any(isinstance(row, Exception) for row in received.values()):
            return None
        return {name: row.path for name, row in received.items()}

    def _copy_advisories(self, mirror: Mirror) -> None:
        """Give a mirror of wheels the advisories of the mirror of the run, if the policy asks for them."""
        rules = self._settings.policy
        header = ADVISORIES.key("")
        if rules is None or rules.advisories.value != "refuse" or mirror.records.read(header) is not None:
            return
        with closing(open_store(self._location)) as store:
            keys = [key for key, _ in store.scan(ADVISORIES.prefix)]
            for key, record in store.get_many(keys).items():
                mirror.records.write(key, record)


def pip_holds(settings: ResolveSettings) -> bool:
    """Return whether pip can hold the policy of a run for build requirements: one cutoff for all, or nothing."""
    rules = settings.policy
    if rules is None:
        return not settings.selection.uploaded_prior_to_packages
    return rules._replace(cutoff=None) == type(rules)()


def serves(settings: ResolveSettings, environ: Mapping[str, str]) -> bool:
    """Return whether build requirements may be found here: online, and without options that only pip knows."""
    formats = settings.selection.no_binary or any(environ.get(name) for name in _FORMATS)
    return os.name != "nt" and not settings.mirror.offline and not formats


def _root(row: Requirement) -> RootRequirement:
    marker = str(row.marker) if row.marker is not None else None
    extras = tuple(sorted(map(canonicalize_name, row.extras)))
    return RootRequirement(canonicalize_name(row.name), extras, str(row.specifier), marker, None, (), _ORIGIN, str(row))
