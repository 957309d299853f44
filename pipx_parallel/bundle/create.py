"""The use case: resolutions and a mirror in, a bundle on disk out."""

from __future__ import annotations

from itertools import product
from typing import TYPE_CHECKING

import msgspec

from mirror.errors import MirrorError
from mirror.records.model import FetchFailure
from pipx_parallel.bundle import archive, downloads, scripts, texts, wheel_builds
from pipx_parallel.bundle.plan import RequiredFile, refuse_sources, required_files
from pipx_parallel.emitters.script_posix import python_versions
from pipx_parallel.errors import Incomplete, NoSolution

if TYPE_CHECKING:
    from collections.abc import Mapping, Sequence

    from mirror.records.model import DistFile
    from mirror.session.mirror import Mirror
    from pipx_parallel.model import Resolution, Target


class BundleRequest(msgspec.Struct, frozen=True):
    """What to bundle, and how."""

    resolutions: Sequence[Resolution]
    sdists: str  # "refuse", "build" or "include"
    folder: str  # for downloads and builds
    output: str  # the archive's path
    lock: str  # the text of pylock.toml
    environ: Mapping[str, str]  # for builds
    offline: bool = False

    def __post_init__(self) -> None:
        """Refuse another way with source archives. Raises ``ValueError``."""
        if self.sdists not in {"refuse", "build", "include"}:
            raise ValueError(f"sdists: {self.sdists!r} is no way to treat source archives")


class BundleSummary(msgspec.Struct, frozen=True):
    """The figures of a finished bundle. Sizes in bytes."""

    files: int
    size: int
    fetched: int
    built: int


def create_bundle(request: BundleRequest, mirror: Mirror) -> BundleSummary:
    """Fetch, build and check every file; write the archive completely or not at all.

    Raises:
        UsageError: A source archive is needed, and not allowed.
        Incomplete: Files could not be fetched; it has all failures.
        BuildFailed: A build failed.
        NoSolution: A pin has no file, or a built wheel does not fit its targets.
        OutputError: The archive cannot be written.
    """
    targets = [resolution.target for resolution in request.resolutions]
    files = required_files(request.resolutions)
    refuse_sources(files, targets, request.sdists)
    downloads.make_folder(request.folder)
    received = _fetch(files, request, mirror)
    placed: list[tuple[texts.BundleFile, str]] = []
    for need in files:
        if need.file is not None and (need.is_wheel or request.sdists == "include"):
            placed.append(_included(need, need.file.filename, received[_key(need.file)]))
        else:
            placed.append(_built(need, received, targets, request))
    _refuse_clashes(placed)
    size = archive.write_zip(request.output, _members(request, targets, placed))
    fetched = sum(download.fetched for download in received.values())
    built = len([need for need in files if not need.is_wheel]) if request.sdists == "build" else 0
    return BundleSummary(len({file.filename for file, _ in placed}), size, fetched, built)


def _fetch(files: Sequence[RequiredFile], request: BundleRequest, mirror: Mirror) -> dict[str, downloads.Received]:
    """Fetch all files in parallel. Raises ``Incomplete`` with every failure."""
    wanted = {_key(required.file): required for required in files if required.file is not None}
    jobs = {
        key: downloads.fetch(required.file, request.folder, offline=request.offline)
        for key, required in wanted.items()
        if required.file is not None
    }
    ended = mirror.run(jobs)
    failures = [
        FetchFailure(wanted[key].pin.name, wanted[key].pin.version, result)
        for key, result in ended.items()
        if isinstance(result, MirrorError)
    ]
    if failures:
        failures.sort(key=lambda failure: (failure.project, failure.release or ""))
        raise Incomplete(failures, "\n".join(str(failure.error) for failure in failures))
    return ended


def _included(need: RequiredFile, filename: str, received: downloads.Received) -> tuple[texts.BundleFile, str]:
    pin = need.pin
    return texts.BundleFile(
        pin.name, pin.version, filename, received.sha256, received.size, need.targets
    ), received.path


def _built(
    need: RequiredFile, received: Mapping[str, downloads.Received], targets: Sequence[Target], request: BundleRequest
) -> tuple[texts.BundleFile, str]:
    """Build a wheel; check that every target that needs it can install it."""
    pin = need.pin
    if need.file is not None:
        source, key = received[_key(need.file)].path, received[_key(need.file)].sha256
    else:  # a repository is fixed by its commit; a folder can change at any time
        source, key = f"{pin.name} @ {pin.url}", str(pin.url) if "+" in str(pin.url).partition(":")[0] else ""
    made = wheel_builds.build_wheel(source, key, request.folder, request.environ)
    tags = _tags(made.filename)
    unfit = [targets[number].label for number in need.targets if not tags & set(targets[number].tags)]
    if unfit:
        problem = f"the wheel built on this machine ({made.filename}) cannot be installed on {', '.join(unfit)}"
        remedy = "build it there, or use --sdists include"
        raise NoSolution((f"{pin.name} {pin.version}: {problem}; {remedy}",))
    return texts.BundleFile(pin.name, pin.version, made.filename, made.sha256, made.size, need.targets), made.path


def _refuse_clashes(placed: Sequence[tuple[texts.BundleFile, str]]) -> None:
    """Raise ``NoSolution`` if two indexes have different files of one name: one folder cannot hold both."""
    digests: dict[str, str] = {}
    for file, _ in placed:
        if digests.setdefault(file.filename, file.sha256) != file.sha256:
            raise NoSolution(
                (f"{file.filename}: two different files with this name are needed; create one bundle per target",)
            )


def _members(
    request: BundleRequest, targets: Sequence[Target], placed: Sequence[tuple[texts.BundleFile, str]]
) -> list[archive.Member]:
    """Return all files of the archive."""
    files = [file for file, _ in placed]
    names = texts.target_names(targets)
    versions = python_versions(targets)
    written = {
        texts.MANIFEST: (texts.manifest(targets, files), 0o644),
        "README.txt": (texts.readme(targets), 0o644),
        "pylock.toml": (request.lock, 0o644),
        "install.py": (scripts.PYTHON, 0o755),
        "install.sh": (scripts.posix(versions), 0o755),
        "install.ps1": (scripts.powershell(versions), 0o644),
    }
    for number, name in enumerate(names):
        written[f"requirements/{name}.txt"] = (texts.requirements(number, targets[number].label, files), 0o644)
    members = [
        archive.Member(name, len(text.encode()), text.encode(), mode=mode) for name, (text, mode) in written.items()
    ]
    paths = {file.filename: (file.size, path) for file, path in placed}
    members += [archive.Member(texts.WHEELS + name, size, path=path) for name, (size, path) in paths.items()]
    return members


def _key(file: DistFile | None) -> str:
    """Return a key of a file; its name alone is not one, because two indexes can have different files of one name."""
    return f"{file.filename} {file.url}" if file is not None else ""


def _tags(filename: str) -> set[str]:
    python, abi, platform = filename.removesuffix(".whl").split("-")[-3:]
    return {"-".join(tag) for tag in product(python.split("."), abi.split("."), platform.split("."))}
