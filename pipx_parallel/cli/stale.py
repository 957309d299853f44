"""Refuse a lock that is out of date, and name the command or the target that it was made with if that is another one."""

from __future__ import annotations

from typing import TYPE_CHECKING

from pipx_parallel.cli import changes
from pipx_parallel.emitters.plain_text import one_line
from pipx_parallel.errors import RequirementsError, StaleLock
from pipx_parallel.locks.lock_reader import read_command, read_pins

if TYPE_CHECKING:
    from collections.abc import Iterator, Sequence

    from pipx_parallel.model import Artifact

_TARGETS = "--python-version, --platform and --universal name targets, also in [tool.pipx-parallel] of pyproject.toml"


def refuse_stale(before: changes.Before, artifacts: Sequence[Artifact]) -> None:
    """Raise ``StaleLock`` if an output would change; of one for another target, this is the reason."""
    reasons: list[str] = []
    hints: list[str] = []
    for artifact in artifacts:
        if own := changes.stale_reasons(before, [artifact]):
            old = before.get(artifact.name) or ""
            targets = list(_other_target(artifact, old))
            reasons += targets or own
            hints += [f"{line}; without --check, this command replaces it" for line in _other_command(artifact, old)]
            hints += [_TARGETS] * bool(targets)
    if reasons:
        raise StaleLock(reasons, hints[0] if hints else "")


def losing(before: changes.Before, artifacts: Sequence[Artifact]) -> Iterator[str]:
    """Yield a line for each lock of another command that loses packages: options were perhaps forgotten."""
    for artifact in artifacts:
        old = before.get(artifact.name) or ""
        for line in _other_command(artifact, old):
            if _names(old, artifact.name) - _names(artifact.text, artifact.name):
                yield line


def _other_command(artifact: Artifact, old: str) -> Iterator[str]:
    """Yield which command made a lock, if its sources or options are not those of this one. Outputs do not count."""
    theirs, ours = read_command(old), read_command(artifact.text)
    if theirs and ours and _words(theirs) != _words(ours):
        yield one_line(f"{artifact.name} was made by another command: {theirs}")


def _words(command: str) -> list[str]:
    return sorted(word for word in command.split() if not word.startswith("--output-file="))


def _other_target(artifact: Artifact, old: str) -> Iterator[str]:
    """Yield for which targets a lock is, if this command is for others."""
    if change := changes.changed_targets(old, artifact.text):
        yield one_line(f"{artifact.name} is for {change[0]}, and this command for {change[1]}")


def _names(text: str, name: str) -> set[str]:
    try:
        return {pin.name for pin in read_pins(text, name)}
    except RequirementsError:
        return set()
