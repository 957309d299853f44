"""Convert lines to roots and constraints."""

from __future__ import annotations

import re
from typing import TYPE_CHECKING

from mirror.names import is_archive, normalize_extras, normalize_name
from pipx_parallel.direct_url import STRONG_HASHES
from pipx_parallel.model import Origin, RootRequirement
from pipx_parallel.requirements.refusal import quoted, refusal
from pipx_parallel.requirements.urls import VCS_SCHEMES, mask_secrets, scheme_of

if TYPE_CHECKING:
    from packaging.requirements import Requirement

    from pipx_parallel.requirements.grammar import ParsedLine
    from pipx_parallel.requirements.reader import Reader
    from pipx_parallel.requirements.references import Located

# The plain form, parsed without packaging (45 ms to import): name, extras, clauses with release numbers only. A property test
# compares the result with that of packaging.
_NAME = r"[A-Za-z0-9](?:[A-Za-z0-9._-]*[A-Za-z0-9])?"
_NUMBER = r"[0-9]+(?:\.[0-9]+)*"
_CLAUSE = rf"(?:[=!]=[ ]*{_NUMBER}(?:\.\*)?|[<>]=?[ ]*{_NUMBER}|~=[ ]*{_NUMBER}\.[0-9]+)"
_PLAIN = re.compile(
    rf"({_NAME})[ ]*(?:\[[ ]*({_NAME}(?:[ ]*,[ ]*{_NAME})*)[ ]*\])?[ ]*({_CLAUSE}(?:[ ]*,[ ]*{_CLAUSE})*)?", re.ASCII
)


def parse_root(line: ParsedLine, *, constraint: bool, reader: Reader) -> RootRequirement:
    """Return the requirement of one line.

    ``name`` is "" for an unnamed direct reference (a local folder, a source archive or version control without ``#egg=``): only
    the project's metadata has it. A wheel's URL gives name and ``==version``. Raises ``RequirementsError``.
    """
    root = _plain(line.requirement, line.origin) if not line.editable else None
    if root is None:
        root = _editable(line, reader) if line.editable else _general(line.requirement, line.origin, reader)
    hashes, settings = _hashes(line), _config_settings(line)
    if constraint or hashes or settings or line.written != root.text:
        # The hashes of the line, then that of the URL, without duplicates.
        root = root._replace(
            text=mask_secrets(_without_options(line)),
            constraint=constraint,
            hashes=tuple(dict.fromkeys((*hashes, *root.hashes))),
            config_settings=settings,
        )
    return _as_constraint(root) if constraint else root


def parse_text(text: str, origin: Origin, reader: Reader) -> RootRequirement:
    """Return the root of a requirement from an option or a TOML list. Raises ``RequirementsError``."""
    root = _plain(text, origin) or _general(text, origin, reader)
    masked = mask_secrets(text)
    return root if root.text == masked else root._replace(text=masked)


def split_packages(text: str) -> tuple[str, ...]:
    """Split ``--packages "a>=1,<2,b[x,y],c"`` into requirements.

    A comma separates two requirements unless it is inside brackets or quotes, or an operator follows.
    """
    pieces: list[str] = []
    depth, quote, start = 0, "", 0
    for index, char in enumerate(text):
        if quote:
            quote = "" if char == quote else quote
        elif char in "\"'":
            quote = char
        elif char in "[(":
            depth += 1
        elif char in "])":
            depth -= 1
        elif char == "," and depth <= 0 and not text[index + 1 :].lstrip().startswith(("<", ">", "=", "!", "~")):
            pieces.append(text[start:index])
            start = index + 1
    pieces.append(text[start:])
    return tuple(piece.strip() for piece in pieces if piece.strip())


def _plain(text: str, origin: Origin) -> RootRequirement | None:
    match = _PLAIN.fullmatch(text)
    if match is None:
        return None
    name, extras, clauses = match.groups()
    if not clauses and is_archive(name):
        return None  # pip treats it as a file
    specifier = _canonical(clauses) if clauses else ""
    if specifier is None:
        return None
    return RootRequirement(
        name=normalize_name(name),
        extras=normalize_extras(extras) if extras else (),
        specifier=specifier,
        marker=None,
        url=None,
        hashes=(),
        origin=origin,
        text=text,
    )


def _canonical(clauses: str) -> str | None:
    """Return the clauses in the form of ``str(SpecifierSet)``: without blanks, sorted.

    None if an operator occurs twice: packaging decides which of two equal versions remains.
    """
    pieces = clauses.replace(" ", "").split(",")
    if len({piece.rstrip("0123456789.*") for piece in pieces}) < len(pieces):
        return None
    return ",".join(sorted(pieces))


