"""Tiny distributions built in memory: real wheels that pip installs, real sdists that build without a network.

Same arguments, same bytes: dates are fixed. ``requires`` holds PEP 508 strings; ``extras`` maps an extra to its own.
Fields that only an index knows (yanked, a wrong hash, …) are set with ``_replace``.
"""

from __future__ import annotations

import base64
import gzip
import hashlib
import io
import re
import tarfile
import zipfile
from collections.abc import Mapping, Sequence
from typing import NamedTuple

UPLOADED = "2024-01-01T00:00:00.000000Z"
_ZIP_DATE = (1980, 1, 1, 0, 0, 0)

_BACKEND = '''\
"""An in-tree PEP 517 backend: builds this one package with the standard library alone."""
import base64, hashlib, pathlib, zipfile

NAME, VERSION, MODULE, INFO = {name!r}, {version!r}, {module!r}, {info!r}
METADATA = {metadata!r}
WHEEL = "Wheel-Version: 1.0\\nGenerator: in-tree\\nRoot-Is-Purelib: true\\nTag: py3-none-any\\n"


def get_requires_for_build_wheel(config_settings=None):
    return {build_requires!r}


def prepare_metadata_for_build_wheel(metadata_directory, config_settings=None):
    if {broken!r}:
        raise SystemExit("this package never builds")
    folder = pathlib.Path(metadata_directory) / INFO
    folder.mkdir(parents=True, exist_ok=True)
    (folder / "METADATA").write_bytes(METADATA)
    (folder / "WHEEL").write_text(WHEEL)
    return INFO


def build_wheel(wheel_directory, config_settings=None, metadata_directory=None):
    if {broken!r}:
        raise SystemExit("this package never builds")
    files = {{MODULE + ".py": f"__version__ = {{VERSION!r}}\\n".encode()}}
    files |= {{INFO + "/METADATA": METADATA, INFO + "/WHEEL": WHEEL.encode()}}
    record = ""
    for path, data in files.items():
        digest = base64.urlsafe_b64encode(hashlib.sha256(data).digest()).rstrip(b"=").decode()
        record += f"{{path}},sha256={{digest}},{{len(data)}}\\n"
    files[INFO + "/RECORD"] = (record + INFO + "/RECORD,,\\n").encode()
    wheel = INFO[: -len(".dist-info")] + "-py3-none-any.whl"
    with zipfile.ZipFile(pathlib.Path(wheel_directory) / wheel, "w") as archive:
        for path, data in files.items():
            archive.writestr(path, data)
    return wheel


def build_editable(wheel_directory, config_settings=None, metadata_directory=None):
    return build_wheel(wheel_directory, config_settings, metadata_directory)
'''


class Dist(NamedTuple):
    """One file of an index: its bytes, and what the index says of it."""

    name: str  # as the project writes it
    version: str
    filename: str
    body: bytes
    metadata: bytes | None = None  # METADATA or PKG-INFO; what a sidecar serves
    requires_python: str | None = None  # as the listing says; may be malformed on purpose
    upload_time: str | None = UPLOADED
    yanked: bool | str = False
    sidecar: str | None = None  # "advertised", "silent" or "none"; None: as the index's flavour says
    listed_sha256: str | None = None  # a wrong hash on purpose; None: the true one
    listed_sidecar_sha256: str | None = None  # likewise, of the sidecar
    provenance: str | None = None  # PEP 740: where its provenance object is

    @property
    def sha256(self) -> str:
        """Return the true hash of the body."""
        return hashlib.sha256(self.body).hexdigest()


def metadata_text(
    name: str,
    version: str,
    requires: Sequence[str] = (),
    extras: Mapping[str, Sequence[str]] | None = None,
    requires_python: str | None = None,
    *,
    metadata_version: str = "2.1",
    dynamic: Sequence[str] = (),
    headers: Sequence[str] = (),
) -> bytes:
    """Return a METADATA (PKG-INFO) file with a body, so that readers must stop at the blank line."""
    lines = [f"Metadata-Version: {metadata_version}", f"Name: {name}", f"Version: {version}", "Summary: A test package"]
    lines += [f"Requires-Python: {requires_python}"] if requires_python else []
    lines += [f"Dynamic: {field}" for field in dynamic]
    lines += headers
    lines += [f"Requires-Dist: {requirement}" for requirement in requires]
    for extra, requirements in (extras or {}).items():
        lines.append(f"Provides-Extra: {extra}")
        lines += [f"Requires-Dist: {_under_extra(requirement, extra)}" for requirement in requirements]
    return ("\n".join(lines) + "\n\nRequires-Dist: this-is-prose-not-a-header\n").encode()


