"""The user's selection settings as predicates over names, versions and masks. Pure; independent of the solver.

PEP 440: a pre-release is allowed if the user requests it (``--pre``, ``--all-releases``, or a specifier that names one), or if
no final release of the project satisfies the requirements. PEP 592: a yanked release is allowed only for a pin.
"""

from __future__ import annotations

import re
from typing import TYPE_CHECKING

from mirror.records.filenames import SDIST, VARIANT
from mirror.records.release_view import HEAD
from mirror.records.version_keys import version_key
from mirror.records.wheel_variants import NOT_INSTALLABLE
from pipx_parallel.format_control import ALL, listed_in
from pipx_parallel.resolver.masks import bit_of

if TYPE_CHECKING:
    from collections.abc import Iterable, Mapping, Sequence

    from mirror.policy.upload_times import KnownTime
    from mirror.records.model import Dependency, DistFile
    from mirror.records.project import Project
    from mirror.records.release_view import ReleaseView
    from pipx_parallel.config.settings import SelectionSettings
    from pipx_parallel.resolution.policy_guard import PolicyGuard
    from pipx_parallel.resolution.shared_choices import SharedChoices
    from pipx_parallel.targets.rules import TargetRules

_SDIST_RANK = 1 << 30  # below every wheel
_PLATFORM = r"^((?:many|musl)?linux|macosx)[0-9_]*"  # the part of a platform tag without the version of the system


