"""Source archives and trees made into wheels by pip: the one place where a bundle runs code of its packages, if it was allowed."""

from __future__ import annotations

import hashlib
import os
import shutil
import subprocess
import sys
import tempfile
from typing import TYPE_CHECKING, NamedTuple

from mirror.errors import BuildFailed
from pipx_parallel.errors import OutputError

if TYPE_CHECKING:
    from collections.abc import Mapping, Sequence

_EPOCH = "315532800"  # 1980-01-01: the oldest date a zip can hold; the same source gives the same wheel
_SHOWN = 12  # lines of a build's log that an error shows


class Built(NamedTuple):
    """A wheel that was built."""

    path: str
    filename: str
    sha256: str
    size: int


def build_wheel(source: str, key: str, folder: str, environ: Mapping[str, str]) -> Built:
    """Build the wheel of ``source`` (a path, a URL) with ``pip wheel``, or use what was built of the same before.

    ``key`` names the content of the source, "" for one that may change. ``environ`` is pip's environment: which index build
    requirements come from. Raises ``BuildFailed`` with the end of the log; ``OutputError``.
    """
    kept = os.path.join(folder, f"built-{_fingerprint(key)}") if key else ""
    try:
        if kept and os.path.isdir(kept):
            os.utime(kept)  # in use: what is not is dropped after a month
            return _only_wheel(kept, source)
        with tempfile.TemporaryDirectory(dir=folder) as scratch:
            out = os.path.join(scratch, "out")
            _run_pip(source, out, environ)
            _only_wheel(out, source)
            final = kept or os.path.join(folder, f"built-{os.urandom(8).hex()}")
            if not os.path.isdir(final):
                shutil.move(out, final)
        return _only_wheel(final, source)
    except OSError as error:
        raise OutputError(f"cannot build in {folder}: {error.strerror}") from error


def pip_environ(
    environ: Mapping[str, str], index: str | None, extra: Sequence[str], *, no_network: bool
) -> dict[str, str]:
    """Return the environment in which pip looks for build requirements where the lock was made; URLs never become arguments."""
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
    done = subprocess.run(  # noqa: S603 - pip itself, and a source that the user asked to build
        [*command, "--wheel-dir", out, source],
        env=environ,
        capture_output=True,
        text=True,
        check=False,
        errors="replace",
    )
    if done.returncode:
        log = [line for line in (done.stdout + done.stderr).splitlines() if line.strip()][-_SHOWN:]
        name = os.path.basename(source)
        raise BuildFailed("\n  ".join([f"{name}: its build failed", *log]))


def _only_wheel(folder: str, source: str) -> Built:
    names = [name for name in sorted(os.listdir(folder)) if name.endswith(".whl")]
    if len(names) != 1:
        raise BuildFailed(f"{os.path.basename(source)}: its build gave {len(names)} wheels")
    path = os.path.join(folder, names[0])
    with open(path, "rb") as file:
        digest = hashlib.file_digest(file, "sha256").hexdigest()
    return Built(path, names[0], digest, os.path.getsize(path))


def _fingerprint(key: str) -> str:
    """Return a short name for a source and this interpreter, which its wheel may depend on."""
    text = f"{key} {sys.implementation.cache_tag} {sys.platform} {sys.version_info[:3]}"
    return hashlib.sha256(text.encode()).hexdigest()[:32]
