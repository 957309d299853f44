"""The digest of everything that a lock depends on except the index: if it is unchanged, no resolve is needed.

``lock --check`` compares it first. Every format carries it: ``inputs`` in TOML and JSON, a comment in other formats. Locks that
the command line writes are sealed: the digest also covers the content of the lock, so that an edited lock counts as out of date.
"""

from __future__ import annotations

from typing import TYPE_CHECKING

from pipx_parallel.emitters.interface import RequirementsStyle

if TYPE_CHECKING:
    from collections.abc import Sequence

    from pipx_parallel.emitters.interface import LockContext
    from pipx_parallel.model import Target

# They contain the kernel's build number and differ between otherwise equal machines; no known published marker uses them.
_MACHINE_ONLY = frozenset({"platform_release", "platform_version"})
_COMMENT = "pipx-parallel: inputs "


def input_digest(context: LockContext, targets: Sequence[Target]) -> str:
    """Return ``sha256:hex`` over the contents of the sources, the options, the settings and the targets.

    The *paths* of the sources are not included, so that a check from another folder matches; what depends on a path (whether a
    file holds constraints or requirements) must therefore be in ``context.settings``. Tags are included, because two machines
    with different C libraries may install different files.
    """
    # Imported here (10 ms): an emitter is loaded for every output, but not every output needs a digest.
    import hashlib
    import json

    facts: dict[str, object] = {
        "files": [file.sha256 for file in context.files],
        "hashes": context.hashes,
        "options": _public(context.options._asdict()),
        "settings": _public(dict(context.settings)),
        "targets": [_target_facts(target) for target in context.targets or targets],
    }
    if context.style != RequirementsStyle():
        facts["style"] = context.style._asdict()
    canonical = json.dumps(facts, sort_keys=True, separators=(",", ":"), ensure_ascii=True)
    return "sha256:" + hashlib.sha256(canonical.encode("ascii")).hexdigest()


def sealed(text: str, digest: str) -> str:
    """Return a lock in which the digest of the inputs is replaced by one over the inputs and the lock's own content."""
    return text.replace(digest, _seal(digest, text.replace(digest, "", 1)), 1)


def is_sealed(text: str, seal: str, digest: str) -> bool:
    """Return whether a lock was sealed with this digest and not edited since; ``seal`` is the digest that it carries.

    Line ends are ignored: a checkout may have changed them.
    """
    return seal == _seal(digest, text.replace("\r\n", "\n").replace(seal, "", 1))


def _seal(digest: str, rest: str) -> str:
    import hashlib  # as above

    return "sha256:" + hashlib.sha256(f"{digest}\n{rest}".encode("utf-8", "replace")).hexdigest()


def digest_comment(digest: str) -> str:
    """Return the text of the comment line that carries the digest in formats without keys."""
    return _COMMENT + digest


def _target_facts(target: Target) -> dict[str, object]:
    markers = {name: value for name, value in target.markers.items() if name not in _MACHINE_ONLY}
    bounds = {"from": target.python_from, "until": target.python_until}
    return {
        "label": target.label,
        "python": target.python_full_version,
        "markers": markers,
        "tags": " ".join(target.tags),
        **{name: bound for name, bound in bounds.items() if bound},
    }


def _public(values: dict[str, object]) -> dict[str, object]:
    """Return the values without credentials: a new password must not change the digest, and a digest of a secret can be guessed."""
    from pipx_parallel.emitters.plain_text import without_credentials  # as above

    return {
        name: without_credentials(value)
        if isinstance(value, str)
        else [without_credentials(item) for item in value]
        if isinstance(value, tuple)
        else value
        for name, value in values.items()
    }
