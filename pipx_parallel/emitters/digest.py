"""The digest of everything a lock depends on but the index: equal digests, nothing changed, no resolve needed.

``lock --check`` compares this first. Every format carries it: ``inputs`` in TOML and JSON, a comment elsewhere. What the command
line writes is sealed: the digest then covers what the lock says as well, so that an edited lock is not taken for a fresh one.
"""

from __future__ import annotations

from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from collections.abc import Sequence

    from pipx_parallel.emitters.interface import LockContext
    from pipx_parallel.model import Target

# They name the kernel's build, differ between two machines that are alike, and no published marker is known to use them.
_MACHINE_ONLY = frozenset({"platform_release", "platform_version"})
_COMMENT = "pipx-parallel: inputs "


def input_digest(context: LockContext, targets: Sequence[Target]) -> str:
    """Return ``sha256:hex`` over the contents of the sources, the options, the settings and the targets.

    The *paths* of the sources are left out, so that a check from another folder still matches; what a path decides (a
    constraint rather than a requirement) must therefore be in ``context.settings``. Tags count: two machines with different
    C libraries may install different files.
    """
    # Imported here: an emitter is loaded for every output, these two only matter where a digest is made (10 ms).
    import hashlib
    import json

    facts = {
        "files": [file.sha256 for file in context.files],
        "hashes": context.hashes,
        "options": _public(context.options._asdict()),
        "settings": _public(dict(context.settings)),
        "targets": [_target_facts(target) for target in targets],
    }
    canonical = json.dumps(facts, sort_keys=True, separators=(",", ":"), ensure_ascii=True)
    return "sha256:" + hashlib.sha256(canonical.encode("ascii")).hexdigest()


def sealed(text: str, digest: str) -> str:
    """Return a lock with the digest of its inputs replaced by one of its inputs and of all else that it says."""
    return text.replace(digest, _seal(digest, text.replace(digest, "", 1)), 1)


def is_sealed(text: str, found: str, digest: str) -> bool:
    """Return whether a lock, in which ``found`` stands as its digest, was sealed with this one and says what it said then.

    Line ends do not count: a checkout may have changed them.
    """
    return found == _seal(digest, text.replace("\r\n", "\n").replace(found, "", 1))


def _seal(digest: str, rest: str) -> str:
    import hashlib  # as below

    return "sha256:" + hashlib.sha256(f"{digest}\n{rest}".encode("utf-8", "replace")).hexdigest()


def digest_comment(digest: str) -> str:
    """Return the text of the comment line that carries the digest in formats without keys."""
    return _COMMENT + digest


def _target_facts(target: Target) -> dict[str, object]:
    markers = {name: value for name, value in target.markers.items() if name not in _MACHINE_ONLY}
    return {
        "label": target.label,
        "python": target.python_full_version,
        "markers": markers,
        "tags": " ".join(target.tags),
    }


def _public(values: dict[str, object]) -> dict[str, object]:
    """Leave credentials out: rotating a password does not make a lock stale, and a digest of a secret can be guessed at."""
    from pipx_parallel.emitters.plain_text import without_credentials  # same reason as above

    return {
        name: without_credentials(value)
        if isinstance(value, str)
        else [without_credentials(item) for item in value]
        if isinstance(value, tuple)
        else value
        for name, value in values.items()
    }