def wheel(
    name: str,
    version: str,
    requires: Sequence[str] = (),
    extras: Mapping[str, Sequence[str]] | None = None,
    requires_python: str | None = None,
    *,
    tags: str = "py3-none-any",
    metadata_version: str = "2.1",
    scripts: Mapping[str, str] | None = None,
    padding: int = 0,
    upload_time: str | None = UPLOADED,
    headers: Sequence[str] = (),
) -> Dist:
    """Build an installable wheel; ``headers`` are further lines of METADATA.

    ``padding`` adds that many incompressible bytes before METADATA; ``scripts`` maps a command to ``module:function``:
    every module has a ``main`` that prints its name and version.
    """
    module = _escaped(name)
    stem = f"{module}-{version}"
    metadata = metadata_text(
        name, version, requires, extras, requires_python, metadata_version=metadata_version, headers=headers
    )
    files = {f"{module}.py": _module(name, version)}
    if padding:
        files[f"{module}_data.bin"] = _noise(stem, padding)
    info = f"{stem}.dist-info"
    files[f"{info}/METADATA"] = metadata
    tag_lines = "".join(f"Tag: {tag}\n" for tag in _expanded(tags))
    files[f"{info}/WHEEL"] = f"Wheel-Version: 1.0\nGenerator: dists\nRoot-Is-Purelib: true\n{tag_lines}".encode()
    if scripts:
        commands = "".join(f"{command} = {target}\n" for command, target in scripts.items())
        files[f"{info}/entry_points.txt"] = f"[console_scripts]\n{commands}".encode()
    files[f"{info}/RECORD"] = _record(files, f"{info}/RECORD")
    return Dist(name, version, f"{stem}-{tags}.whl", zipped(files), metadata, requires_python, upload_time)


def sdist(
    name: str,
    version: str,
    requires: Sequence[str] = (),
    extras: Mapping[str, Sequence[str]] | None = None,
    requires_python: str | None = None,
    *,
    static: bool = True,
    metadata_version: str = "2.2",
    suffix: str = ".tar.gz",
    build_requires: Sequence[str] = (),
    broken: bool = False,
    upload_time: str | None = UPLOADED,
    headers: Sequence[str] = (),
) -> Dist:
    """Build an sdist (``.tar.gz`` or ``.zip``) with an in-tree backend that needs nothing from any index.

    With ``static=False`` PKG-INFO declares Requires-Dist dynamic and names none: only a build tells. ``broken`` makes
    the build fail; ``build_requires`` is what the backend asks for.
    """
    module = _escaped(name)
    stem = f"{module}-{version}"
    whole = metadata_text(
        name, version, requires, extras, requires_python, metadata_version=metadata_version, headers=headers
    )
    dynamic = ("Requires-Dist", "Provides-Extra")
    text = whole
    if not static:
        text = metadata_text(
            name, version, (), None, requires_python, metadata_version=metadata_version, dynamic=dynamic
        )
    backend = _BACKEND.format(
        name=name, version=version, module=module, info=f"{stem}.dist-info", metadata=whole,
        build_requires=list(build_requires), broken=broken,
    )  # fmt: skip
    files = {
        f"{stem}/PKG-INFO": text,
        f"{stem}/pyproject.toml": b'[build-system]\nrequires = []\nbuild-backend = "in_tree"\nbackend-path = ["."]\n',
        f"{stem}/in_tree.py": backend.encode(),
        f"{stem}/{module}.py": _module(name, version),
    }
    body = zipped(files) if suffix == ".zip" else tarred(files)
    return Dist(name, version, f"{stem}{suffix}", body, text, requires_python, upload_time, sidecar="none")


def source_archive(
    name: str,
    version: str,
    backend: str,
    build_requires: Sequence[str] = (),
    *,
    upload_time: str | None = UPLOADED,
) -> Dist:
    """Build an sdist that says nothing of its dependencies, with ``backend`` as its in-tree backend's source text.

    ``build_requires`` is what its build-system table asks for.
    """
    module = _escaped(name)
    stem = f"{module}-{version}"
    text = metadata_text(name, version)
    table = f'[build-system]\nrequires = {list(build_requires)!r}\nbuild-backend = "in_tree"\nbackend-path = ["."]\n'
    files = {
        f"{stem}/PKG-INFO": text,
        f"{stem}/pyproject.toml": table.encode(),
        f"{stem}/in_tree.py": backend.encode(),
        f"{stem}/{module}.py": _module(name, version),
    }
    return Dist(name, version, f"{stem}.tar.gz", tarred(files), text, None, upload_time, sidecar="none")


