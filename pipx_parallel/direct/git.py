"""Repositories: from a branch or tag to a commit, and from a commit to a folder. Runs git; keeps clones beside the mirror.

A secret reaches git by variable only (``http.extraHeader`` in ``GIT_CONFIG_…``): never by argument, never in a clone's settings.
"""

# Paths go to other programs as text, and come back from them so.
from __future__ import annotations

import base64
import hashlib
import os
import re
import shutil
import tempfile
import threading
from typing import TYPE_CHECKING

from mirror.errors import BuildFailed, MirrorError, NotFound, Unreachable
from pipx_parallel.builds.processes import Processes
from pipx_parallel.direct.reference import COMMIT

if TYPE_CHECKING:
    from collections.abc import Callable, Mapping

    from pipx_parallel.builds.processes import Finished

_TIMEOUT = 600.0  # seconds for one git command
_HEX = re.compile(r"[0-9a-f]{7,64}")
# What git ends with whatever went wrong; the reason stands before it.
_ADVICE = ("Please make sure you have the correct access rights", "and the repository exists.")


class Git:
    """Finds commits and checks them out; several threads may ask at once."""

    def __init__(
        self, folder: str, environ: Mapping[str, str], credentials: Callable[[str], tuple[str, str] | None] | None
    ) -> None:
        """``folder`` keeps clones; it is made when the first is."""
        self._folder = folder
        self._environ = {
            **environ,
            "GIT_TERMINAL_PROMPT": "0",  # nobody is there to answer
            "LC_ALL": "C",
        }
        self._asks_ssh = not (environ.get("GIT_SSH_COMMAND") or environ.get("GIT_SSH"))  # else the user named a program
        if self._asks_ssh:
            self._environ["GIT_SSH_COMMAND"] = "ssh -oBatchMode=yes"
        for name in ("GIT_DIR", "GIT_WORK_TREE", "GIT_INDEX_FILE"):  # of a hook that runs us
            self._environ.pop(name, None)
        self._credentials = credentials
        self._processes = Processes(_TIMEOUT)
        self._locks: dict[str, threading.Lock] = {}
        self._lock = threading.Lock()

    def commit_of(self, url: str, revision: str | None) -> str:
        """Return the commit that a branch, tag or (short) hash means now; without a revision, that of HEAD.

        Raises ``NotFound`` for a revision there is not, ``Unreachable`` if the repository does not answer.
        """
        if revision is not None and COMMIT.fullmatch(revision):
            return revision
        patterns = ["HEAD"] if revision is None else [revision, f"{revision}^{{}}"]
        listed = self._must(url, "ls-remote", "--quiet", "--", url, *patterns)
        refs: dict[str, str] = {}
        for line in listed.splitlines():
            commit, _, name = line.partition("\t")
            refs[name] = commit
        names = (
            ["HEAD"]
            if revision is None
            else [f"refs/tags/{revision}^{{}}", f"refs/tags/{revision}", f"refs/heads/{revision}", revision]
        )
        for name in names:
            if name in refs:
                return refs[name]
        if revision is not None and _HEX.fullmatch(revision):
            clone = self._clone(url)
            done = self._git(url, "-C", clone, "rev-parse", "--verify", "--quiet", f"{revision}^{{commit}}")
            if done.code == 0:
                return done.output.strip()
        raise NotFound(f"{url}: there is no branch, tag or commit {revision or 'HEAD'!r}")

    def checkout(self, url: str, commit: str) -> str:
        """Return a folder with the files of a commit, submodules included. Raises ``NotFound`` or ``Unreachable``."""
        clone = self._clone(url)
        folder = f"{clone}-{commit}"
        with self._locked(clone):
            if os.path.isdir(folder):
                return folder
            if self._git(url, "-C", clone, "cat-file", "-e", f"{commit}^{{commit}}").code:
                self._git(url, "-C", clone, "fetch", "--quiet", "--tags", "origin")
                if self._git(url, "-C", clone, "cat-file", "-e", f"{commit}^{{commit}}").code:
                    self._must(url, "-C", clone, "fetch", "--quiet", "origin", commit)
            made = f"{folder}.{os.getpid()}"
            self._git(url, "-C", clone, "worktree", "prune")
            self._must(url, "-C", clone, "worktree", "add", "--quiet", "--detach", "--force", made, commit)
            if os.path.isfile(os.path.join(made, ".gitmodules")):
                self._must(url, "-C", made, "submodule", "--quiet", "update", "--init", "--recursive")
            return self._settled(url, clone, made, folder)

    def close(self) -> None:
        """End what is running; safe to call twice."""
        self._processes.close()

    def _settled(self, url: str, clone: str, made: str, folder: str) -> str:
        """Give a finished checkout its name; if another process was faster, use its checkout."""
        if self._git(url, "-C", clone, "worktree", "move", made, folder).code:
            return folder if os.path.isdir(folder) else made
        return folder

    def _clone(self, url: str) -> str:
        """Return a clone without files; blobs are fetched when they are needed, if the server can do that."""
        clone = os.path.join(self._folder, hashlib.blake2s(url.encode(), digest_size=8).hexdigest())
        with self._locked(clone):
            if not os.path.isdir(clone):
                os.makedirs(self._folder, mode=0o700, exist_ok=True)
                made = tempfile.mkdtemp(prefix="clone-", dir=self._folder)
                try:
                    self._must(url, "clone", "--quiet", "--no-checkout", "--filter=blob:none", "--", url, made)
                    os.rename(made, clone)
                except OSError:  # another process was faster: its clone is as good
                    if not os.path.isdir(clone):
                        raise
                finally:
                    shutil.rmtree(made, ignore_errors=True)
        return clone

    def _locked(self, key: str) -> threading.Lock:
        with self._lock:
            return self._locks.setdefault(key, threading.Lock())

    def _must(self, url: str, *arguments: str) -> str:
        done = self._git(url, *arguments)
        if done.code:
            lines = [line.removeprefix("fatal: ").strip() for line in done.output.splitlines()]
            lines = [line for line in lines if line and line not in _ADVICE]
            raise Unreachable(f"{url}: {'; '.join(lines[-3:]) or f'git ended with {done.code}'}")
        return done.output

    def _git(self, url: str, *arguments: str) -> Finished:
        program = shutil.which("git", path=self._environ.get("PATH"))
        if program is None:
            raise MirrorError(f"{url} is a git repository, and there is no git on this machine")
        if self._asks_ssh and url.startswith("ssh:") and shutil.which("ssh", path=self._environ.get("PATH")) is None:
            raise MirrorError(
                f"{url} is reached by ssh, and there is no ssh on this machine; install it, or name it by https"
            )
        try:
            return self._processes.run([program, *arguments], environ={**self._environ, **self._secret(url)})
        except BuildFailed as error:
            raise Unreachable(f"{url}: git {error}") from None

    def _secret(self, url: str) -> dict[str, str]:
        """Return the variables that let git sign in over HTTP, to this host only."""
        pair = self._credentials(url) if self._credentials is not None and url.startswith("http") else None
        if pair is None:
            return {}
        origin = "/".join(url.split("/", 3)[:3])
        signed = base64.b64encode(":".join(pair).encode()).decode()
        number = int(self._environ.get("GIT_CONFIG_COUNT") or 0)
        return {
            "GIT_CONFIG_COUNT": str(number + 1),
            f"GIT_CONFIG_KEY_{number}": f"http.{origin}/.extraHeader",
            f"GIT_CONFIG_VALUE_{number}": f"Authorization: Basic {signed}",
        }
