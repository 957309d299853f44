"""Locks as commands handle them: which ones, what is in them already, what they are to say, and what changed."""

# Paths stay the text that the user wrote; pathlib would tidy them, and costs 3 ms to import.
from __future__ import annotations

import os
import re
from typing import TYPE_CHECKING

from pipx_parallel.config.options import CHOICE, INDEX, INPUT, NO_HASHES, TARGET
from pipx_parallel.config.recorded import answer_settings, index_options
from pipx_parallel.emitters.interface import LockContext
from pipx_parallel.emitters.registry import emitter_for, format_of
from pipx_parallel.errors import NoSolution, UsageError
from pipx_parallel.requirements.urls import mask_secrets

if TYPE_CHECKING:
    from collections.abc import Sequence

    from pipx_parallel.cli.request import LockRequest
    from pipx_parallel.config.layers import Chosen
    from pipx_parallel.emitters.interface import Artifact
    from pipx_parallel.model import Resolution

STDOUT = "-"


def names_of(given: Sequence[str], sources: Sequence[str]) -> tuple[str, ...]:
    """Return the outputs to write: those given, each file once, else ``pylock.toml`` beside the first source.

    A script's lock carries the script's name, ``pylock.NAME.toml``, as PEP 751 wants where a folder may hold several.
    """
    if given:
        files: dict[str, str] = {}
        for name in given:
            files.setdefault(name if name == STDOUT else os.path.abspath(name), name)
        return tuple(files.values())
    source = next(iter(sources), STDOUT)
    if source == STDOUT or "://" in source:
        return ("pylock.toml",)
    stem, suffix = os.path.splitext(os.path.basename(source))
    name = f"pylock.{stem.replace('.', '-')}.toml" if suffix in {".py", ".pyw"} else "pylock.toml"
    return (os.path.join(source if os.path.isdir(source) else os.path.dirname(source), name),)


def context_of(request: LockRequest) -> LockContext:
    """Return what the locks say about how they were made."""
    chosen = request.context.chosen
    settings = answer_settings(chosen, request.settings)
    return LockContext(
        command=_command(request),
        files=request.inputs.files,
        options=index_options(chosen, request.settings),
        settings=settings,
        hashes=not chosen.flag("no_hashes"),
    )


def render(
    request: LockRequest, resolutions: Sequence[Resolution], names: Sequence[str], *, figures: bool = False
) -> tuple[Artifact, ...]:
    """Return the artifacts of all outputs. Raises ``UsageError`` for a name that says no format.

    ``figures`` lets times and counts into the JSON report; without them the same answer gives the same bytes.
    """
    from pipx_parallel.emitters.digest import input_digest, sealed  # loaded by the emitters; named where it is used

    context = context_of(request)
    shown = resolutions if figures else [resolution._replace(stats=None) for resolution in resolutions]
    digest = input_digest(context, [resolution.target for resolution in resolutions])
    return tuple(
        artifact._replace(text=sealed(artifact.text, digest))
        for name in names
        for artifact in emitter_for(name, _format(name, request.context.chosen)).render(name, shown, context)
    )


def check_names(names: Sequence[str], chosen: Chosen, *, written: bool = True) -> None:
    """Refuse outputs before any work is done.

    Raises ``UsageError`` where a name says no format, ``OutputError`` where the file cannot be ``written``, if it is to be.
    """
    for name in names:
        _format(name, chosen)
    if written:
        from pipx_parallel.locks.writer import check  # only when there is something to write

        check(names)


def existing(name: str) -> str | None:
    """Return the text an output holds now, or None where there is none or it cannot be read as text."""
    if name == STDOUT:
        return None
    try:
        with open(name, encoding="utf-8", newline="") as file:
            return file.read()
    except (OSError, UnicodeDecodeError):
        return None


def refuse_inputs(names: Sequence[str], request: LockRequest) -> None:
    """Raise ``UsageError`` where an output is one of the files just read: a lock must not replace what it is made from."""
    read = {os.path.realpath(file.path) for file in request.inputs.files}
    for name in names:
        if name != STDOUT and os.path.realpath(name) in read:
            raise UsageError(f"-o {name} would replace an input; write the lock to another file")


def refuse_bare(names: Sequence[str], chosen: Chosen, resolutions: Sequence[Resolution]) -> None:
    """Raise ``NoSolution`` naming every pin that a pylock.toml could not hold: PEP 751 wants a hash of each file."""
    if not any(_format(name, chosen) == "pylock" for name in names):
        return
    pins = [pin for resolution in resolutions for pin in resolution.pins]
    bare = [
        f"{pin.name} {pin.version}: its index gives no hash of {pin.installable[0].filename}, and pylock.toml needs one; "
        "write requirements instead (-o locked.txt)"
        for pin in pins
        if pin.installable and not any(file.hashes for file in pin.installable)
    ]
    if bare:
        raise NoSolution(tuple(dict.fromkeys(bare)))


def _format(name: str, chosen: Chosen) -> str:
    """Return the format of an output: what its name says, else what ``--format`` says. Raises ``UsageError``."""
    return format_of(name, chosen.text("format") or ("requirements" if name == STDOUT else None))


def _command(request: LockRequest) -> str:
    """Return a command that makes this lock again, with what was given as flags and changes an answer.

    Where it is written, how fast, and out of which copy of the mirror leave no trace: same answer, same bytes.
    """
    words = ["pipx-parallel", "lock", *request.sources]
    given = next((layer.values for layer in request.context.chosen.layers if layer.place == "flag"), {})
    for option in (*INPUT, *INDEX, *CHOICE, *TARGET, NO_HASHES):
        value = given.get(option.dest)
        if value is None:
            continue
        name = "--" + option.dest.replace("_", "-")
        if option.kind == "flag":
            words.append(name)
        else:
            words += [word for one in (value if isinstance(value, tuple) else (value,)) for word in (name, str(one))]
    return " ".join(map(_quoted, map(mask_secrets, words)))


def _quoted(word: str) -> str:
    """Return the word as a shell reads it back (as ``shlex.quote``, whose module takes 3 ms to import)."""
    return word if re.fullmatch(r"[\w@%+=:,./-]+", word, re.ASCII) else "'" + word.replace("'", "'\"'\"'") + "'"
