"""The installable releases of a project for one target, and the file kind of each.

Packaging rules become masks here: tags, Requires-Python, cutoff, yanked files (PEP 592) and pre-releases (PEP 440).
"""

from __future__ import annotations

from functools import partial
from typing import TYPE_CHECKING

from mirror.equality import NamedTuple
from mirror.errors import MirrorError
from mirror.records.filenames import SDIST, is_pure
from mirror.records.release_view import HEAD
from pipx_parallel.resolver.masks import mask_from

if TYPE_CHECKING:
    from mirror.records.project import Project
    from pipx_parallel.resolution.policy import Policy
    from pipx_parallel.targets.rules import TargetRules

_DAY = 86_400  # seconds


class _Masks(NamedTuple):
    """What is known of the releases of a project for a target, as masks of the solver."""

    usable: int
    yanked: int
    binary: int


class Candidate:
    """One project for one target. Masks have the solver's bit numbers (bit 0 is "absent").

    The newest ``HEAD`` releases, or the newest before a cutoff, are checked at once; older releases count as usable until they are
    checked (``file_kind_of`` then returns None if they are not). The boundary does not depend on what is already loaded, so every
    run is equal.
    """

    __slots__ = (
        "_best_kinds", "_distance", "_line", "_masks", "_offline", "_policy", "_ranks_of", "_shared", "_stand_ins",
        "_trusts_wheels", "allowed", "finals", "is_shared", "later", "project",
    )  # fmt: skip

    def __init__(self, project: Project, rules: TargetRules, policy: Policy) -> None:
        """Take the project. With a policy its releases are checked at once, else on first use: other targets need few masks."""
        view, name = project.view, project.view.name
        self.project = project
        self.is_shared = False
        self._policy = policy
        self._masks: list[_Masks] = []  # one for all candidates that have the same masks, with the first use
        self._best_kinds: dict[int, int | None] = {}  # release -> its best file kind, if no line has hashes
        self._stand_ins: dict[int, int] = {}  # release without a wheel for the target -> the wheel that is read
        self.allowed: dict[int, frozenset[int]] = {}  # release -> the file kinds that --hash and the policy allow
        direct = project.reference is not None
        self._trusts_wheels = wheels = direct or policy.takes_wheels(name)
        self._rank_by(rules, 0 if direct else policy.sdist_rank(name), wheels=wheels)
        self._shared, self._offline = (None, False) if direct else (policy.shared, policy.offline)
        self.finals = mask_from(((1 << len(view.versions)) - 1) & ~view.prereleases)
        # Releases that only a later index has need a pin: other requirements use the first index that has the project.
        rows = enumerate(view.keys) if project.later_keys else ()
        self.later = mask_from(sum([1 << release for release, key in rows if key in project.later_keys]))
        self._line = max(0, len(view.versions) - HEAD) if direct else policy.first_checked(project)
        if policy.has_guard:
            self._find()

    @property
    def usable(self) -> int:
        """Return the releases that the target may install."""
        return (self._masks or self._find())[0].usable

    @property
    def yanked(self) -> int:
        """Return the releases of which the target could install yanked files only; of most projects no file is yanked."""
        has_any = self._masks or any([kind.yanked for kind in self.project.view.file_kinds])  # noqa: C419 - called often
        return (self._masks or self._find())[0].yanked if has_any else 0

    def uploaded(self, release: int) -> int:
        """Return the day of a release's first upload, counted from 1970; 0 if it is unknown."""
        if self.project.reference is not None:
            return 0
        try:
            self.project.classify(release)
        except MirrorError:
            return 0
        return self.project.view.uploads(release)[0] // _DAY

    def later_uploads(self, release: int) -> int:
        """Return the older releases, as a mask, that were uploaded on a later day, of those that are checked before a search."""
        day = self.uploaded(release) if release > self._line else 0
        if not day:
            return 0
        return mask_from(sum([1 << older for older in range(self._line, release) if day < self.uploaded(older)]))

    def has_usable(self, mask: int) -> bool:
        """Return whether the target may install a release of a mask; old ones count as usable without a look at the newest."""
        old = 0 if self._masks else mask & (1 << self._line + 1) - 2
        return bool(self._policy.allowed_releases(self.project.view.name, old, self.finals) or mask & self.usable)

    @property
    def binary(self) -> int:
        """Return the releases with a wheel for the target if these come first (``--prefer-binary``), else -1."""
        return (self._masks or self._find())[0].binary

    def _head(self) -> int:
        """Return the newest releases: those that are checked before a search."""
        return ((1 << len(self.project.view.versions)) - 1) >> self._line << self._line

    def _find(self) -> list[_Masks]:
        """Check every file kind of the newest releases once."""
        project, policy = self.project, self._policy
        view, direct, head = project.view, project.reference is not None, self._head()
        kind_sets = [(file_kinds, releases) for file_kinds, mask in view.kind_sets.items() if (releases := mask & head)]
        numbers = list(set[int]().union(*[file_kinds for file_kinds, _ in kind_sets]))  # a third of all file kinds
        ranks = self._ranks_of([view.file_kinds[number] for number in numbers])
        open_ = {number for number, rank in zip(numbers, ranks, strict=True) if rank is not None}
        unyanked = {number for number in open_ if not view.file_kinds[number].yanked}
        wheels = {number for number in open_ if view.file_kinds[number].tags != SDIST}
        usable = ((1 << len(view.versions)) - 1) & ~head
        yanked = binary = 0
        for file_kinds, releases in kind_sets:
            if not open_.isdisjoint(file_kinds):
                usable |= releases
                if unyanked.isdisjoint(file_kinds):
                    yanked |= releases
                if not wheels.isdisjoint(file_kinds):
                    binary |= releases
        # As in pip, policies select among the files of an index; they do not apply to a direct reference.
        if not direct:
            admitted, partial = policy.admitted(project, usable & head)
            usable = admitted | usable & ~head
            self.allowed.update(partial)
        usable = mask_from(usable) if direct else policy.allowed_releases(view.name, mask_from(usable), self.finals)
        self._masks.append(_Masks(usable, mask_from(yanked), mask_from(binary) if policy.prefers_binary else -1))
        return self._masks

    @property
    def is_pure(self) -> bool:
        """Return whether all wheels are for any platform: no target with the same Python can have others then."""
        view, head = self.project.view, self._head()
        numbers = set[int]().union(*[file_kinds for file_kinds, mask in view.kind_sets.items() if mask & head])
        return all(is_pure(view.file_kinds[number].tags) for number in numbers)

    def has_equals(self, release: int) -> bool:
        """Return whether other targets with the same Python have the same files of a release."""
        return self.is_shared and bool(self._head() >> release & 1)

    def _rank_by(self, rules: TargetRules, sdist: int | None, *, wheels: bool) -> None:
        self._ranks_of = partial(rules.ranks_of, sdist=sdist, wheels=wheels)
        self._distance = rules.distance

    def for_rules(self, rules: TargetRules, policy: Policy) -> Candidate:
        """Return the same releases, if ``is_pure``, for another target with the same Python; old releases by its own rules."""
        candidate = Candidate.__new__(Candidate)
        for name in Candidate.__slots__:
            setattr(candidate, name, getattr(self, name))
        candidate.forget(rules, policy)
        return candidate

    def forget(self, rules: TargetRules, policy: Policy) -> None:
        """Drop what rests on the rules of another target."""
        self._policy, self._stand_ins, self.allowed = policy, {}, dict(self.allowed)
        self._best_kinds = {release: kind for release, kind in self._best_kinds.items() if self.has_equals(release)}
        self._rank_by(rules, policy.sdist_rank(self.project.view.name), wheels=self._trusts_wheels)

    def file_kind_of(self, release: int) -> int | None:
        """Return the file kind of a release's best file, a yanked one only if all are; None if none can be installed."""
        allowed = self.allowed.get(release)
        if allowed is None and release in self._best_kinds:
            return self._best_kinds[release]
        view = self.project.view
        self.project.classify(release)
        kinds = self._admitted_kinds(release)
        allowed = self.allowed.get(release)
        numbers = [number for number in kinds if allowed is None or number in allowed]
        ranks = self._ranks_of([view.file_kinds[number] for number in numbers])
        ranked = [
            (view.file_kinds[number].yanked, rank, number)
            for number, rank in zip(numbers, ranks, strict=True)
            if rank is not None
        ]
        best = min(ranked)[2] if ranked else None
        if allowed is None:
            self._best_kinds[release] = best
        return best

    def _admitted_kinds(self, release: int) -> tuple[int, ...]:
        """Return the file kinds of a release; none if the policy refuses it, which of an old release is decided here."""
        if release < self._line and self._policy.has_guard and self.project.reference is None:
            remaining, partial = self._policy.admitted(self.project, 1 << release)
            for number, kinds in partial.items():
                self.allowed[number] = kinds & self.allowed.get(number, kinds)
            if not remaining:
                return ()
        return self.project.view.kind_set_of(release)

    def has_wheel(self, release: int) -> bool:
        """Return whether the target installs a release from a wheel."""
        file_kind = self.file_kind_of(release)
        return file_kind is not None and self.project.view.file_kinds[file_kind].tags != SDIST

    def metadata_kind(self, release: int, file_kind: int) -> int:
        """Return the file kind whose metadata is read for a release: its best file, or a wheel of another target.

        The wheels of a release have the same dependencies with rare exceptions. So if the target can install only the source
        archive, a wheel for another platform or Python is read instead of a build, unless the user refuses wheels or gives hashes.
        Targets share the metadata of the wheels of one platform, also with targets that install the source archive; offline, one
        that is in the mirror.
        """
        view = self.project.view
        tags = view.file_kinds[file_kind].tags
        if tags != SDIST and release not in self.allowed:
            if self._offline:
                file_kind = self._stored_kind(release, file_kind)
            return self._shared.metadata_kind(view.name, release, file_kind, tags) if self._shared else file_kind
        if tags != SDIST or not self._trusts_wheels or release in self.allowed:
            return file_kind
        stand_in = self._stand_ins.get(release)
        return self._stand_in(release, file_kind) if stand_in is None else stand_in

    def _stand_in(self, release: int, file_kind: int) -> int:
        """Return the wheel that is nearest to the target; one for the same system that is read in any case is as good."""
        from pipx_parallel.resolution.shared_choices import nearest_wheel  # few targets need it

        view, shared = self.project.view, self._shared
        read = () if shared is None else shared.kinds_read(view.name, release)
        nearest = nearest_wheel(view, release, self._distance, read, offline=self._offline)
        if nearest is None:
            return file_kind
        if shared is None or nearest in read:  # else other targets may yet read one that is as near
            self._stand_ins[release] = nearest
        return nearest

    def _stored_kind(self, release: int, file_kind: int) -> int:
        """Return the file kind, or a wheel for the same platform and another Python if the mirror has only that one's metadata."""
        if self.project.view.dependency_set(release, file_kind) is not None:
            return file_kind
        from pipx_parallel.resolution.shared_choices import stored_kind  # few locks need it

        return stored_kind(self.project.view, release, file_kind)
