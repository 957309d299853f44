"""What outputs hold already, against what they would hold now: kept pins, freshness, staleness, differences."""

from __future__ import annotations

import os
import re
from itertools import islice
from typing import TYPE_CHECKING

from pipx_parallel.cli import locks
from pipx_parallel.cli.account import shortened
from pipx_parallel.emitters.plain_text import one_line
from pipx_parallel.errors import RequirementsError, UsageError
from pipx_parallel.locks.lock_reader import Lock, read_digest, read_lock, read_pins, read_targets
from pipx_parallel.model import Origin

if TYPE_CHECKING:
    from collections.abc import Mapping, Sequence

    from pipx_parallel.cli.request import LockRequest
    from pipx_parallel.config.layers import Chosen
    from pipx_parallel.console import Printer
    from pipx_parallel.locks.lock_diff import Facts, PinChange
    from pipx_parallel.model import Artifact, KeptPin, Resolution, RootRequirement

Before = dict[str, str | None]  # the text each output holds now; None if there is none
_SHOWN = 10  # changes that a message names before it counts the rest


def read_before(names: Sequence[str]) -> Before:
    """Return what the outputs hold now."""
    return {name: locks.existing(name) for name in names}


def all_fresh(request: LockRequest, before: Before) -> bool:
    """Return whether every output was made from just these inputs, settings and targets, and is as it was: nothing to resolve."""
    from pipx_parallel.emitters.digest import input_digest, is_sealed  # a --check that need not resolve loads no more

    if not _paths_exist(request):
        return False  # the lock may be of another checkout: locking again names what is gone
    wanted = input_digest(locks.context_of(request), request.targets)
    digests = [(text, read_digest(text)) for text in before.values() if text is not None]
    return len(digests) == len(before) and all(digest and is_sealed(text, digest, wanted) for text, digest in digests)


def _paths_exist(request: LockRequest) -> bool:
    """Return whether the local folders and files that the inputs name are there."""
    urls = [root.url for root in (*request.inputs.roots, *request.inputs.constraints) if root.url]
    local = [url.partition("#")[0] for url in urls if url.startswith("file:")]
    if not local:
        return True
    from mirror.urls import path_of  # few inputs name local paths

    return all(os.path.exists(path_of(url)) for url in local)


def upgrades(chosen: Chosen) -> bool:
    """Return whether existing pins are asked to move: a lock that matches its inputs may then still change."""
    return chosen.flag("upgrade") or bool(chosen.texts("upgrade_package") or chosen.texts("upgrade_group"))


def keeping_pins(request: LockRequest, before: Before) -> LockRequest:
    """Return the request with the pins that outputs hold as its preferences, but for those that are to move.

    ``-P name<3`` also bounds the project. An output that is no lock has no pins, which is said. Raises ``RequirementsError``
    for a -P that is not a valid requirement.
    """
    settings = request.settings
    moving = [*upgrade_roots(request), *_of_groups(request)]
    bounds = [root for root in moving if root.specifier and root.constraint]
    inputs = request.inputs._replace(constraints=(*request.inputs.constraints, *bounds))
    if request.context.chosen.flag("upgrade"):
        return request._replace(inputs=inputs)
    pinned: dict[str, list[KeptPin]] = {}
    for name, text in before.items():
        pins: dict[str, list[KeptPin]] = {}
        for pin in _pins(name, text, request.context.printer):
            pins.setdefault(pin.name, []).append(pin)
        pinned = {**pins, **pinned}
    for root in moving:
        pinned.pop(root.name, None)
    selection = settings.selection._replace(
        preferred={name: pins[0].version for name, pins in pinned.items()},
        preferred_by_marker=tuple(pin for pins in pinned.values() for pin in pins if pin.marker is not None),
    )
    return request._replace(inputs=inputs, settings=settings._replace(selection=selection))


