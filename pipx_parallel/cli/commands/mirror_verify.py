"""``mirror verify``: prove that whatever is re-resolved from these roots stays inside the mirror."""

from __future__ import annotations

import time
from typing import TYPE_CHECKING

from mirror.errors import Integrity, NeedsBuild, StoreError
from pipx_parallel.cli import LACKING, MISMATCH
from pipx_parallel.cli.context import CommandContext, begin
from pipx_parallel.cli.mirror_opening import opened
from pipx_parallel.cli.request import LockRequest, read_request, settings_of
from pipx_parallel.config.option import Option
from pipx_parallel.config.options import CHOICE, INDEX, INPUT, INPUT_FILE, MIRROR, NETWORK, SOURCES, TARGET
from pipx_parallel.errors import UsageError

if TYPE_CHECKING:
    from collections.abc import Mapping

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


def run(values: Mapping[str, object]) -> int:
    """Check every record against its digest, and whether any re-resolve of the SOURCES needs only the mirror.

    Missing metadata is listed: a project page, or a release whose dependencies are not known. Exit code 0: complete; 4: metadata
    is missing; 6: a record is damaged. Without SOURCES only the records are checked. No index is asked.
    """
    from mirror.exchange.maintenance import check
    from mirror.session.open_store import open_store  # here and below: only what this command needs

    context = begin(values, OPTIONS)
    against = context.chosen.text("against")
    settings = settings_of(context)
    store = open_store(settings.mirror.location)
    try:
        damages = list(check(store))
        for damage in damages:
            context.printer.error(f"{damage.key}: {damage.problem}")
        if damages:
            return MISMATCH
        if against:
            return _check_certificate(context, store, against)
    finally:
        store.close()
    if not (context.sources or context.chosen.texts("requirement") or context.chosen.texts("packages")):
        context.printer.say("every record has the bytes that its digest was made of")
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
    for line in hole_lines(dependency_closure):
        context.printer.error(line)
    store = open_store(settings.mirror.location)
    try:
        certificate = _attestation(request, store, dependency_closure)
        targets = ", ".join(target.label for target in request.targets)
        size = f"{len(dependency_closure.releases)} projects, {dependency_closure.size} releases"
        size += (
            f" ({dependency_closure.left_out} more are only source archives and not covered)"
            if dependency_closure.left_out
            else ""
        )
        if dependency_closure.holes:
            context.printer.say(
                f"{len(dependency_closure.holes)} holes in {size} for {targets}; fill them: mirror warm --depth closure"
            )
            return LACKING
        if path := context.chosen.text("certificate"):
            _write(path, certificate, store)
    finally:
        store.close()
    seconds = time.perf_counter() - began
    context.printer.say(f"closed: {size} for {targets}, mirror {certificate.digest[:16]}, in {seconds:.1f} s")
    return 0


def hole_lines(dependency_closure: DependencyClosure) -> list[str]:
    """Return a line a hole, sorted; a release whose dependencies only a build can tell says so."""
    return [
        f"hole: {failure.project}{' ' + failure.release if failure.release else ''}: "
        + ("known only to its build backend" if isinstance(failure.error, NeedsBuild) else str(failure.error))
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
