"""Build wheels of source archives and trees with pip, if the user allows it: the only module here that runs packages' code."""

from __future__ import annotations

import hashlib
import os
import shutil
import subprocess
import sys
import tempfile
from typing import TYPE_CHECKING

import msgspec

from mirror.errors import BuildFailed
from pipx_parallel.errors import OutputError

if TYPE_CHECKING:
    from collections.abc import Mapping, Sequence

_EPOCH = "315532800"  # 1980-01-01: the oldest date a zip can hold; the same source gives the same wheel
_SHOWN = 12  # last lines of the log in an error


class BuiltWheel(msgspec.Struct, frozen=True):
    """A wheel that was built."""

    path: str
    filename: str
    sha256: str
    size: int


def build_wheel(source: str, key: str, folder: str, environ: Mapping[str, str]) -> BuiltWheel:
    """Build the wheel of a source with ``pip wheel``, or reuse one that was built of the same source before.

    Args:
        source: A path or a URL.
        key: Identifies the content of the source; "" if the content may change.
        folder: The folder of downloads, where the wheel is stored.
        environ: pip's environment, which sets the index of the build requirements.

    Raises:
        BuildFailed: pip failed; the message has the end of the log.
        OutputError: The folder cannot be used.
    """
    stored = os.path.join(folder, f"built-{_fingerprint(key)}") if key else ""
    try:
        if stored and os.path.isdir(stored):
            os.utime(stored)  # in use: unused wheels are deleted after a month
            return _only_wheel(stored, source)
        with tempfile.TemporaryDirectory(dir=folder) as scratch:
            out = os.path.join(scratch, "out")
            _run_pip(source, out, environ)
            _only_wheel(out, source)
            final = stored or os.path.join(folder, f"built-{os.urandom(8).hex()}")
            if not os.path.isdir(final):
                shutil.move(out, final)
        return _only_wheel(final, source)
    except OSError as error:
        raise OutputError(f"cannot build in {folder}: {error.strerror}") from error


def pip_environ(
    environ: Mapping[str, str], index: str | None, extra: Sequence[str], *, no_network: bool
) -> dict[str, str]:
    """Return an environment in which pip uses the lock's indexes; URLs are not passed as arguments, which others could read."""
    changed = dict(environ)
    changed["SOURCE_DATE_EPOCH"] = _EPOCH
    if index is not None:
        changed["PIP_INDEX_URL"] = index
        changed["PIP_EXTRA_INDEX_URL"] = " ".join(extra)
    if no_network:
        changed["PIP_NO_INDEX"] = "1"
    return changed


def _run_pip(source: str, out: str, environ: Mapping[str, str]) -> None:
    command = [
        sys.executable,
        "-m",
        "pip",
        "wheel",
        "--quiet",
        "--disable-pip-version-check",
        "--no-input",
        "--no-deps",
    ]
    finished = subprocess.run(  # noqa: S603 - pip itself, and a source that the user asked to build
        [*command, "--wheel-dir", out, source],
        env=environ,
        capture_output=True,
        text=True,
        check=False,
        errors="replace",
    )
    if finished.returncode:
        log = [line for line in (finished.stdout + finished.stderr).splitlines() if line.strip()][-_SHOWN:]
        name = os.path.basename(source)
        raise BuildFailed(f"{name}: the build failed", log=log)


def _only_wheel(folder: str, source: str) -> BuiltWheel:
    names = [name for name in sorted(os.listdir(folder)) if name.endswith(".whl")]
    if len(names) != 1:
        raise BuildFailed(f"{os.path.basename(source)}: the build created {len(names)} wheels")
    path = os.path.join(folder, names[0])
    with open(path, "rb") as file:
        digest = hashlib.file_digest(file, "sha256").hexdigest()
    return BuiltWheel(path, names[0], digest, os.path.getsize(path))


def _fingerprint(key: str) -> str:
    """Return a short name for a source and this interpreter, on which its wheel may depend."""
    text = f"{key} {sys.implementation.cache_tag} {sys.platform} {sys.version_info[:3]}"
    return hashlib.sha256(text.encode()).hexdigest()[:32]
