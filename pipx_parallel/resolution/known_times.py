"""What a mirror knows beyond pages, for the policy of a run: upload times that an index does not state among it."""

from __future__ import annotations

from typing import TYPE_CHECKING

from mirror.errors import MirrorError
from mirror.policy.stored_knowledge import StoredKnowledge
from mirror.records.project import Project

if TYPE_CHECKING:
    from collections.abc import Callable

    from mirror.policy.rules import PolicyRules
    from mirror.policy.upload_times import UploadTimes, Witness
    from mirror.session.mirror import Mirror


def knowledge_of(mirror: Mirror, rules: PolicyRules) -> StoredKnowledge:
    """Return what is known to a run: of upload times also what it has fetched and not stored yet."""
    several = len(mirror.settings.indexes) > 1
    times = _times(mirror, rules) if rules.reads_times and (several or rules.first_seen) else None
    return StoredKnowledge(mirror.records.read, times)


def _times(mirror: Mirror, rules: PolicyRules) -> UploadTimes:
    from mirror.policy.upload_times import UploadTimes, Witness, sightings  # few indexes state no upload times

    def witnesses(name: str) -> list[Witness]:
        project = mirror.peek(name)
        own = project.sources() if isinstance(project, Project) else ()
        projects = (*own, *mirror.report.later_projects(name))
        return [Witness(row.index_url, row.view.keys, _reader(row)) for row in projects]

    seen = sightings(mirror.records.read, mirror.settings.indexes_of) if rules.first_seen else None
    return UploadTimes(witnesses, seen)


def _reader(project: Project) -> Callable[[int], bytes | None]:
    def read(release: int) -> bytes | None:
        try:
            return project.file_slice(release)
        except MirrorError:  # another index is no reason to fail: its times are not known then
            return None

    return read
