"""The use case: resolutions and a mirror in, a bundle on disk out."""

from __future__ import annotations

from typing import TYPE_CHECKING, NamedTuple

from mirror.errors import MirrorError
from mirror.records.model import FetchFailure
from pipx_parallel.bundle import archive, builds, downloads, scripts, texts
from pipx_parallel.bundle.plan import Need, needs, refuse_sources
from pipx_parallel.emitters.script_posix import python_versions
from pipx_parallel.errors import Incomplete, NoSolution

if TYPE_CHECKING:
    from collections.abc import Mapping, Sequence

    from mirror.records.model import DistFile
    from mirror.session.mirror import Mirror
    from pipx_parallel.model import Resolution, Target


class Order(NamedTuple):
    """What is to be bundled, and how."""

    resolutions: Sequence[Resolution]
    sdists: str  # "refuse", "build" or "include"
    folder: str  # where downloads and builds are kept
    output: str  # the archive's path
    lock: str  # the text of pylock.toml
    environ: Mapping[str, str]  # for builds
    offline: bool = False


class Made(NamedTuple):
    """What came of it. Sizes in bytes."""

    files: int
    size: int
    fetched: int
    built: int


def make(order: Order, mirror: Mirror) -> Made:
    """Fetch, build and check every file, and write the archive whole or not at all.

    Raises ``UsageError`` for source archives that are not allowed, ``Incomplete`` with every file that could not be had,
    ``BuildFailed``, ``NoSolution`` for a built wheel that does not fit its targets, ``OutputError``.
    """
    targets = [resolution.target for resolution in order.resolutions]
    wanted = needs(order.resolutions)
    refuse_sources(wanted, targets, order.sdists)
    downloads.make_folder(order.folder)
    received = _fetch(wanted, order, mirror)
    placed: list[tuple[texts.Placed, str]] = []
    for need in wanted:
        if need.file is not None and (need.is_wheel or order.sdists == "include"):
            placed.append(_carried(need, need.file.filename, received[_key(need.file)]))
        else:
            placed.append(_built(need, received, targets, order))
    _refuse_clashes(placed)
    size = archive.write_zip(order.output, _members(order, targets, placed))
    fetched = sum(one.fetched for one in received.values())
    built = len([need for need in wanted if not need.is_wheel]) if order.sdists == "build" else 0
    return Made(len({place.filename for place, _ in placed}), size, fetched, built)


def _fetch(wanted: Sequence[Need], order: Order, mirror: Mirror) -> dict[str, downloads.Received]:
    """Fetch all files side by side. Raises ``Incomplete`` naming every one that could not be had."""
    of = {_key(need.file): need for need in wanted if need.file is not None}
    jobs = {
        key: downloads.fetch(need.file, order.folder, offline=order.offline)
        for key, need in of.items()
        if need.file is not None
    }
    ended = mirror.run(jobs)
    failures = [
        FetchFailure(of[key].pin.name, of[key].pin.version, result)
        for key, result in ended.items()
        if isinstance(result, MirrorError)
    ]
    if failures:
        failures.sort(key=lambda failure: (failure.project, failure.release or ""))
        raise Incomplete(failures, "\n".join(str(failure.error) for failure in failures))
    return ended


def _carried(need: Need, filename: str, received: downloads.Received) -> tuple[texts.Placed, str]:
    pin = need.pin
    return texts.Placed(pin.name, pin.version, filename, received.sha256, received.size, need.targets), received.path


def _built(
    need: Need, received: Mapping[str, downloads.Received], targets: Sequence[Target], order: Order
) -> tuple[texts.Placed, str]:
    """Build a wheel and check that every target that needs it can install it."""
    pin = need.pin
    if need.file is not None:
        source, key = received[_key(need.file)].path, received[_key(need.file)].sha256
    else:  # a repository is pinned by its commit; a folder may change at any time
        source, key = f"{pin.name} @ {pin.url}", str(pin.url) if "+" in str(pin.url).partition(":")[0] else ""
    made = builds.build_wheel(source, key, order.folder, order.environ)
    tags = _tags(made.filename)
    unfit = [targets[place].label for place in need.targets if not tags & set(targets[place].tags)]
    if unfit:
        where = f"{made.filename}, cannot be installed on {', '.join(unfit)}"
        remedy = "build it there, or give --sdists include"
        raise NoSolution((f"{pin.name} {pin.version}: the wheel that was built here, {where}; {remedy}",))
    return texts.Placed(pin.name, pin.version, made.filename, made.sha256, made.size, need.targets), made.path


def _refuse_clashes(placed: Sequence[tuple[texts.Placed, str]]) -> None:
    """Raise ``NoSolution`` where two indexes give different files of one name: one folder cannot hold both."""
    known: dict[str, str] = {}
    for file, _ in placed:
        if known.setdefault(file.filename, file.sha256) != file.sha256:
            raise NoSolution(
                (f"{file.filename}: two different files of this name are needed; make a bundle for each target",)
            )


def _members(
    order: Order, targets: Sequence[Target], placed: Sequence[tuple[texts.Placed, str]]
) -> list[archive.Member]:
    """Return everything that goes into the archive."""
    files = [place for place, _ in placed]
    names = texts.target_names(targets)
    versions = python_versions(targets)
    written = {
        texts.MANIFEST: (texts.manifest(targets, files), 0o644),
        "README.txt": (texts.readme(targets), 0o644),
        "pylock.toml": (order.lock, 0o644),
        "install.py": (scripts.PYTHON, 0o755),
        "install.sh": (scripts.posix(versions), 0o755),
        "install.ps1": (scripts.powershell(versions), 0o644),
    }
    for place, name in enumerate(names):
        written[f"requirements/{name}.txt"] = (texts.requirements(place, targets[place].label, files), 0o644)
    members = [
        archive.Member(name, len(text.encode()), text.encode(), mode=mode) for name, (text, mode) in written.items()
    ]
    paths = {place.filename: (place.size, path) for place, path in placed}
    members += [archive.Member(texts.WHEELS + name, size, path=path) for name, (size, path) in paths.items()]
    return members


def _key(file: DistFile | None) -> str:
    """Return what makes a file this file and no other: two indexes may have different files of one name."""
    return f"{file.filename} {file.url}" if file is not None else ""


def _tags(filename: str) -> set[str]:
    python, abi, platform = filename.removesuffix(".whl").split("-")[-3:]
    return {
        f"{one}-{two}-{three}" for one in python.split(".") for two in abi.split(".") for three in platform.split(".")
    }
