"""What has become of a pin on its index: yanked, withdrawn, changed, or of a project that is no longer active."""

from __future__ import annotations

from typing import TYPE_CHECKING

from mirror.records.wheel_variants import NOT_INSTALLABLE, only_as_variants
from pipx_parallel.model import ConditionKind, PinCondition

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator, Sequence

    from mirror.policy.upload_times import KnownTime
    from mirror.records.model import DistFile, FileSighting
    from mirror.records.release_view import ReleaseView

_STATUSES = {
    "archived": ConditionKind.ARCHIVED,
    "deprecated": ConditionKind.DEPRECATED,
    "quarantined": ConditionKind.QUARANTINED,
}


def conditions_of(
    view: ReleaseView,
    files: Sequence[DistFile],
    installable: Sequence[DistFile],
    previous: str | None,
    more: Sequence[PinCondition] = (),
) -> tuple[PinCondition, ...]:
    """Return the conditions of a pin.

    ``previous`` is the version that an existing lock has, None if it has none; ``more`` are those that the views do not show.
    """
    conditions = [*more]
    if installable and installable[0].yanked is not None:
        reason = installable[0].yanked or "no reason is stated"
        conditions.append(PinCondition(ConditionKind.YANKED, f"was yanked by its project: {reason}"))
    kind = _STATUSES.get(view.status or "")
    if kind is not None:
        conditions.append(PinCondition(kind, f"belongs to a project that is {view.status_words}"))
    if view.withdrawn is not None:
        conditions.append(
            PinCondition(
                ConditionKind.WITHDRAWN, f"belongs to a project that is withdrawn: its index {view.withdrawn.words}"
            )
        )
    if previous is not None and previous not in view.versions:
        conditions.append(
            PinCondition(
                ConditionKind.WITHDRAWN, f"replaces {previous}, which its index does not list any more (withdrawn)"
            )
        )
    if view.history:
        conditions += _changed({file.filename for file in files}, view.history)
    return tuple(conditions)


def newer_variants(view: ReleaseView, release: int, admitted: Callable[[int], int]) -> list[PinCondition]:
    """Return the condition that a newer release exists only as wheel variants; none if there is none.

    Pre-releases count if the release is one. ``admitted`` returns which releases of a mask the policy admits.
    """
    mask = only_as_variants(view) & -(2 << release)
    if not view.prereleases >> release & 1:
        mask &= ~view.prereleases
    mask = admitted(mask) if mask else 0
    newest = view.versions[mask.bit_length() - 1] if mask else ""
    return (
        [PinCondition(ConditionKind.NEWER_VARIANTS, f"is not the newest: {newest} {NOT_INSTALLABLE}")] if mask else []
    )


def of_known_time(timing: KnownTime) -> PinCondition:
    """Return the condition that the policy took an upload time that the index does not state."""
    from mirror.records.listing_views import day_of  # as below

    day, lacks = day_of(timing.seconds), "has no upload time on its index"
    if timing.index_url:
        return PinCondition(ConditionKind.JOINED_TIME, f"{lacks}; {timing.index_url} states {day} of the same file")
    return PinCondition(ConditionKind.FIRST_SEEN, f"{lacks}; this mirror first saw it on {day}, which counts instead")


def _changed(names: set[str], history: Sequence[FileSighting]) -> Iterator[PinCondition]:
    """Yield what the mirror saw change of the files of a release after it first listed it."""
    from mirror.records.listing_views import day_of  # few indexes change what they listed

    rows: dict[str, list[FileSighting]] = {}
    for row in history:
        if row.filename in names:
            rows.setdefault(row.filename, []).append(row)
    for filename, seen in rows.items():
        last = seen[-1]
        if len({row.sha256 for row in seen if row.sha256}) > 1:
            text = f"has a file whose content changed: {filename} had SHA-256 {seen[0].sha256[:16]}…"
            text += f" and has {last.sha256[:16]}… since {day_of(last.seen)}"
            yield PinCondition(ConditionKind.CHANGED_FILE, text)
        elif last.sha256:
            yield PinCondition(
                ConditionKind.LATE_FILE,
                f"has a file that was added to an old release: {filename}, on {day_of(last.seen)}",
            )
