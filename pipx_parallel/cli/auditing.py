"""``audit``: the vulnerabilities of locks, and ``--fix``: a lock without them that moves the fewest pins."""

from __future__ import annotations

import shlex
from contextlib import closing
from typing import TYPE_CHECKING

from mirror.equality import NamedTuple
from mirror.errors import Offline
from mirror.keys import ADVISORIES
from mirror.policy.rules import PolicyRules
from mirror.policy.stored_knowledge import StoredKnowledge
from mirror.records.version_keys import compile_specifier
from mirror.session.open_store import open_store
from pipx_parallel.cli import changes, locks
from pipx_parallel.cli.context import begin
from pipx_parallel.cli.mirror_opening import opened
from pipx_parallel.cli.output import save
from pipx_parallel.cli.request import read_request
from pipx_parallel.cli.session import resolving
from pipx_parallel.config.options import INPUT_FILE, LOCK_OUTPUT, RESOLVE, SOURCES, UPGRADE
from pipx_parallel.locks.audit import audit, render_json
from pipx_parallel.locks.lock_diff import compare, facts_of, render_text
from pipx_parallel.locks.lock_diff import render_json as render_diff
from pipx_parallel.locks.lock_reader import read_command, read_lock
from pipx_parallel.model import Origin, RootRequirement
from pipx_parallel.resolution.fewest_moves import fewest_moves
from pipx_parallel.resolution.fixes import find_fixes, policy_for
from pipx_parallel.resolution.known_times import knowledge_of

if TYPE_CHECKING:
    from collections.abc import Collection, Mapping, Sequence

    from pipx_parallel.cli.request import LockRequest
    from pipx_parallel.config.settings import ResolveSettings
    from pipx_parallel.locks.audit import Vulnerability
    from pipx_parallel.locks.lock_diff import PinChange
    from pipx_parallel.locks.lock_reader import Lock
    from pipx_parallel.locks.paint import Paint
    from pipx_parallel.resolution.fixes import Fix

_TAKE_IN = "pipx-parallel mirror advisories update FILE-OR-URL takes in an export of OSV"
_OPTIONS = (*LOCK_OUTPUT, *UPGRADE, INPUT_FILE, *RESOLVE)
_INPUT = {SOURCES.dest, "packages", "requirement", "constraint", "extra", "group", "override", "exclude", "input_file"}


class FixedLock(NamedTuple):
    """A lock solved again: what was vulnerable, the fix of each such pin, what moved, and the vulnerabilities that are left."""

    vulnerabilities: Sequence[Vulnerability]
    fixes: Sequence[Fix]
    rows: Sequence[PinChange]
    left: Sequence[Vulnerability]


def audited(given: Sequence[tuple[str, Lock]], settings: ResolveSettings) -> list[Vulnerability]:
    """Return the vulnerabilities of locks. Raises ``Offline`` if the mirror has no advisories."""
    with closing(open_store(settings.mirror.location)) as store:
        if not store.get_many((ADVISORIES.key(""),)):
            raise Offline("the mirror has no advisories", remedy=_TAKE_IN)
        knowledge = StoredKnowledge.of_store(store)
        ignored = settings.policy.ignored_advisories if settings.policy is not None else frozenset()
        return audit(given, lambda name: knowledge.of_project(name) or (), ignored)


def fixed(path: str, text: str, vulnerabilities: Sequence[Vulnerability], values: Mapping[str, object]) -> FixedLock:
    """Solve a lock again so that no advisory concerns its pins, as far as there is a way; write it to ``-o``.

    Inputs are those of the command that a lock of this tool records. For other locks they are its own pins, without their versions.

    Raises ``NoSolution``, and what ``lock`` raises.
    """
    lock = read_lock(text, path)
    request = _request(path, text, lock, values)
    settings = request.settings
    rules = settings.policy or PolicyRules()
    affected = list(dict.fromkeys((row.name, row.version) for row in vulnerabilities))
    # Whether a rule hides a release is decided by its files: all of them are needed, of the affected projects.
    whole = settings._replace(mirror=settings.mirror._replace(keep_whole=settings.has_policy))
    with opened(whole, request.context.progress) as mirror:
        knowledge = knowledge_of(mirror, rules)
        fixes = find_fixes(affected, mirror, rules, knowledge, settings.now)
    moves = {fix.name: fix.to for fix in fixes if fix.to is not None}
    request = changes.keeping_pins(request, {path: text})
    selection = request.settings.selection
    selection = selection._replace(
        preferred={**selection.preferred, **moves},
        preferred_by_marker=tuple([pin for pin in selection.preferred_by_marker if pin.name not in moves]),
    )
    settings = request.settings._replace(selection=selection, policy=policy_for(rules, fixes, _pinned(request)))
    request = request._replace(settings=settings)
    outputs = request.context.chosen.texts("output")
    names = outputs or ("pylock.toml",)
    with resolving(_with_pins(request, path, moves)) as resolutions:
        artifacts = locks.render(request, resolutions, names)
        facts = {name: row for resolution in resolutions for name, row in facts_of(resolution).items()}
    if outputs:
        save(changes.with_line_ends(artifacts, changes.read_before(names)), request.context.seconds)
        request.context.printer.say(f"wrote: {', '.join(names)}")
    new = read_lock(artifacts[0].text, names[0])
    left = audited([(path, new)], request.settings)
    return FixedLock(vulnerabilities, fixes, compare(lock, new, facts), left)