def with_line_ends(artifacts: Sequence[Artifact], before: Before) -> tuple[Artifact, ...]:
    """Return the artifacts with the line ends of the files they replace; a shell script always has LF."""
    return tuple(
        artifact._replace(text=artifact.text.replace("\n", "\r\n"))
        if "\r\n" in (before.get(artifact.name) or "") and not artifact.name.endswith(".sh")
        else artifact
        for artifact in artifacts
    )


def stale_reasons(before: Before, artifacts: Sequence[Artifact]) -> list[str]:
    """Return why outputs are out of date, a line each; nothing if all would be written as they are.

    Digest and command do not count: a lock is up to date if only a comment of an input changed.
    """
    reasons = []
    for artifact in artifacts:
        text = before.get(artifact.name)
        if text is None:
            reasons.append(f"{artifact.name} does not exist")
        elif what := _what_changes(artifact.name, text, artifact.text):
            reasons.append(f"{artifact.name} is out of date: {what[0]}")
    return reasons


def changed_targets(old: str, new: str) -> tuple[str, str] | None:
    """Return for which targets a lock is and would be; None if they are the same, or not stated."""
    theirs, ours = read_targets(old), read_targets(new)
    return (shortened(theirs), shortened(ours)) if theirs and ours and theirs != ours else None


def difference(
    request: LockRequest, before: Before, artifacts: Sequence[Artifact], resolutions: Sequence[Resolution]
) -> str:
    """Return what would change, against the first output that exists, as text, JSON or Markdown."""
    from pipx_parallel.locks import lock_diff  # only if something changed

    artifact = next((output for output in artifacts if before.get(output.name) is not None), artifacts[0])
    facts = {name: fact for resolution in resolutions for name, fact in lock_diff.facts_of(resolution).items()}
    rows = _rows(artifact.name, before.get(artifact.name), artifact.text, facts)
    others = _beside_pins(before, artifacts, artifact, rows)
    conditions = lock_diff.conditions_of(resolutions)
    match request.context.chosen.text("diff_format"):
        case "json":
            import json  # this format's own

            return json.dumps(lock_diff.render_json(rows, conditions, others), indent=2) + "\n"
        case "markdown":
            return lock_diff.render_markdown(rows, others)
        case _:
            paint = request.context.paint
            return lock_diff.render_text(rows, paint, others) + lock_diff.render_conditions(conditions, paint)


def summary(before: Before, artifacts: Sequence[Artifact]) -> str:
    """Return in a few words what writing these changed: "unchanged", "wrote: …", with the counts of changed pins."""
    files = [artifact for artifact in artifacts if artifact.name != locks.STDOUT]
    names = ", ".join(artifact.name for artifact in files)
    if all(before.get(artifact.name) == artifact.text for artifact in files):
        return f"unchanged: {names}" if files else ""
    changed = next((output for output in files if before.get(output.name) not in {None, output.text}), None)
    if changed is None:
        return f"wrote: {names}"
    old = before[changed.name] or ""
    if _content(old) == _content(changed.text):
        return f"wrote: {names} (no changes)"  # only the digest or the command differs: nothing to read
    from pipx_parallel.locks.lock_diff import summary as counted  # only if something changed

    rows = _rows(changed.name, old, changed.text)
    moved = [row for row in rows if row.before and row.after and row.before != row.after]
    targets = changed_targets(old, changed.text)
    what = f"{counted(rows)}{': ' if moved else ''}{_named(moved)}" if rows else "pins unchanged"
    what += f"; for {targets[1]}, was for {targets[0]}" if targets else ""
    return f"wrote: {names} ({what})"


def upgrade_roots(request: LockRequest) -> list[RootRequirement]:
    """Return the requirements of ``-P`` as constraints. Raises ``RequirementsError`` and ``UsageError``."""
    asked = request.context.chosen.texts("upgrade_package")
    if not asked:
        return []
    from pipx_parallel.requirements.files import FileReader  # only with -P
    from pipx_parallel.requirements.requirement_lines import parse_text  # as above

    roots = [parse_text(text, Origin("--upgrade-package"), FileReader())._replace(constraint=True) for text in asked]
    if any(root.url is not None or not root.name for root in roots):
        raise UsageError("--upgrade-package: give the name of a project, with a bound if you like: name<3")
    return roots


