"""Facts of this machine that cost more to find out than a warm lock may take, kept in one small file.

They are the target of the running Python (50 ms) and pip's built-in index (20 ms). The file is a cache: it is trusted only
under the fingerprint of the machine and the interpreter, and may be deleted at any time.
"""

# Named with os.path throughout: pathlib costs 3 ms to import.
from __future__ import annotations

import json
import os
import sys
from typing import Any

from pipx_parallel.model import Target
from pipx_parallel.targets.targets import running_target, target_fingerprint

_SCHEMA = 1


def known_target(folder: str) -> Target:
    """Return the target of the running Python, from the file in ``folder`` if it has the target."""
    facts = _read(folder)
    try:
        label, python, markers, tags = facts["target"]
        return Target(str(label), str(python), dict(markers), tuple(tags.split(" ")))
    except (AttributeError, KeyError, TypeError, ValueError):
        pass  # not kept yet, or by somebody else: determined again
    target = running_target()
    row = [target.label, target.python_full_version, dict(target.markers), " ".join(target.tags)]
    _write(folder, {**facts, "target": row})
    return target


def known_index(folder: str) -> str:
    """Return pip's built-in index, from the file in ``folder`` if it has it. Raises ``UsageError`` if there is no pip."""
    facts = _read(folder)
    stored = facts.get("index")
    if isinstance(stored, str):
        return stored
    from pipx_parallel.config.pip_settings import default_index_url  # 20 ms of pip, once

    index = default_index_url()
    _write(folder, {**facts, "index": index})
    return index


def _read(folder: str) -> dict[str, Any]:
    """Return the stored facts of this machine and interpreter; none if the file is missing or of another machine."""
    fresh: dict[str, Any] = {"schema": _SCHEMA, "fingerprint": target_fingerprint()}
    try:
        with open(os.path.join(folder, _name()), encoding="utf-8") as file:
            stored = json.load(file)
    except (OSError, ValueError):
        return fresh
    same = isinstance(stored, dict) and all(stored.get(name) == value for name, value in fresh.items())
    return stored if same else fresh


def _write(folder: str, facts: dict[str, Any]) -> None:
    """Store the facts; if that fails, the next run determines them again."""
    from mirror.store.atomic import write_file  # only when something was found out

    try:
        os.makedirs(folder, mode=0o700, exist_ok=True)
        write_file(os.path.join(folder, _name()), json.dumps(facts).encode(), 0o600)
    except OSError:
        return


def _name() -> str:
    """Return the file's name: one per interpreter, so that several side by side do not overwrite one another."""
    import zlib  # in every interpreter; a checksum suffices to tell paths apart, the fingerprint decides

    return f"machine-{zlib.crc32(sys.prefix.encode()):08x}.json"
