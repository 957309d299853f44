"""Runs a build backend without network, if the system can: in a network namespace of its own (Linux, ``unshare``)."""

from __future__ import annotations

import subprocess
import sys

from pipx_parallel.errors import UsageError

# Words before a program that has no network but an unconfigured loopback interface. A user namespace, so that no privilege is
# needed; in it the user stays who it is.
NO_NETWORK = ("unshare", "--user", "--map-current-user", "--net", "--")
_PATIENCE = 10.0  # seconds


def check_no_network() -> None:
    """Raise ``UsageError`` if this system cannot run a program without network."""
    if sys.platform != "linux":
        raise UsageError("--no-build-network works on Linux only", "leave it out, or use --no-build")
    try:
        done = subprocess.run(  # noqa: S603 - a fixed command
            [*NO_NETWORK, "true"], capture_output=True, text=True, check=False, timeout=_PATIENCE, errors="replace"
        )
        reason = done.stderr.strip() if done.returncode else ""
    except (OSError, subprocess.TimeoutExpired) as error:
        reason = str(error)
    if reason:
        raise UsageError(
            f"--no-build-network: this system makes no network namespace for a user ({reason})",
            "leave it out, or use --no-build",
        )
