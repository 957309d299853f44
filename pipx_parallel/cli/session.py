"""The session of a request: its mirror, and the resolution of all its targets."""

from __future__ import annotations

import time
from contextlib import contextmanager, suppress
from typing import TYPE_CHECKING

from mirror.errors import MirrorError, Offline
from pipx_parallel.cli import failures_code
from pipx_parallel.cli.mirror_opening import build_tools, opened, ready_beside
from pipx_parallel.cli.notices import of_pythons, pin_conditions, without_effect
from pipx_parallel.emitters.locked_files import has_strong_hashes
from pipx_parallel.errors import Incomplete, NoSolution, PipxParallelError

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator, Sequence

    from mirror.ports import Intervals
    from mirror.records.model import FetchFailure
    from mirror.session.mirror import Mirror
    from pipx_parallel.cli.mirror_opening import BuildTools
    from pipx_parallel.cli.request import LockRequest
    from pipx_parallel.model import Resolution


def resolved(request: LockRequest, *, licensed: bool = False) -> tuple[Resolution, ...]:
    """Resolve as ``resolving`` does, and wait until all that was learned is stored."""
    with resolving(request, licensed=licensed) as resolutions:
        return resolutions


@contextmanager
def resolving(
    request: LockRequest,
    *,
    hashed: bool = False,
    licensed: bool = False,
    inspect: Callable[[Mirror], None] | None = None,
) -> Iterator[tuple[Resolution, ...]]:
    """Resolve for every target; if ``settings.keep_going`` left something out, warn of all of it at once.

    With ``hashed`` every file that pip will choose gets a hash (some are downloaded), with ``licensed`` every pin its licence.
    ``inspect`` sees the mirror once its projects are known, also if there is no solution. What was learned is stored beside the
    block, and is stored when it ends.

    Raises ``NoSolution``; ``Incomplete`` with the nearest existing names added; ``MirrorError`` if the mirror cannot be used.
    """
    tools = build_tools(request.settings)
    with opened(request.settings, request.context.progress, tools) as mirror:
        # What an existing lock pins is asked for as well, so that its validation does not wait for one level of the graph
        # after the other.
        ready = ready_beside(tools.opened, request.find_targets)
        _want_inputs(request, mirror)
        ready()
        resolutions = _solved(request, mirror, tools, inspect)
        for line in (*without_effect(request, resolutions), *pin_conditions(request, resolutions)):
            request.context.printer.warn(line)
        for line in of_pythons(request.inputs.requires_python, [resolution.target for resolution in resolutions]):
            request.context.printer.warn(line)
        if hashed and not has_strong_hashes(resolutions):
            from pipx_parallel.cli.hashing import with_hashes  # few indexes state no hashes

            resolutions = with_hashes(request, resolutions, mirror)
        resolutions = _annotated(request, resolutions, mirror, licensed=licensed)
        if request.settings.selection.require_hashes:
            from pipx_parallel.resolution import hash_rules  # loaded with the solver; named where it is used

            hash_rules.refuse_unhashed(request.inputs, resolutions)
            hash_rules.refuse_uncheckable(resolutions)
        yield resolutions
        closing = time.perf_counter()
    request.context.seconds["keep"] = time.perf_counter() - closing


def _solved(
    request: LockRequest, mirror: Mirror, tools: BuildTools, inspect: Callable[[Mirror], None] | None
) -> tuple[Resolution, ...]:
    """Resolve, and warn of what is missing; ``inspect`` sees the mirror, also if there is no solution."""
    from pipx_parallel.resolution.resolve import resolve  # which a fresh --check does not need

    mirror.admin.prepare()
    try:
        resolutions = resolve(
            request.inputs, request.targets, mirror, request.settings, request.context.progress, tools.context
        )
        if missing := tuple(dict.fromkeys(failure for resolution in resolutions for failure in resolution.missing)):
            request.context.printer.warn(_report(missing, request, mirror))
            _tell_hint(missing, request)
    except Incomplete as error:
        text = _everything(error.failures, request, mirror, tools)
        raise Incomplete(error.failures, text, _hint(error.failures, request)) from error
    except NoSolution:
        if inspect is not None:
            inspect(mirror)
        _tell_missing_roots(request, mirror)
        raise
    finally:
        request.context.progress.close()
    if inspect is not None:
        inspect(mirror)
    return resolutions


