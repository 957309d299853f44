"""Changes of one line of the input that may lead to a solution."""

from __future__ import annotations

from typing import TYPE_CHECKING

from mirror.equality import NamedTuple
from mirror.names import with_extras
from mirror.records.version_keys import compile_specifier
from pipx_parallel.model import Offer
from pipx_parallel.resolution.candidate import Candidate
from pipx_parallel.resolution.wording import asked_text
from pipx_parallel.resolver.masks import bit_of
from pipx_parallel.resolver.terms import Required

if TYPE_CHECKING:
    from collections.abc import Iterator, Sequence

    from pipx_parallel.config.settings import ResolveSettings
    from pipx_parallel.model import Inputs, RootRequirement, Target
    from pipx_parallel.resolution.explain import Explanation


class Situation(NamedTuple):
    """The arguments of a resolve: inputs, target and settings."""

    inputs: Inputs
    target: Target
    settings: ResolveSettings


class Change(NamedTuple):
    """A situation with one change, and its offer.

    ``shows`` is the project whose new version is reported. Of the changes of one ``group`` only the first with a solution is
    offered. ``others`` must have a solution, too.
    """

    offer: Offer
    situation: Situation
    shows: str = ""
    group: str = ""
    others: tuple[Situation, ...] = ()


def without_hashes(lines: Sequence[RootRequirement], situation: Situation) -> Iterator[Change]:
    """Yield each line without its hashes."""
    for line in lines:
        if line.hashes:
            text = asked_text(line)
            offer = Offer("line", f"{line.origin}: write {text} without its --hash", str(line.origin), line.text, text)
            yield Change(offer, _with_line(situation, line, line._replace(hashes=(), text=text)))


def pins_of_yanked(argument: Explanation, situation: Situation) -> Iterator[Change]:
    """Yield pins of yanked releases, for ranges without other releases: only a pin may select a yanked release."""
    for used in argument.facts:
        if used.allowed or not isinstance(used.cause, Required):
            continue
        line = argument.wording.line(used.cause.label)
        candidate = argument.wording.candidates.candidate(line.name)
        if not isinstance(candidate, Candidate):
            continue
        intervals = compile_specifier(line.specifier.replace(" ", "")).intervals
        keys, yanked = candidate.project.view.keys, candidate.yanked & candidate.usable
        fitting = [
            release
            for release, key in enumerate(keys)
            if yanked >> bit_of(release) & 1 and any(low <= key < high for low, high in intervals)
        ]
        if fitting:
            pin = f"=={candidate.project.view.versions[fitting[-1]]}"
            change = _rewritten(situation, line, line._replace(specifier=pin), ", a yanked release")
            yield change._replace(shows="")


def declared_conflicts(lines: Sequence[RootRequirement], situation: Situation) -> Iterator[Change]:
    """Yield the declaration that the extras and groups of these lines conflict: each has a solution without the others."""
    parts = list(dict.fromkeys(line.origin.part for line in lines if line.origin.part is not None))
    if len(parts) < 2:
        return
    inputs = situation.inputs
    apart = []
    for part in parts:
        others = set(parts) - {part}
        # A part that includes one of these has the same line, and inherits the conflict.
        written = {_key(line) for line in lines if line.origin.part in others}
        roots = [root for root in inputs.roots if root.origin.part not in others and _key(root) not in written]
        apart.append(situation._replace(inputs=inputs._replace(roots=tuple(roots))))
    row = "[" + ", ".join(f'{{ {part.kind} = "{part.name}" }}' for part in parts) + "]"
    has_others = inputs.parts is not None and bool(inputs.parts.conflicts)
    after = row if has_others else f"conflicts = [{row}]"
    text = f"[tool.pipx-parallel]: {'add to conflicts' if has_others else 'add'} {after}, and they are resolved apart"
    yield Change(Offer("setting", text, after=after), apart[0], others=tuple(apart[1:]))


def without_torn_parts(lines: Sequence[RootRequirement], situation: Situation) -> Iterator[Change]:
    """Yield the input without an extra or group of these lines that includes two which conflict."""
    inputs = situation.inputs
    for part, first, second in inputs.parts.torn if inputs.parts is not None else ():
        if any(line.origin.part == part for line in lines):
            roots = tuple([root for root in inputs.roots if root.origin.part != part])
            text = f"{part} includes {first} and {second}, which conflict: change what it includes, or lock the others by name"
            yield Change(Offer("setting", text), situation._replace(inputs=inputs._replace(roots=roots)))


def relaxed(lines: Sequence[RootRequirement], situation: Situation) -> Iterator[Change]:
    """Yield each line without one of its clauses, then without all; the last line first, as it most likely changed last."""
    bounded = [line for line in reversed(lines) if line.specifier]
    for line in bounded:
        clauses = [part.strip() for part in line.specifier.split(",")]
        for index in range(len(clauses)) if len(clauses) > 1 else ():
            remaining = ",".join(clauses[:index] + clauses[index + 1 :])
            yield _rewritten(situation, line, line._replace(specifier=remaining))
        yield _rewritten(situation, line, line._replace(specifier=""))


def without_extras(lines: Sequence[RootRequirement], situation: Situation) -> Iterator[Change]:
    """Yield each line without one of its extras."""
    for line in lines:
        for extra in line.extras:
            remaining = tuple(other for other in line.extras if other != extra)
            yield _rewritten(situation, line, line._replace(extras=remaining))


def without(lines: Sequence[RootRequirement], situation: Situation) -> Iterator[Change]:
    """Yield the input without one of the lines, the last line first."""
    for line in reversed(lines):
        text = asked_text(line)
        offer = Offer("line", f"{line.origin}: remove {text}", str(line.origin), line.text, "")
        yield Change(offer, _with_line(situation, line, None), group=f"{line.origin} {line.name}")


def _key(line: RootRequirement) -> tuple[str, int | None, str]:
    return line.origin.source, line.origin.line, line.text


def _rewritten(situation: Situation, before: RootRequirement, after: RootRequirement, note: str = "") -> Change:
    written = asked_text(before)
    text = f"{with_extras(before.name, after.extras)}{after.specifier}"
    if before.constraint and not after.specifier:
        offer = Offer("line", f"{before.origin}: remove the constraint {written}", str(before.origin), before.text, "")
        return Change(offer, _with_line(situation, before, None), before.name, f"{before.origin} {before.name}")
    offer = Offer("line", f"{before.origin}: change {written} to {text}{note}", str(before.origin), before.text, text)
    return Change(
        offer, _with_line(situation, before, after._replace(text=text)), before.name, f"{before.origin} {before.name}"
    )


def _with_line(situation: Situation, before: RootRequirement, after: RootRequirement | None) -> Situation:
    inputs = situation.inputs

    def changed(rows: Sequence[RootRequirement]) -> tuple[RootRequirement, ...]:
        replaced = [(after if row == before else row) for row in rows]
        return tuple(row for row in replaced if row is not None)

    return situation._replace(
        inputs=inputs._replace(roots=changed(inputs.roots), constraints=changed(inputs.constraints))
    )
