"""What is installed here as files of an index: tests install real tools without reaching a real index."""

from __future__ import annotations

import io
import re
import zipfile
from collections.abc import Iterable, Iterator, Sequence
from importlib.metadata import Distribution, PackageNotFoundError, PackagePath, distribution

from packaging.requirements import Requirement
from packaging.utils import NormalizedName, canonicalize_name

from tests.support.dists import Dist

_OF_THIS_INSTALLATION = {"INSTALLER", "REQUESTED", "RECORD", "direct_url.json"}


def installed(requirements: Iterable[str]) -> dict[str, list[Dist]]:
    """Return a wheel of every distribution that these requirements need, made again out of its installed files."""
    return {
        canonicalize_name(distribution_found.metadata["Name"]): [_wheel_of(distribution_found)]
        for distribution_found in _closure(requirements)
    }


def _closure(requirements: Iterable[str]) -> Iterator[Distribution]:
    queue, seen = list(requirements), set[NormalizedName]()
    while queue:
        need = Requirement(queue.pop())
        name = canonicalize_name(need.name)
        if name in seen or (need.marker is not None and not need.marker.evaluate({"extra": ""})):
            continue
        seen.add(name)
        try:
            distribution_found = distribution(name)
        except PackageNotFoundError:
            continue  # whoever needs it will say so
        queue += distribution_found.requires or []
        yield distribution_found


def _wheel_of(distribution_found: Distribution) -> Dist:
    """Zip the files of a distribution. Scripts are left out: pip makes them again from the entry points."""
    tags = re.findall(r"^Tag: (\S+)", distribution_found.read_text("WHEEL") or "", re.MULTILINE) or ["py3-none-any"]
    name, version = distribution_found.metadata["Name"], distribution_found.version
    own_files = [file for file in distribution_found.files or () if _belongs(file)]
    info = next(file.parent for file in own_files if file.name == "METADATA" and file.parent.suffix == ".dist-info")
    body = io.BytesIO()
    with zipfile.ZipFile(body, "w") as archive:
        for file in own_files:
            archive.write(str(file.locate()), file.as_posix())
        archive.writestr(f"{info}/RECORD", _record(own_files, f"{info}/RECORD"))
    filename = f"{re.sub(r'[-_.]+', '_', name)}-{version}-{tags[0]}.whl"
    return Dist(name, version, filename, body.getvalue(), (distribution_found.read_text("METADATA") or "").encode())


def _belongs(file: PackagePath) -> bool:
    return file.parts[0] != ".." and file.suffix != ".pyc" and file.name not in _OF_THIS_INSTALLATION


def _record(files: Sequence[PackagePath], own: str) -> str:
    rows = []
    for file in files:
        name = f'"{file.as_posix()}"' if "," in file.as_posix() else file.as_posix()
        digest = f"{file.hash.mode}={file.hash.value}" if file.hash else ""
        rows.append(f"{name},{digest},{'' if file.size is None else file.size}\n")
    return "".join(rows) + f"{own},,\n"
