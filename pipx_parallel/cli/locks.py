"""Locks as commands handle them: which ones, what is in them already, what they are to say, and what changed."""

# Paths stay the text that the user wrote; pathlib would tidy them, and costs 3 ms to import.
from __future__ import annotations

import os
import re
from typing import TYPE_CHECKING

from pipx_parallel.config.layers import Chosen, Layer, several
from pipx_parallel.config.options import CHOICE, INDEX, INPUT, NO_HASHES, STYLE, TARGET
from pipx_parallel.config.recorded import answer_settings, index_options
from pipx_parallel.emitters.interface import LockContext, RequirementsStyle
from pipx_parallel.emitters.plain_text import without_credentials
from pipx_parallel.emitters.registry import emitter_for, format_by_name, format_of
from pipx_parallel.errors import UsageError
from pipx_parallel.requirements.urls import mask_secrets

if TYPE_CHECKING:
    from collections.abc import Sequence

    from pipx_parallel.cli.request import LockRequest
    from pipx_parallel.config.option import Option
    from pipx_parallel.model import Artifact, Parts, Resolution

STDOUT = "-"
_LISTS = {"requirements", "script", "powershell"}  # formats of one list, with hashes unless --no-hashes says not


def names_of(chosen: Chosen, sources: Sequence[str]) -> tuple[str, ...]:
    """Return the outputs to write, each file once.

    They are those of ``-o``; standard output with ``--format`` alone, and for ``--packages``, ``-`` and URLs; else a
    pylock.toml beside the first source, named after it (see ``default_name``). The outputs of a project's table are for its
    own sources only: a lock of something else must not replace them.
    """
    source = next(iter((*sources, *chosen.texts("requirement"))), STDOUT)
    has_name = source != STDOUT and "://" not in source
    given = chosen.texts("output")
    if chosen.place_of("output") == "project":  # paths of this folder are shown as the table has them
        here = os.path.join(os.getcwd(), "")
        given = tuple([name.removeprefix(here) for name in given])
    if given and (chosen.place_of("output") != "project" or (has_name and _is_main(source))):
        files: dict[str, str] = {}
        for name in given:
            files.setdefault(name if name == STDOUT else os.path.abspath(name), name)
        return tuple(files.values())
    return (default_name(source),) if has_name and not chosen.text("format") else (STDOUT,)


def _is_main(source: str) -> bool:
    return os.path.basename(default_name(source)) == "pylock.toml"


def default_name(source: str) -> str:
    """Return the name of the lock of a source, beside it.

    requirements.in, requirements.txt, projects and folders: pylock.toml. Others have a name of their own, as PEP 751 allows:
    ``dev.in`` and ``requirements-dev.in`` pylock.dev.toml, ``tool.py`` pylock.tool.toml.
    """
    if os.path.isdir(source):
        return os.path.join(source, "pylock.toml")
    folder, base = os.path.split(source)
    stem, suffix = os.path.splitext(base)
    if suffix in {".in", ".txt"}:
        stem = re.sub(r"^requirements(?:[-_.]|$)", "", stem, flags=re.IGNORECASE)
    elif suffix not in {".py", ".pyw"} or base == "setup.py":
        stem = ""
    name = stem.replace(".", "-")
    return os.path.join(folder, f"pylock.{name}.toml" if name else "pylock.toml")


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
        style=RequirementsStyle(
            header=not chosen.flag("no_header"),
            annotate=not chosen.flag("no_annotate"),
            annotation_style=chosen.text("annotation_style") or "split",
            strip_extras=chosen.flag("strip_extras"),
        ),
        constraints=request.inputs.constraints,
        templates={
            without_credentials(row.value): row.template for row in request.inputs.written if row.template is not None
        },
        targets=request.targets,
        parts=request.inputs.parts,
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
    artifacts: list[Artifact] = []
    for name in names:
        form = _format(name, request.context.chosen)
        command = _with_output(context.command, name, form, request)
        own = context._replace(folder=_folder_of(name, form), command=command)
        artifacts += emitter_for(name, form).render(name, shown, own)
    return tuple(artifact._replace(text=sealed(artifact.text, digest)) for artifact in artifacts)


def _folder_of(name: str, form: str) -> str:
    """Return the folder that local paths of an output count from: its own for pylock.toml (PEP 751), the current one for pip."""
    if form not in {"pylock", "requirements"}:
        return ""
    folder = os.path.dirname(name) if form == "pylock" and name != STDOUT else ""
    return os.path.abspath(folder).replace(os.sep, "/")


def _with_output(command: str, name: str, form: str, request: LockRequest) -> str:
    """Return the command with the output that it needs to write this file again, and the format if the name selects none."""
    if request.context.chosen.text("custom_compile_command"):
        return command
    selected = format_by_name(name) or ("requirements" if name == STDOUT else None)
    # A requirements file always names itself: tools that update it look for that.
    if name in _outputs_without_flags(request) and form == selected and (form != "requirements" or name == STDOUT):
        return command
    path = os.path.relpath(name) if os.path.isabs(name) else name
    if os.path.isabs(name) and path.startswith(os.pardir):
        path = os.path.basename(name)  # where a file outside the current folder is, is a matter of this machine
    shown = path.replace(os.sep, "/")
    return f"{command} --output-file={_quoted(shown)}" + ("" if form == selected else f" --format={form}")