def _general(text: str, origin: Origin, reader: Reader) -> RootRequirement:
    """Parse a requirement that is not plain: a direct reference, or any form of PEP 508."""
    from pipx_parallel.requirements.references import find_reference, locate  # not for plain lines

    bare, marker = _split_marker(text, origin)
    located = find_reference(bare, origin, reader)
    if located is not None:
        return _from_reference(located, marker, origin, text)
    # An empty marker is allowed only in a requirements file.
    requirement = _parse(text if marker or ";" not in text[len(bare) :] else bare, origin)
    url: str | None = None
    hashes: tuple[str, ...] = ()
    if requirement.url:
        if not scheme_of(requirement.url):
            problem = f"{quoted(requirement.url)} is not a URL that pip can fetch"
            raise refusal(origin, problem, "write a path as file:///absolute/path, or remove the name before it")
        named = locate(requirement.url, (), origin, reader)
        url, hashes = named.url, named.hashes
    return RootRequirement(
        name=normalize_name(requirement.name),
        extras=tuple(sorted({normalize_name(extra) for extra in requirement.extras})),
        specifier=str(requirement.specifier),
        marker=str(requirement.marker) if requirement.marker else None,
        url=url,
        hashes=hashes,
        origin=origin,
        text=text,
    )


def _split_marker(text: str, origin: Origin) -> tuple[str, str | None]:
    """Split off the marker; in a bare URL only "; " begins a marker, because a URL may contain a semicolon."""
    from pipx_parallel.requirements.references import looks_like_path  # not for plain lines

    bare, mark, marker = text.partition("; " if scheme_of(text) else ";")
    bare, marker = bare.rstrip(), marker.strip()
    if not mark or not marker:
        return bare, None
    if " @ " in bare or not (scheme_of(bare) or looks_like_path(bare) or is_archive(bare)):
        return bare, marker  # parsed together with its requirement
    from packaging.markers import InvalidMarker, Marker  # 45 ms, not for plain lines

    try:
        return bare, str(Marker(marker))
    except InvalidMarker as error:
        problem = f"the marker {quoted(marker)} is malformed: {str(error).partition(chr(10))[0].rstrip('.:')}"
        raise refusal(origin, problem, "write it like: python_version < '3.12'") from None


def _parse(text: str, origin: Origin) -> Requirement:
    from packaging.requirements import InvalidRequirement, Requirement  # 45 ms, not for plain lines

    try:
        return Requirement(text)
    except InvalidRequirement as error:
        from pipx_parallel.requirements.diagnosis import diagnose  # only for an error

        raise refusal(origin, *diagnose(text, str(error))) from None


def _from_reference(located: Located, marker: str | None, origin: Origin, text: str) -> RootRequirement:
    return RootRequirement(
        name=located.name,
        extras=located.extras,
        specifier=located.specifier,
        marker=marker,
        url=located.url,
        hashes=located.hashes,
        origin=origin,
        text=text,
    )


def _editable(line: ParsedLine, reader: Reader) -> RootRequirement:
    """Parse the value of ``-e``: a path, version control, or ``name[extra] @ URL ; marker``."""
    from pipx_parallel.requirements.references import find_editable, looks_like_path  # only for -e

    text = line.requirement
    head = text.partition("@")[0].rstrip()
    if "@" in text and not scheme_of(text) and not looks_like_path(head):
        root = _general(text, line.origin, reader)
        if root.url and scheme_of(root.url) in ("file", *VCS_SCHEMES):
            return root._replace(editable=True)
        problem = f"{quoted(text)} cannot be installed as editable"
        raise refusal(line.origin, problem, "name a folder (file:///…) or version control (git+https://…)")
    return _from_reference(find_editable(text, line.origin, reader), None, line.origin, text)._replace(editable=True)


def _hashes(line: ParsedLine) -> tuple[str, ...]:
    """Return the values of ``--hash``, checked: a digest of the wrong length could never match a file."""
    hashes: list[str] = []
    for name, value in line.options:
        if name != "--hash":
            continue
        algorithm, colon, digest = value.partition(":")
        if not colon or algorithm not in STRONG_HASHES:
            problem = f"--hash {quoted(value)} does not begin with {', '.join(STRONG_HASHES)} and a colon"
            raise refusal(line.origin, problem, "write it like: --hash=sha256:0123…")
        digest = digest.lower()
        if len(digest) != STRONG_HASHES[algorithm] or not re.fullmatch("[0-9a-f]+", digest):
            problem = f"--hash {quoted(value)} is not a {algorithm} digest"
            raise refusal(
                line.origin, problem, f"a {algorithm} digest has {STRONG_HASHES[algorithm]} hexadecimal digits"
            )
        hashes.append(f"{algorithm}:{digest}")
    return tuple(hashes)


def _config_settings(line: ParsedLine) -> tuple[tuple[str, str], ...]:
    settings: list[tuple[str, str]] = []
    for name, value in line.options:
        if name == "--config-settings":
            key, equals, setting = value.partition("=")
            if not equals:
                problem = f"--config-settings {quoted(value)} has no equals sign"
                raise refusal(line.origin, problem, "write it like: --config-settings=key=value")
            settings.append((key, setting))
    return tuple(settings)


def _without_options(line: ParsedLine) -> str:
    """Return the line as written, without the options after the requirement."""
    return line.written if line.editable else line.written.partition(" -")[0].rstrip()


def _as_constraint(root: RootRequirement) -> RootRequirement:
    """Return the root as a constraint, without extras: locks that have extras are used as constraints, too."""
    problem, remedy = "", ""
    if root.editable:
        problem, remedy = "is editable", "remove the -e"
    elif not root.name:
        problem, remedy = "has no name", "write it as name @ URL"
    if problem:
        raise refusal(
            root.origin,
            f"the constraint {quoted(root.text)} {problem}",
            f"{remedy}: a constraint is a name and a bound",
        )
    return root._replace(extras=())
