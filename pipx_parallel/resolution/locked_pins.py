"""What has become of the pins of an existing lock, and which of them the policy refuses now; nothing is resolved.

The mirror is asked for the projects of the pins alone. Direct references are the user's own choice, and are left out.
"""

from __future__ import annotations

from typing import TYPE_CHECKING

from mirror.equality import NamedTuple
from mirror.errors import MirrorError
from mirror.records.model import FetchFailure
from mirror.records.version_keys import version_key
from pipx_parallel.model import ConditionKind, PinCondition
from pipx_parallel.resolution.pin_conditions import conditions_of, newer_variants, of_known_time

if TYPE_CHECKING:
    from collections.abc import Sequence

    from mirror.policy.decide import Admission
    from mirror.policy.upload_times import KnownTime
    from mirror.records.model import DistFile
    from mirror.records.project import Project
    from mirror.session.mirror import Mirror
    from pipx_parallel.config.settings import ResolveSettings
    from pipx_parallel.locks.lock_reader import LockedPackage
    from pipx_parallel.resolution.policy_guard import PolicyGuard

_ONLY_BINARY = "only-binary"
_GONE = PinCondition(ConditionKind.WITHDRAWN, "is not listed by its index any more (withdrawn)")


class RefusedPin(NamedTuple):
    """A pin that the policy refuses."""

    name: str
    version: str
    rule: str
    reason: str  # continues "NAME VERSION …", and names the rule

    @property
    def remedy(self) -> str:
        """Return the option that admits exactly this pin."""
        if self.rule == _ONLY_BINARY:  # formats have their own option
            return f"--no-binary {self.name}"
        return f"--policy-exception '{self.name}=={self.version} {self.rule}'"


class LockedPins(NamedTuple):
    """The state of the pins of a lock. ``unknown`` are the pins of which the mirror does not know enough."""

    conditions: tuple[tuple[str, str, PinCondition], ...]
    refused: tuple[RefusedPin, ...]
    unknown: tuple[str, ...]


def state_of(packages: Sequence[LockedPackage], mirror: Mirror, settings: ResolveSettings) -> LockedPins:
    """Return the state of the pins of a lock, sorted by name.

    Args:
        packages: The entries of the lock; several locks may be joined.
        mirror: What it knows counts; it asks its index only if its settings say so.
        settings: The policy, and the time from which its ages count.
    """
    pins: dict[tuple[str, str], set[str]] = {}
    for package in packages:
        if package.version is not None and package.url is None:
            pins.setdefault((package.name, package.version), set()).update(package.hashes)
    mirror.want_projects(dict.fromkeys(name for name, _ in pins))
    policy = _PinPolicy(mirror, settings) if settings.has_policy else None
    conditions: list[tuple[str, str, PinCondition]] = []
    refused: list[RefusedPin] = []
    unknown: list[str] = []
    for (name, version), hashes in sorted(pins.items()):
        project = mirror.project(name)
        if isinstance(project, FetchFailure):
            unknown.append(f"{name} {version}")
            continue
        release = project.view.index_of(version_key(version) or version)
        if release is None:
            rows = (*conditions_of(project.view, (), (), None), _GONE)
            conditions += [(name, version, row) for row in dict.fromkeys(rows)]
            continue
        try:
            conditions += [(name, version, row) for row in _conditions(mirror, project, release, hashes, policy)]
            refusal = None if policy is None else policy.refusal(project, release, hashes)
        except MirrorError:  # its files are not here
            unknown.append(f"{name} {version}")
            continue
        if refusal is not None and refusal.rule is not None:
            refused.append(RefusedPin(name, version, refusal.rule.value, refusal.words))
    return LockedPins(tuple(conditions), tuple(refused), tuple(unknown))


def _conditions(
    mirror: Mirror, project: Project, release: int, hashes: set[str], policy: _PinPolicy | None
) -> tuple[PinCondition, ...]:
    view = project.view
    more = newer_variants(view, release, lambda mask: mask if policy is None else policy.admitted(project, mask))
    yanked = release >= view.classified and any(view.file_kinds[kind].yanked for kind in view.kind_set_of(release))
    timed = policy is not None and policy.knows_times
    if not (
        yanked or more or timed or view.history or view.withdrawn is not None or view.status not in {None, "active"}
    ):
        return ()
    files = mirror.files.read(project, release) if yanked or timed or view.history else ()
    locked = sorted(_locked(files, hashes), key=lambda file: file.yanked is None)
    if (
        policy is not None
        and timed
        and locked
        and (timing := policy.known_time(project, release, locked[0])) is not None
    ):
        more.append(of_known_time(timing))
    return conditions_of(view, files, locked, None, more)


def _locked(files: Sequence[DistFile], hashes: set[str]) -> list[DistFile]:
    """Return the files that the lock names by a hash; all of the release if it names none."""
    named = [file for file in files if any(f"{kind}:{value}" in hashes for kind, value in file.hashes)]
    return named or [*files]


class _PinPolicy:
    """The policy as it concerns pins."""

    def __init__(self, mirror: Mirror, settings: ResolveSettings) -> None:
        from mirror.policy.rules import PolicyRules  # here and below: only for runs with a policy
        from pipx_parallel.resolution.known_times import knowledge_of
        from pipx_parallel.resolution.policy_guard import PolicyGuard, rules_of

        self._mirror = mirror
        self._now = settings.now
        self._rules = settings.policy or PolicyRules()
        rules, selection = rules_of(settings), settings.selection
        knowledge = knowledge_of(mirror, rules)
        self.knows_times = knowledge.knows_times
        self._guard = PolicyGuard(rules, settings.now, knowledge)
        formats = rules._replace(only_binary=selection.only_binary, no_binary=selection.no_binary)
        self._formats = PolicyGuard(formats, settings.now, knowledge) if selection.only_binary else None

    def admitted(self, project: Project, mask: int) -> int:
        """Return the releases of a mask that are admitted."""
        return self._guard.admitted(project, mask)[0]

    def known_time(self, project: Project, release: int, file: DistFile) -> KnownTime | None:
        """Return the upload time of a file whose index states none; None if it states it, or nobody knows it."""
        return self._guard.facts_of(project.view.name, project.view.versions[release], file).known

    def refusal(self, project: Project, release: int, hashes: set[str]) -> Admission | None:
        """Return why a pin is refused: for one of its files, or as none may be installed. May raise ``MirrorError``."""
        view = project.view
        project.classify(release)
        files = _locked(self._mirror.files.read(project, release), hashes)
        whole = _whole(self._guard, project, release)
        by_file = [self._guard.decide_file(view.name, view.versions[release], file) for file in files]
        if whole is not None or hashes:  # a file has the reason of its yank, the release has not
            whole = next((row for row in by_file if not row.admitted), whole)
        if whole is None and self._formats is not None:
            _whole(self._formats, project, release)
            by_format = [self._formats.decide_file(view.name, view.versions[release], file) for file in files]
            whole = by_format[0] if by_format and not any(row.admitted for row in by_format) else None
        return whole or self._of_licence(project, release)

    def _of_licence(self, project: Project, release: int) -> Admission | None:
        if not self._rules.checks_licences:
            return None
        from pipx_parallel.resolution.licences import licence_refusal  # few policies check licences

        (licence,) = self._mirror.records.licences([(project, release)])
        return licence_refusal(project.view.name, project.view.versions[release], licence, self._rules, self._now)


def _whole(guard: PolicyGuard, project: Project, release: int) -> Admission | None:
    """Return why a release is refused as a whole."""
    remaining, _ = guard.admitted(project, 1 << release)
    return None if remaining else guard.refusal(project.view.name, release)