def _outputs_without_flags(request: LockRequest) -> tuple[str, ...]:
    """Return the outputs of the same command without -o and --format."""
    chosen = request.context.chosen
    layers = [layer for layer in chosen.layers if layer.source == "project"]
    return names_of(Chosen([*layers, Layer("flag", {"requirement": chosen.texts("requirement")})]), request.sources)


def check_names(names: Sequence[str], chosen: Chosen, *, written: bool = True) -> None:
    """Refuse outputs before any work is done.

    Raises ``UsageError`` if a name says no format, ``OutputError`` if the file cannot be ``written``, if it is to be.
    """
    for name in names:
        _format(name, chosen)
    if written:
        from pipx_parallel.locks.writer import check  # only when there is something to write

        check(names)


def existing(name: str) -> str | None:
    """Return the text an output holds now, or None if there is none or it cannot be read as text."""
    if name == STDOUT:
        return None
    try:
        with open(name, encoding="utf-8", newline="") as file:
            return file.read()
    except (OSError, UnicodeDecodeError):
        return None


def refuse_inputs(names: Sequence[str], request: LockRequest) -> None:
    """Raise ``UsageError`` if an output is one of the files just read: a lock must not replace what it is made from."""
    read = {os.path.realpath(file.path) for file in request.inputs.files}
    for name in names:
        if name != STDOUT and os.path.realpath(name) in read:
            raise UsageError(f"-o {name} would replace an input", "write the lock to another file")


def refuse_conflicts(names: Sequence[str], request: LockRequest) -> None:
    """Raise ``UsageError`` if an output is one list, and extras or groups that conflict were asked for."""
    parts = request.inputs.parts
    if parts is None or not parts.conflicts:
        return
    for name in names:
        if _format(name, request.context.chosen) in _LISTS:
            raise conflict_error("standard output" if name == STDOUT else name, parts)


def conflict_error(output: str, parts: Parts) -> UsageError:
    """Return the error that an output cannot hold extras or groups that conflict."""
    first, second, *_ = parts.conflicts[0]
    problem = f"{output} is one list and cannot hold both {first} and {second}, which conflict"
    return UsageError(problem, f"write a pylock.toml, or ask for one of them: --{first.kind} {first.name}")


def need_hashes(names: Sequence[str], chosen: Chosen) -> bool:
    """Return whether an output needs a hash of each file: PEP 751 wants one, and pip refuses a list that has only some."""
    formats = {_format(name, chosen) for name in names}
    return "pylock" in formats or (not chosen.flag("no_hashes") and bool(formats & _LISTS))


def need_licences(names: Sequence[str], chosen: Chosen) -> bool:
    """Return whether an output names licences."""
    return any(_format(name, chosen) in {"json", "sbom"} for name in names)


def _format(name: str, chosen: Chosen) -> str:
    """Return the format of an output: what its name says, else what ``--format`` says. Raises ``UsageError``."""
    return format_of(name, chosen.text("format") or ("requirements" if name == STDOUT else None))


def _command(request: LockRequest) -> str:
    """Return a command that makes this lock again, with the flags that change an answer, and variables that do.

    The grammar is that of pip-compile's header, which Dependabot and Renovate parse. How fast, and out of which copy of the mirror
    leave no trace: same answer, same bytes.
    """
    custom = request.context.chosen.text("custom_compile_command")
    if custom:
        return custom
    return command_words(request, "lock", (*INPUT, *INDEX, *CHOICE, *TARGET, NO_HASHES, *STYLE))


def command_words(request: LockRequest, verb: str, options: Sequence[Option]) -> str:
    """Return a command with the sources and those of its options that were given, as a shell reads it."""
    words = [f"pipx-parallel {verb}", *(_quoted(mask_secrets(source)) for source in request.sources)]
    layers = {layer.source: layer.values for layer in request.context.chosen.layers}
    for option in options:
        value = layers.get("flag", {}).get(option.dest)
        if value is None and option.in_lock:
            value = layers.get("environment", {}).get(option.dest)
        if value is None or value is False:
            continue
        name = "--" + option.dest.replace("_", "-")
        if option.kind == "flag":
            words.append(name)
        else:
            # With "=", as the tools that read this line expect it.
            words += [f"{name}={_quoted(mask_secrets(item))}" for item in several(value)]
    return " ".join(words)


def _quoted(word: str) -> str:
    """Return the word as a shell reads it back (as ``shlex.quote``, whose module takes 3 ms to import)."""
    return word if re.fullmatch(r"[\w@%+=:,./-]+", word, re.ASCII) else "'" + word.replace("'", "'\"'\"'") + "'"
