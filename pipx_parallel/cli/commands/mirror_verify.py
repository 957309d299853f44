"""``mirror verify``: prove that whatever is re-resolved from these roots stays inside the mirror."""

from __future__ import annotations

import time
from collections import Counter
from contextlib import closing
from typing import TYPE_CHECKING

from mirror.errors import Integrity, NeedsBuild, StoreError, Withdrawn
from pipx_parallel.cli import LACKING, MISMATCH
from pipx_parallel.cli.context import CommandContext, begin, has_sources
from pipx_parallel.cli.locks import command_words
from pipx_parallel.cli.mirror_opening import opened
from pipx_parallel.cli.request import LockRequest, read_request, settings_of
from pipx_parallel.cli.wording import count
from pipx_parallel.config.option import Option
from pipx_parallel.config.options import CHOICE, INDEX, INPUT, INPUT_FILE, MIRROR, NETWORK, SOURCES, TARGET
from pipx_parallel.errors import UsageError

if TYPE_CHECKING:
    from collections.abc import Container, Mapping

    from mirror.exchange.attestation import Attestation
    from mirror.ports import Store
    from pipx_parallel.resolution.closure import DependencyClosure

CERTIFICATE = Option(
    ("--certificate",), "Write a certificate of what was checked; the mirror keeps a copy.", "path", "FILE"
)
AGAINST = Option(("--against",), "Check that what this certificate covers has not changed.", "path", "FILE")
ARCHIVES = Option(("--archives",), "Include releases that have only a source archive.", "flag")
OPTIONS = (CERTIFICATE, AGAINST, ARCHIVES, *INPUT, INPUT_FILE, *INDEX, *NETWORK, *MIRROR, *CHOICE, *TARGET)
ARGUMENTS = (SOURCES,)
_SHOWN = 5  # projects that the summary names


def run(values: Mapping[str, object]) -> int:
    """Check every record against its digest, and whether any re-resolve of the SOURCES needs only the mirror.

    Missing metadata is listed: a project page, or a release whose dependencies are not known. Exit code 0: complete; 4: metadata
    is missing; 6: a record is damaged. Without SOURCES only the records are checked. No index is asked.
    """
    from mirror.exchange.maintenance import check, damage_remedy
    from mirror.session.open_store import is_fixed, open_store  # here and below: only what this command needs

    context = begin(values, OPTIONS)
    against = context.chosen.text("against")
    settings = settings_of(context)
    with closing(open_store(settings.mirror.location)) as store:
        damages = list(check(store))
        old = sum(damage.is_old for damage in damages)
        for damage in damages:
            if not damage.is_old:
                context.printer.error(f"{damage.key}: {damage.problem}")
        if old:
            written = "was written by an older version" if old == 1 else "were written by an older version"
            context.printer.error(
                f"{count(old, 'record')} {written}: run `mirror warm` again, which fetches those that its sources need, "
                "and `mirror doctor --repair`, which deletes the others"
            )
        if len(damages) > old:
            remedy = damage_remedy(read_only=is_fixed(settings.mirror.location))
            context.printer.error(f"{count(len(damages) - old, 'damaged record')}: {remedy}")
        if damages:
            return LACKING if old == len(damages) else MISMATCH
        if against:
            return _check_certificate(context, store, against)
        if not has_sources(context):
            context.printer.say(f"all {count(sum(1 for _ in store.scan()), 'record')} verified")
            return 0
    return _check_closure(context)


def _check_closure(context: CommandContext) -> int:
    from mirror.session.open_store import open_store
    from pipx_parallel.resolution.closure import walk

    request = read_request(context)
    settings = request.settings._replace(mirror=request.settings.mirror._replace(offline=True))
    began = time.perf_counter()
    with opened(settings, context.progress) as mirror:
        try:
            archives = context.chosen.flag("archives")
            dependency_closure = walk(request.inputs, request.targets, mirror, settings, archives=archives)
        finally:
            context.progress.close()
    _print_missing(context, dependency_closure)
    with closing(open_store(settings.mirror.location)) as store:
        certificate = _attestation(request, store, dependency_closure)
        targets = ", ".join(target.label for target in request.targets)
        size = f"{count(len(dependency_closure.releases), 'project')}, {count(dependency_closure.size, 'release')}"
        if dependency_closure.left_out:
            size += f" ({dependency_closure.left_out} more have only source archives and are not covered)"
        if dependency_closure.holes:
            words = command_words(request, "mirror warm --depth closure", (*INPUT, *INDEX, *CHOICE, *TARGET))
            direct = {root.name for root in request.inputs.roots}
            context.printer.error(f"{_incomplete(dependency_closure, direct)}")
            context.printer.hint(f"fill the mirror: {words}")
            return LACKING
        if path := context.chosen.text("certificate"):
            _write(path, certificate, store)
    seconds = time.perf_counter() - began
    context.printer.say(f"complete: {size} for {targets}, mirror {certificate.digest[:16]}, in {seconds:.1f} s")
    return 0