def backend_text(name: str, version: str, requires: Sequence[str] = (), before: str = "") -> str:
    """Return the text of a backend that only tells metadata; ``before`` is Python that runs when it is imported."""
    info = f"{_escaped(name)}-{version}.dist-info"
    return (
        f"{before}\nimport os\n\n\n"
        "def prepare_metadata_for_build_wheel(folder, config_settings=None):\n"
        f"    os.mkdir(os.path.join(folder, {info!r}))\n"
        f"    with open(os.path.join(folder, {info!r}, 'METADATA'), 'wb') as file:\n"
        f"        file.write({metadata_text(name, version, requires)!r})\n"
        f"    return {info!r}\n"
    )


def module_wheel(name: str, version: str, modules: Sequence[str], upload_time: str | None = UPLOADED) -> Dist:
    """Build a wheel whose only content is these empty modules: a build requirement."""
    stem = f"{_escaped(name)}-{version}"
    metadata = metadata_text(name, version)
    files = {f"{module}.py": b"" for module in modules}
    files[f"{stem}.dist-info/METADATA"] = metadata
    files[f"{stem}.dist-info/WHEEL"] = (
        b"Wheel-Version: 1.0\nGenerator: dists\nRoot-Is-Purelib: true\nTag: py3-none-any\n"
    )
    files[f"{stem}.dist-info/RECORD"] = _record(files, f"{stem}.dist-info/RECORD")
    return Dist(name, version, f"{stem}-py3-none-any.whl", zipped(files), metadata, None, upload_time)


def oddity(name: str, filename: str, body: bytes = b"not a distribution") -> Dist:
    """Return a file that no rule for names covers: an egg, an installer, or nonsense."""
    return Dist(name, "", filename, body, sidecar="none")


def zipped(files: Mapping[str, bytes], compression: int = zipfile.ZIP_DEFLATED) -> bytes:
    """Return a zip archive with fixed dates, members in the order given."""
    stream = io.BytesIO()
    with zipfile.ZipFile(stream, "w", compression) as archive:
        for path, data in files.items():
            member = zipfile.ZipInfo(path, _ZIP_DATE)
            member.compress_type = compression
            member.external_attr = 0o644 << 16
            archive.writestr(member, data)
    return stream.getvalue()


def tarred(files: Mapping[str, bytes]) -> bytes:
    """Return a gzipped tar archive with fixed dates, members in the order given."""
    stream = io.BytesIO()
    with gzip.GzipFile(fileobj=stream, mode="wb", mtime=0) as packed, tarfile.open(fileobj=packed, mode="w") as archive:
        for path, data in files.items():
            member = tarfile.TarInfo(path)
            member.size = len(data)
            archive.addfile(member, io.BytesIO(data))
    return stream.getvalue()


def _escaped(name: str) -> str:
    return re.sub(r"[-_.]+", "_", name).lower()


def _module(name: str, version: str) -> bytes:
    return f'__version__ = "{version}"\n\n\ndef main():\n    print("{name}", __version__)\n'.encode()


def _under_extra(requirement: str, extra: str) -> str:
    head, semicolon, marker = requirement.partition(";")
    return (
        f"{head.strip()} ; ({marker.strip()}) and extra == '{extra}'" if semicolon else f"{head} ; extra == '{extra}'"
    )


def _expanded(tags: str) -> list[str]:
    python, abi, platform = tags.split("-")[-3:]
    return [f"{p}-{a}-{t}" for p in python.split(".") for a in abi.split(".") for t in platform.split(".")]


def _record(files: Mapping[str, bytes], own: str) -> bytes:
    lines = []
    for path, data in files.items():
        digest = base64.urlsafe_b64encode(hashlib.sha256(data).digest()).rstrip(b"=").decode()
        lines.append(f"{path},sha256={digest},{len(data)}\n")
    return ("".join(lines) + f"{own},,\n").encode()


def _noise(seed: str, size: int) -> bytes:
    """Return bytes that look random and are the same every time."""
    return hashlib.shake_128(seed.encode()).digest(size)
