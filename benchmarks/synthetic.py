"""The bytes of files that a recorded index serves: METADATA, and the smallest wheels and sdists that contain it.

Everything here is a pure function of names and recorded lines, so two runs serve the same bytes and the same hashes.
"""

from __future__ import annotations

import base64
import gzip
import hashlib
import io
import struct
import tarfile
import zlib
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from benchmarks.recording import RecordedMetadata

KEPT_FIELDS = ("metadata-version", "name", "version", "requires-python", "requires-dist", "provides-extra", "dynamic")
_FILLER = b"This text stands where the description was, so that the file is as long as the real one.\n"
_DOS_DATE = (1 << 5) | 1  # 1980-01-01, the earliest date of a zip
_BACKEND = '''"""Answers a build from PKG-INFO alone: what the real build gave was recorded."""
import os


def get_requires_for_build_wheel(config_settings=None):
    return []


def prepare_metadata_for_build_wheel(metadata_directory, config_settings=None):
    folder = "{stem}.dist-info"
    os.makedirs(os.path.join(metadata_directory, folder))
    with open("PKG-INFO", encoding="utf-8") as source, open(
        os.path.join(metadata_directory, folder, "METADATA"), "w", encoding="utf-8", newline="\\n"
    ) as out:
        out.write(source.read())
    return folder
'''
_BUILD_SYSTEM = '[build-system]\nrequires = []\nbuild-backend = "backend"\nbackend-path = ["."]\n'


def resolver_lines(text: str) -> tuple[str, ...]:
    """Return the header lines of a METADATA or PKG-INFO text that a resolver reads, continuation lines joined."""
    header = text.replace("\r\n", "\n").split("\n\n", 1)[0].replace("\n\t", " ").replace("\n ", " ")
    return tuple(line for line in header.split("\n") if line.partition(":")[0].strip().lower() in KEPT_FIELDS)


def metadata_bytes(name: str, version: str, metadata: RecordedMetadata | None) -> bytes:
    """Return METADATA for a release; if nothing was recorded, one without dependencies."""
    requirement_lines = metadata.lines if metadata else ()
    lines = [
        line
        for line in requirement_lines
        if line.partition(":")[0].lower() not in {"name", "version", "metadata-version"}
    ]
    text = "\n".join(["Metadata-Version: 2.2", f"Name: {name}", f"Version: {version}", *lines, "", ""]).encode()
    missing = (metadata.size if metadata else 0) - len(text)
    return text + (_FILLER * (missing // len(_FILLER) + 1))[:missing] if missing > 0 else text


def wheel_bytes(filename: str, metadata: bytes) -> bytes:
    """Return a wheel that contains only its ``.dist-info``."""
    name, version, *tags = filename.removesuffix(".whl").split("-")
    folder = f"{name}-{version}.dist-info"
    wheel = f"Wheel-Version: 1.0\nGenerator: replay\nRoot-Is-Purelib: true\nTag: {'-'.join(tags[-3:])}\n".encode()
    members = [(f"{folder}/METADATA", metadata), (f"{folder}/WHEEL", wheel)]
    record = "".join(f"{path},sha256={_record_digest(body)},{len(body)}\n" for path, body in members)
    return zip_bytes([*members, (f"{folder}/RECORD", f"{record}{folder}/RECORD,,\n".encode())])


def sdist_bytes(filename: str, name: str, version: str, metadata: bytes) -> bytes:
    """Return an sdist whose PKG-INFO is static (PEP 643) and whose build needs nothing and returns the same metadata."""
    stem = filename.removesuffix(".tar.gz").removesuffix(".zip")
    backend = _BACKEND.replace("{stem}", f"{name.replace('-', '_')}-{version}").encode()
    members = [
        (f"{stem}/PKG-INFO", metadata),
        (f"{stem}/pyproject.toml", _BUILD_SYSTEM.encode()),
        (f"{stem}/backend.py", backend),
    ]
    return zip_bytes(members) if filename.endswith(".zip") else _tar_gz_bytes(members)


def zip_bytes(members: list[tuple[str, bytes]]) -> bytes:
    """Return a zip of stored members. By hand: zipfile takes three times as long, and an index has 50,000 wheels."""
    body, directory = bytearray(), bytearray()
    for path, data in members:
        name = path.encode()
        common = struct.pack(
            "<HHHHHIIIHH", 20, 0, 0, 0, _DOS_DATE, zlib.crc32(data), len(data), len(data), len(name), 0
        )
        directory += b"PK\x01\x02" + struct.pack("<H", 20) + common
        directory += struct.pack("<HHHII", 0, 0, 0, 0o644 << 16, len(body)) + name
        body += b"PK\x03\x04" + common + name + data
    end = struct.pack("<HHHHIIH", 0, 0, len(members), len(members), len(directory), len(body), 0)
    return bytes(body + directory + b"PK\x05\x06" + end)


def _tar_gz_bytes(members: list[tuple[str, bytes]]) -> bytes:
    buffer = io.BytesIO()
    with tarfile.open(fileobj=buffer, mode="w", format=tarfile.PAX_FORMAT) as archive:
        for path, data in members:
            info = tarfile.TarInfo(path)
            info.size = len(data)
            archive.addfile(info, io.BytesIO(data))
    return gzip.compress(buffer.getvalue(), compresslevel=1, mtime=0)


def _record_digest(body: bytes) -> str:
    return base64.urlsafe_b64encode(hashlib.sha256(body).digest()).rstrip(b"=").decode()