class Policy:
    """The selection settings of one resolve."""

    __slots__ = (
        "_all_releases", "_asked_for", "_guard", "_kept", "_lowest", "_no_binary", "_only_binary", "_only_final",
        "_overrides", "_preferred", "_used", "ignores_dependencies", "offline", "prefers_binary", "shared",
    )  # fmt: skip

    def __init__(
        self,
        selection: SelectionSettings,
        *,
        prereleases: frozenset[str] = frozenset(),
        directs: frozenset[str] = frozenset(),
        overrides: Mapping[str, Sequence[Dependency]] | None = None,
        guard: PolicyGuard | None = None,
    ) -> None:
        """Take the settings.

        ``prereleases`` are the projects whose root specifiers name a pre-release; ``overrides`` replace dependencies by project.
        ``guard`` decides what the user's policy admits; None: there is no policy.
        """
        self.shared: SharedChoices | None = None
        self.offline = False  # what is not in the mirror cannot be read
        self.ignores_dependencies = selection.no_deps
        self._asked_for = prereleases
        self._all_releases = frozenset((*selection.all_releases, *[ALL] * selection.pre))
        self._only_final = frozenset(selection.only_final)
        self._only_binary = frozenset(selection.only_binary)
        self._no_binary = frozenset(selection.no_binary)
        self.prefers_binary = selection.prefer_binary
        self._preferred = selection.preferred
        self._kept: dict[str, tuple[ReleaseView, int]] = {}  # the bit of each preferred release, looked up once
        self._lowest = _Names(
            {"highest": (), "lowest": (ALL,), "lowest-direct": tuple(sorted(directs))}[selection.resolution]
        )
        self._overrides = overrides or {}
        self._used: set[str] = set()
        self._guard = guard

    def takes_wheels(self, name: str) -> bool:
        """Return whether wheels of a project may be installed (``--no-binary``)."""
        return listed_in(name, self._only_binary, self._no_binary) is not False

    def sdist_rank(self, name: str) -> int | None:
        """Return the rank of source archives, below any wheel; None with ``--only-binary``."""
        return None if listed_in(name, self._only_binary, self._no_binary) else _SDIST_RANK

    def replaced(self, dependency: Dependency) -> Sequence[Dependency]:
        """Return the replacements of a dependency by ``--override`` or ``--exclude``; the dependency itself without them."""
        overrides = self._overrides.get(dependency.name)
        if overrides is None:
            return (dependency,)
        self._used.add(dependency.name)
        return [row._replace(extras=tuple(sorted({*row.extras, *dependency.extras}))) for row in overrides]

    @property
    def unused(self) -> tuple[str, ...]:
        """Return the projects of ``--override`` and ``--exclude`` that no requirement has named so far."""
        return tuple(sorted(self._overrides.keys() - self._used))

    def allowed_releases(self, name: str, usable: int, finals: int) -> int:
        """Return the releases of ``usable``, without pre-releases if they are refused (``--only-final``)."""
        return usable & finals if self._prereleases(name) is False else usable

    @property
    def has_guard(self) -> bool:
        """Return whether there is a policy that decides on releases and files."""
        return self._guard is not None

    def first_checked(self, project: Project) -> int:
        """Return the release from which up all are checked before a search, and classify these.

        Which releases these are does not depend on what is classified already. Raises ``MirrorError`` for files that are missing.
        """
        count = len(project.view.versions)
        if self.prefers_binary and count:
            project.classify(0)
            return 0
        return max(0, count - HEAD) if self._guard is None else self._guard.first_checked(project)

    def admitted(self, project: Project, mask: int) -> tuple[int, Mapping[int, frozenset[int]]]:
        """Return the releases that the policy admits, and the file kinds that it leaves of those of which it refuses some."""
        return (mask, {}) if self._guard is None else self._guard.admitted(project, mask)

    def within_cutoff(self, view: ReleaseView, mask: int) -> int:
        """Return the releases of ``mask`` that ``--uploaded-prior-to`` does not refuse, of a project that was looked at."""
        return mask if self._guard is None else mask & ~self._guard.late(view.name)

    def admits_file(self, name: str, version: str, file: DistFile) -> bool:
        """Return whether the policy admits a single file of a release."""
        return self._guard is None or self._guard.admits_file(name, version, file)

    def known_time(self, name: str, version: str, file: DistFile) -> KnownTime | None:
        """Return the upload time that the policy took of a file whose index states none; None if it states it, or none counts."""
        return None if self._guard is None or file.upload_time else self._guard.facts_of(name, version, file).known

    def takes_prereleases(self, name: str) -> bool:
        """Return whether the user requests pre-releases of a project; else they are used only if no final release fits."""
        return self._prereleases(name) or (self._prereleases(name) is None and name in self._asked_for)

    def _prereleases(self, name: str) -> bool | None:
        return listed_in(name, self._all_releases, self._only_final)

    def choose(self, name: str, view: ReleaseView, mask: int, finals: int, yanked: int, binary: int = -1) -> int:  # noqa: PLR0913, PLR0917
        """Return the bit of the release to try first; all masks are those of the solver."""
        bit = self.preferred_bit(name, view, mask)
        return self.best(name, mask, finals, yanked, binary) if bit is None else bit

    @property
    def keeps_pins(self) -> bool:
        """Return whether the answer for a single target may consist of the pins of an existing lock."""
        return bool(self._preferred) and self.shared is None

    def locked_version(self, name: str) -> str | None:
        """Return the version that an existing lock has of a project."""
        return self._preferred.get(name)

    def preferred_bit(self, name: str, view: ReleaseView, mask: int) -> int | None:
        """Return the bit of the release that an existing lock pins; None if it is not in ``mask``."""
        version = self._preferred.get(name)
        if version is None:
            return None
        known_view, bit = self._kept.get(name, (None, 0))
        if known_view is not view:
            every = 1 << len(view.versions) + 1
            bit = bit_in(view, version, every - 1) or 0
            self._kept[name] = view, bit
        return bit if bit and mask >> bit & 1 else None

    def best(self, name: str, mask: int, finals: int, yanked: int, binary: int = -1) -> int:
        """Return the bit of the release that would be tried first if no lock existed.

        ``binary`` are the releases with a wheel if these precede newer releases without (``--prefer-binary``), else -1.
        """
        mask = mask & ~yanked or mask
        if not self.takes_prereleases(name):
            mask = mask & finals or mask
        mask = mask & binary or mask
        return (mask & -mask).bit_length() - 1 if name in self._lowest else mask.bit_length() - 1

    def why_not_usable(self, view: ReleaseView, release: int, rules: TargetRules) -> str:
        """Return why the target cannot install a classified release, without naming it."""
        file_kinds = [view.file_kinds[number] for number in view.kind_set_of(release)]
        if not file_kinds:
            return "has no files"
        pythons = sorted({row.requires_python for row in file_kinds if row.requires_python})
        if pythons and not any(rules.python_allowed(row.requires_python) for row in file_kinds):
            return f"requires Python {pythons[0]}"
        ranks = rules.ranks_of(file_kinds, self.sdist_rank(view.name), wheels=self.takes_wheels(view.name))
        if all(rank is None for rank in ranks):
            return self._why_no_file(view.name, {row.tags for row in file_kinds})
        refusal = None if self._guard is None else self._guard.refusal(view.name, release)
        if refusal is not None:
            return refusal.words
        return "is a pre-release, which --only-final refuses"

    def _why_no_file(self, name: str, tags: set[str]) -> str:
        """Return why no file kind of a release can be installed."""
        if not self.takes_wheels(name):
            return "has no source archive, and --no-binary refuses its wheels"
        if tags <= {VARIANT}:
            return NOT_INSTALLABLE
        if SDIST not in tags:
            return "has no wheel for this target and no source archive"
        if tags == {SDIST}:
            return "has only a source archive, which --only-binary refuses"
        return "has no wheel for this target, and --only-binary refuses its source archive"

    def wheels_elsewhere(self, view: ReleaseView, release: int, rules: TargetRules) -> str:
        """Return which Pythons and platforms a release has wheels for, in brackets, if the target can install none of its files.

        It is not part of the reason, because the solver merges releases with equal reasons.
        """
        file_kinds = [view.file_kinds[number] for number in view.kind_set_of(release)]
        tags = {row.tags for row in file_kinds} - {SDIST, VARIANT}
        ranks = rules.ranks_of(file_kinds, self.sdist_rank(view.name), wheels=self.takes_wheels(view.name))
        for_python = any(rules.python_allowed(row.requires_python) for row in file_kinds)
        concerns = tags and for_python and self.takes_wheels(view.name) and all(rank is None for rank in ranks)
        return f" ({_wheels_of(tags)})" if concerns else ""

    def why_nothing_is_usable(self, view: ReleaseView, rules: TargetRules) -> str:
        """Return why the target can install no release of a project, by the reason that excludes the newest before the cutoff."""
        if not view.versions:
            return f"{view.name} has no releases on its index"
        every = (1 << len(view.versions)) - 1
        newest = (self.within_cutoff(view, every) or every).bit_length() - 1
        reason = self.why_not_usable(view, newest, rules) + self.wheels_elsewhere(view, newest, rules)
        return f"no release of {view.name} can be installed for {rules.target.label}: {view.versions[newest]} {reason}"


def _wheels_of(tags: Iterable[str]) -> str:
    """Word which Pythons and platforms have a wheel: ``wheels: cp36, cp37 on macosx x86_64, win_amd64``."""
    parts = [tag.split("-") for tag in tags if tag != SDIST]
    pythons = {python for part in parts for python in part[0].split(".")}
    platforms = {re.sub(_PLATFORM, r"\1 ", platform) for part in parts for platform in part[-1].split(".")}
    return f"wheels: {', '.join(sorted(pythons, key=lambda python: (len(python), python)))} on {', '.join(sorted(platforms))}"


def bit_in(view: ReleaseView, version: str, mask: int) -> int | None:
    """Return the bit of a version if ``mask`` has it."""
    key = version_key(version)
    release = view.index_of(key) if key is not None else None
    return bit_of(release) if release is not None and mask >> bit_of(release) & 1 else None


class _Names:
    """A set of project names; ``:all:`` includes every name."""

    __slots__ = ("_all", "_names")

    def __init__(self, names: Sequence[str]) -> None:
        self._all = ALL in names
        self._names = frozenset(names)

    def __contains__(self, name: str) -> bool:
        return self._all or name in self._names
