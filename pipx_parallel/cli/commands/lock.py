"""``lock``: resolve sources and write lock files; existing pins are kept."""

from __future__ import annotations

from typing import TYPE_CHECKING

from pipx_parallel.cli import account, changes, locks, notices
from pipx_parallel.cli.context import begin
from pipx_parallel.cli.output import save, show
from pipx_parallel.cli.request import read_request
from pipx_parallel.cli.session import missing_code, resolving
from pipx_parallel.config.options import INPUT_FILE, LOCK_OUTPUT, RESOLVE, SOURCES, UPGRADE
from pipx_parallel.errors import UsageError

if TYPE_CHECKING:
    from collections.abc import Callable, Mapping, Sequence

    from mirror.session.mirror import Mirror
    from pipx_parallel.cli.request import LockRequest
    from pipx_parallel.model import Artifact, Resolution

OPTIONS = (*LOCK_OUTPUT, *UPGRADE, INPUT_FILE, *RESOLVE)
ARGUMENTS = (SOURCES,)


def run(values: Mapping[str, object]) -> int:
    """Resolve requirements and write lock files.

    SOURCE: requirements file, pyproject.toml, script, folder, lock, or "-".

    Without one, requirements.in, requirements.txt or pyproject.toml of this folder is read; files that a tool generated are not.

    The name of an output selects its format: pylock.toml and pylock.NAME.toml, *.txt, *.sh, *.ps1, *.json, *.cdx.json.
    Without -o, pylock.toml is written beside the first source, pylock.NAME.toml for NAME.in and requirements-NAME.in;
    --packages, standard input and --format alone write to standard output. All outputs are written, or none.
    """
    context = begin(values, OPTIONS)
    request = read_request(context)
    chosen = context.chosen
    names = locks.names_of(chosen, request.sources)
    checks = chosen.flag("check")
    shows = notices.shows_diff(chosen)
    if checks and names == (locks.STDOUT,):
        raise UsageError("--check compares with a file: name it with -o")
    locks.check_names(names, chosen, written=not (checks or shows))
    locks.refuse_inputs(names, request)
    locks.refuse_conflicts(names, request)
    before = changes.read_before(names)
    if checks:
        notices.refuse_pythons(request)
    if checks and _is_fresh(request, before):
        context.printer.say(f"fresh: {', '.join(names)}")
        return 0
    request = changes.keeping_pins(request, before)
    if line := notices.kept_against_resolution(request):
        context.printer.warn(line)
    hashed, licensed = locks.need_hashes(names, chosen), locks.need_licences(names, chosen)
    inspect = _inspector(request, before) if request.settings.has_policy and any(before.values()) else None
    with resolving(request, hashed=hashed, licensed=licensed, inspect=inspect) as resolutions:
        for line in notices.of_upgrades(changes.upgrade_roots(request), before, resolutions):
            context.printer.warn(line)
        artifacts = changes.with_line_ends(locks.render(request, resolutions, names), before)
        text = changes.difference(request, before, artifacts, resolutions) if shows else ""
    if shows:
        show(text)
    if checks:
        _refuse_stale(before, artifacts)
    if checks and not shows:
        context.printer.say(f"fresh: {', '.join(names)}")
    if not checks and not shows:
        save(artifacts, context.seconds)
        _tell_written(request, before, artifacts, resolutions)
    account.tell_quality(request, resolutions)
    account.tell_cost(request, resolutions)
    return missing_code(resolutions)


def _is_fresh(request: LockRequest, before: changes.Before) -> bool:
    """Return whether the locks are what their inputs lead to, without resolving; say what has become of their pins."""
    chosen = request.context.chosen
    if (
        chosen.flag("diff")
        or chosen.flag("refresh")
        or changes.upgrades(chosen)
        or not changes.all_fresh(request, before)
    ):
        return False
    from pipx_parallel.cli.pin_check import tell_unresolved  # only for a lock that is fresh

    return tell_unresolved(request, before)


def _refuse_stale(before: changes.Before, artifacts: Sequence[Artifact]) -> None:
    from pipx_parallel.cli.stale import refuse_stale  # only for a lock that was resolved again

    refuse_stale(before, artifacts)


def _tell_written(
    request: LockRequest, before: changes.Before, artifacts: Sequence[Artifact], resolutions: Sequence[Resolution]
) -> None:
    done = changes.summary(before, artifacts)
    request.context.printer.say(f"locked {account.measure(request, resolutions)}{done and '; '}{done}")
    if any(before.get(artifact.name) != artifact.text for artifact in artifacts):
        for line in notices.of_left_out(request.inputs.left_out):
            request.context.printer.say(line)
    if any(before.get(artifact.name) not in {None, artifact.text} for artifact in artifacts):
        from pipx_parallel.cli.stale import losing  # only if a lock changes

        for line in losing(before, artifacts):
            request.context.printer.say(line)


def _inspector(request: LockRequest, before: changes.Before) -> Callable[[Mirror], None]:
    from pipx_parallel.cli.pin_check import inspector  # only with a policy

    checks = request.context.chosen.flag("check")
    if checks:  # a pin that the policy refuses is the better error, and comes later
        request.context.progress.explains = False
    return inspector(request, before, checks=checks)