def _incomplete(dependency_closure: DependencyClosure, direct: Container[str]) -> str:
    """Return how much is missing, of which projects (the direct ones first), and which their index does not list any more.

    What a release without metadata requires is not known, so that the total is a lower bound.
    """
    withdrawn = sorted({hole.project for hole in dependency_closure.holes if isinstance(hole.error, Withdrawn)})
    holes = [hole for hole in dependency_closure.holes if not isinstance(hole.error, Withdrawn)]
    gone = ""
    if withdrawn:
        them = "its index does not list it" if len(withdrawn) == 1 else "their indexes do not list them"
        gone = f"{', '.join(withdrawn)}: {them} any more, and what is here is what was listed before"
    if not holes:
        return f"incomplete: {gone}"
    missing = len(holes)
    total = dependency_closure.size + sum(failure.release is None for failure in holes)
    counted = Counter(failure.project for failure in holes).most_common()
    by_project = sorted(counted, key=lambda row: row[0] not in direct)
    names = ", ".join(f"{name} {number}" for name, number in by_project[:_SHOWN])
    more = len(by_project) - _SHOWN
    names += f", {count(more, 'more project')}" if more > 0 else ""
    has = "has" if missing == 1 else "have"
    reached = f"at least {max(missing, total)} releases that a re-resolve could reach"
    return f"incomplete: {missing} of {reached} {has} no metadata ({names}){f'; {gone}' if gone else ''}"


def _print_missing(context: CommandContext, dependency_closure: DependencyClosure) -> None:
    """Print a line a project with -v, and a line a release with -vv."""
    if context.printer.verbosity > 1:
        for line in hole_lines(dependency_closure):
            context.printer.trace(line)
        return
    for name, number in sorted(Counter(failure.project for failure in dependency_closure.holes).items()):
        context.printer.detail(f"missing: {name}: {count(number, 'release')}")


def hole_lines(dependency_closure: DependencyClosure) -> list[str]:
    """Return a line for each release without metadata, sorted; one whose metadata only a build can tell says so."""
    return [
        f"missing metadata: {failure.project}{' ' + failure.release if failure.release else ''}"
        + (" (only its build backend knows it)" if isinstance(failure.error, NeedsBuild) else "")
        for failure in dependency_closure.holes
    ]


def _attestation(request: LockRequest, store: Store, dependency_closure: DependencyClosure) -> Attestation:
    from mirror.exchange.attestation import certify

    roots = [root.text for root in (*request.inputs.roots, *request.inputs.constraints, *request.inputs.overrides)]
    names = (*dependency_closure.releases, *dependency_closure.absent)
    return certify(store, names, roots, [target.label for target in request.targets], dependency_closure.size)


def _write(path: str, certificate: Attestation, store: Store) -> None:
    from mirror.store.atomic import AtomicWriteError, write_file

    try:
        write_file(path, certificate.to_bytes())
    except AtomicWriteError as error:
        raise UsageError(str(error)) from error
    store.put_many({certificate.key: certificate.to_bytes()})


def _check_certificate(context: CommandContext, store: Store, path: str) -> int:
    from mirror.exchange.attestation import changed_since, from_bytes

    try:
        with open(path, "rb") as file:
            certificate = from_bytes(file.read())
    except OSError as error:
        raise StoreError(f"cannot read the certificate {path}: {error.strerror}") from error
    except ValueError as error:
        raise Integrity(f"{path}: {error}") from error
    changed = changed_since(store, certificate)
    for key in changed:
        context.printer.error(f"{key}: gone, or not what the certificate covers any more")
    if changed:
        return LACKING
    day = time.strftime("%Y-%m-%d", time.gmtime(certificate.as_of))
    context.printer.say(
        f"the certificate holds: {len(certificate.projects)} projects as of {day}, {certificate.digest[:16]}"
    )
    return 0