def _annotated(
    request: LockRequest, resolutions: tuple[Resolution, ...], mirror: Mirror, *, licensed: bool
) -> tuple[Resolution, ...]:
    """Return the resolutions with who published each pin, and with licences, if they are asked for."""
    if request.context.chosen.flag("attestation_identities"):
        from pipx_parallel.resolution.identities import with_identities  # only if it is asked for

        resolutions, failed = with_identities(resolutions, mirror)
        for name, failure in sorted(failed.items()):
            request.context.printer.warn(f"{name} has no attestation identities in the lock: {failure}")
    if licensed:
        from pipx_parallel.resolution.licences import with_licences  # reports alone have licences

        resolutions = with_licences(resolutions, mirror)
    return resolutions


def _everything(failures: Sequence[FetchFailure], request: LockRequest, mirror: Mirror, tools: BuildTools) -> str:
    """Return a text that names every failure, and a conflict of the other requirements if it was not printed."""
    return _report(failures, request, mirror) + _conflict_beside(request, mirror, tools)


def _conflict_beside(request: LockRequest, mirror: Mirror, tools: BuildTools) -> str:
    """Resolve what is left without the missing projects, so that one run reports a conflict of the others, too.

    Print it as the resolver does; return it if it was not printed.
    """
    from pipx_parallel.console import headed  # here and below: only on the way to an error
    from pipx_parallel.resolution.resolve import resolve

    selection = request.settings.selection._replace(suggest_seconds=0.0)
    settings = request.settings._replace(keep_going=True, selection=selection)
    try:
        resolve(request.inputs, request.targets, mirror, settings, request.context.progress, tools.context)
    except NoSolution as error:
        return "" if error.is_printed else f"\n{headed(error.explanation)}"
    except (MirrorError, PipxParallelError):
        pass  # what is missing is reported anyway
    return ""


def _tell_missing_roots(request: LockRequest, mirror: Mirror) -> None:
    """Report the projects that the user names and that are missing, of those that were asked for."""
    from mirror.records.model import FetchFailure  # here and below: only on the way to an error
    from pipx_parallel.cli.error_report import code_name, kind_of_failures

    names = dict.fromkeys(root.name for root in request.inputs.roots if root.name and root.url is None)
    looked_up = [mirror.peek(name) for name in names]
    missing = [failure for failure in looked_up if isinstance(failure, FetchFailure)]
    if missing:
        request.context.printer.error(_report(missing, request, mirror), code_name(kind_of_failures(missing)))
        _tell_hint(missing, request)


def _report(failures: Sequence[FetchFailure], request: LockRequest, mirror: Mirror) -> str:
    """Return a text that names every failure."""
    from pipx_parallel.resolution.failure_report import report  # here and below: only if something is missing

    return report(failures, request.inputs, mirror.files.names)


def _hint(failures: Sequence[FetchFailure], request: LockRequest) -> str:
    """Return the command that fills the mirror if something is not in it."""
    if not any(isinstance(failure.error, Offline) for failure in failures):
        return ""
    from pipx_parallel.cli.locks import command_words
    from pipx_parallel.config.options import RESOLVE

    options = [option for option in RESOLVE if option.dest not in {"offline", "refresh"}]
    return f"with the network, this fills the mirror: {command_words(request, 'mirror warm', options)}"


def _tell_hint(failures: Sequence[FetchFailure], request: LockRequest) -> None:
    if hint := _hint(failures, request):
        request.context.printer.hint(hint)


def _want_inputs(request: LockRequest, mirror: Mirror) -> None:
    """Ask for the listings of what the inputs name and of what an existing lock pins."""
    from mirror.records.version_keys import compile_specifier  # which a fresh --check does not need

    inputs, preferred = request.inputs, request.settings.selection.preferred
    direct = {root.name for root in inputs.roots if root.url is not None}
    names = [root.name for root in inputs.roots if root.name] + sorted(preferred)
    rows = [(root.name, root.specifier) for root in (*inputs.roots, *inputs.constraints)]
    rows += [(name, f"=={version}") for name, version in preferred.items()]
    admits: dict[str, list[Intervals]] = {}
    for name, specifier in rows if not request.settings.mirror.offline else ():
        with suppress(ValueError):  # reported when it is resolved
            admits.setdefault(name, []).append(compile_specifier(specifier.replace(" ", "")).intervals)
    extras: dict[str, tuple[str, ...]] = {}
    for root in inputs.roots:
        if root.extras:
            extras[root.name] = (*extras.get(root.name, ()), *root.extras)
    mirror.want_projects([name for name in names if name not in direct], admits, extras)


def missing_code(resolutions: Sequence[Resolution]) -> int:
    """Return the exit code for missing projects; 0 if none is missing."""
    return failures_code(tuple(failure.error for resolution in resolutions for failure in resolution.missing))