def _of_groups(request: LockRequest) -> Sequence[RootRequirement]:
    """Return what the groups of ``--upgrade-group`` ask for, of the first project among the sources or of this folder."""
    groups = request.context.chosen.texts("upgrade_group")
    if not groups:
        return ()
    from pipx_parallel.requirements.files import FileReader  # only with --upgrade-group
    from pipx_parallel.requirements.load import InputRequest, load_inputs  # as above

    project = next((source for source in request.sources if source.endswith("pyproject.toml")), "pyproject.toml")
    asked = [group if ":" in group else f"{project}:{group}" for group in groups]
    return load_inputs(InputRequest((), groups=asked), environ={}, reader=FileReader()).roots


def _pins(name: str, text: str | None, printer: Printer) -> tuple[KeptPin, ...]:
    if not text:
        return ()
    try:
        return read_pins(text, name)
    except RequirementsError:
        printer.warn(f"{name} cannot be read as a lock; it is replaced, and none of its pins is kept")
        return ()


def _rows(name: str, old: str | None, new: str, facts: Mapping[str, Facts] | None = None) -> tuple[PinChange, ...]:
    from pipx_parallel.locks.lock_diff import compare  # only if something changed

    after = read_lock(new, name)
    try:
        before = Lock(after.kind, ()) if old is None else read_lock(old, name)
    except RequirementsError:
        before = Lock(after.kind, ())
    return compare(before, after, facts)


def _what_changes(name: str, old: str, new: str) -> list[str]:
    """Return what changes in one output, beyond its digest and command: its targets and pins, else its lines."""
    old_content, new_content = _content(old), _content(new)
    if old_content == new_content:
        return []
    targets = changed_targets(old, new)
    what = [f"it is for {targets[0]}, and would be for {targets[1]}"] if targets else []
    what += filter(None, [_named(_rows(name, old, new))])
    if what:
        return what
    from pipx_parallel.locks.line_changes import changed_lines  # only if a line differs that is no pin

    lines = changed_lines(old_content, new_content)
    first = [*islice(lines, _SHOWN)]
    hidden = sum(1 for _ in lines)
    return [*first, *[f"{hidden} more lines"] * (hidden > 0)]


def _beside_pins(
    before: Before, artifacts: Sequence[Artifact], shown: Artifact, rows: Sequence[PinChange]
) -> list[str]:
    """Return what changes in the outputs besides these pins of the one that is shown, a line each."""
    if before.get(shown.name) is None:
        return []  # none exists
    lines, pins = [], _named(rows)
    for artifact in artifacts:
        old = before.get(artifact.name)
        what = ["does not exist"] if old is None else _what_changes(artifact.name, old, artifact.text)
        if artifact is shown and rows and old is not None:  # its lines are those of its pins
            what = what[:1] if changed_targets(old, artifact.text) else []
        lines += [one_line(f"{artifact.name}: {row}") for row in what if row != pins]
    return lines


def _named(rows: Sequence[PinChange]) -> str:
    words = [_change(row) for row in rows if row.before != row.after]
    hidden = len(words) - _SHOWN
    return ", ".join([*words[:_SHOWN], *[f"and {hidden} more"] * (hidden > 0)])


def _change(row: PinChange) -> str:
    if row.before is None:
        return f"add {row.name} {row.after}"
    if row.after is None:
        return f"remove {row.name} {row.before}"
    return f"{row.name} {row.before} → {row.after}"


def _content(text: str) -> str:
    """Return the text without its digest and its command, and with one kind of line ends."""
    plain = text.replace("\r\n", "\n")
    digest = read_digest(plain)
    plain = plain.replace(digest, "", 1) if digest else plain
    return re.sub(r'(?m)^(?:#    |command = | *"command": | *"value": "pipx-parallel lock).*$', "", plain, count=1)