def _pinned(request: LockRequest) -> frozenset[str]:
    """Return the projects that a line of the user pins."""
    roots = request.inputs.roots
    return frozenset(
        [row.name for row in roots if row.specifier and compile_specifier(row.specifier.replace(" ", "")).pins]
    )


def _with_pins(request: LockRequest, path: str, moves: Collection[str]) -> LockRequest:
    """Return the request with constraints that keep as many pins of the lock as there is a solution for."""
    selection = request.settings.selection
    if selection.preferred_by_marker:
        return request  # pins that differ between targets: they are kept where that is possible
    pins = {name: version for name, version in selection.preferred.items() if name not in moves}
    with opened(request.settings, request.context.progress) as mirror:
        freed = fewest_moves(request.inputs, request.targets, mirror, request.settings, pins)
    if freed is None:
        return request
    constraints = [
        RootRequirement(name, (), f"=={version}", None, None, (), Origin(path), f"{name}=={version}", constraint=True)
        for name, version in pins.items()
        if name not in freed
    ]
    inputs = request.inputs._replace(constraints=(*request.inputs.constraints, *constraints))
    return request._replace(inputs=inputs)


def render_fix(result: FixedLock, paint: Paint) -> str:
    """Return what moves, and below it what is left, with the exception that admits a hidden fix."""
    lines = [render_text(result.rows, paint)]
    for fix in result.fixes:
        ids = ", ".join(row.advisory.id for row in result.left if (row.name, row.version) == (fix.name, fix.version))
        if not ids:
            continue
        if fix.lacking is not None and fix.hidden is None:
            remedy = "the mirror lacks its metadata: run it once without --offline"
            lines.append(f"left: {fix.name} {fix.version}, {ids}: {fix.lacking} is free of advisories, but {remedy}\n")
        elif fix.hidden is None:
            lines.append(f"left: {fix.name} {fix.version}, {ids}: no release that may be used is free of advisories\n")
        else:
            lines.append(
                f"left: {fix.name} {fix.version}, {ids}: {fix.hidden} is free of advisories, but {fix.rule} refuses it: "
                f'it {fix.reason}\n  this admits exactly it: --policy-exception "{fix.exception}"\n'
            )
    return "".join(lines)


def render_fix_json(result: FixedLock) -> dict[str, object]:
    """Return the same for JSON."""
    fixes = [
        {
            "name": fix.name,
            "version": fix.version,
            "to": fix.to,
            "hidden": fix.hidden,
            "hidden-by": fix.rule or None,
            "exception": fix.exception if fix.hidden is not None else None,
        }
        for fix in result.fixes
    ]
    return {"fixes": fixes, **render_diff(result.rows), "left": render_json(result.left)["vulnerabilities"]}


def _request(path: str, text: str, lock: Lock, values: Mapping[str, object]) -> LockRequest:
    recorded = _recorded(text)
    if recorded is not None:
        inputs = {name: value for name, value in recorded.items() if name not in {"output", "format"}}
        return read_request(begin({**inputs, **values}, _OPTIONS))
    names = dict.fromkeys(package.name for package in lock.packages if package.url is None)
    request = read_request(begin({**values, "packages": tuple(names)}, _OPTIONS))
    origin = Origin(path)
    roots = tuple(
        [
            RootRequirement(package.name, (), "", package.marker, None, (), origin, package.name)
            for package in lock.packages
            if package.url is None
        ]
    )
    return request._replace(inputs=request.inputs._replace(roots=roots))


def _recorded(text: str) -> Mapping[str, object] | None:
    """Return the values of the command that a lock of this tool records; None if it records none that has sources."""
    from pipx_parallel.cli.fast import parse  # loaded by ``lock``; named where it is used

    command = read_command(text)
    words = shlex.split(command) if command else []
    values = parse(words[2:], _OPTIONS) if words[:2] == ["pipx-parallel", "lock"] else None
    return values if values is not None and any(values.get(name) for name in _INPUT) else None
