"""Commands in forks of this process: a thousand of them take minutes, not an hour, since nothing is imported again."""

from __future__ import annotations

import contextlib
import importlib
import os
import pkgutil
import signal
import sys
import tempfile
from collections.abc import Mapping
from pathlib import Path
from typing import NamedTuple

import mirror
import pipx_parallel
from pipx_parallel.__main__ import main
from tests.support.workspace import Workspace


def preload() -> None:
    """Import what the commands import late, so that each fork need not."""
    for package in (mirror, pipx_parallel):
        for module in pkgutil.walk_packages(package.__path__, package.__name__ + "."):
            if not module.name.endswith("__main__"):
                with contextlib.suppress(ImportError):  # of an extra that is not installed
                    importlib.import_module(module.name)


class Outcome(NamedTuple):
    """How a command ended, what it wrote and what it took; ``code`` is minus the signal's number if one killed it."""

    code: int
    text: str
    cpu_seconds: float
    peak_megabytes: float  # of this process too, of which the command is a copy


class Running(NamedTuple):
    """A command that was started."""

    pid: int
    log: Path

    def kill(self, number: int) -> None:
        """Send it a signal."""
        os.kill(self.pid, number)

    def wait(self) -> Outcome:
        """Wait for its end."""
        _, status, usage = os.wait4(self.pid, 0)
        text = self.log.read_text("utf-8", "replace")
        self.log.unlink()
        seconds = usage.ru_utime + usage.ru_stime
        return Outcome(os.waitstatus_to_exitcode(status), text, seconds, usage.ru_maxrss / 1024)


def started(
    workspace: Workspace, location: str, *arguments: str, environment: Mapping[str, str] | None = None
) -> Running:
    """Start a command on the mirror at ``location`` in the user's folder."""
    handle, name = tempfile.mkstemp(dir=workspace.folder.parent, prefix="log-")
    child = os.fork()
    if child:
        os.close(handle)
        return Running(child, Path(name))
    code = 99
    try:
        os.setpgid(0, 0)  # what it starts can be killed with it
        signal.signal(signal.SIGTERM, signal.default_int_handler)  # as ``__main__.run``
        os.environ.clear()
        os.environ.update(workspace.environment, PIPX_PARALLEL_MIRROR=location, PIPX_PARALLEL_RETRIES="0")
        os.environ.update(environment or {})
        os.chdir(workspace.folder)
        sys.stdout = sys.stderr = os.fdopen(handle, "w", encoding="utf-8", buffering=1)
        code = main(list(arguments))
    except KeyboardInterrupt:  # a second signal, or one after the command's end
        code = 130
    finally:
        os._exit(code)


def ran(workspace: Workspace, location: str, *arguments: str, environment: Mapping[str, str] | None = None) -> Outcome:
    """Run a command to its end."""
    return started(workspace, location, *arguments, environment=environment).wait()
