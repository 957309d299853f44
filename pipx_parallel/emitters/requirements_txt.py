"""Requirements files that plain pip installs: every project at one version, with hashes and ``# via`` comments.

The hashes of *all* files of a release are listed, so that other platforms can install from the same file. Index options are
written only if the inputs had them, never with credentials.
"""

from __future__ import annotations

import re
from typing import TYPE_CHECKING

from mirror.equality import NamedTuple
from mirror.names import with_extras
from pipx_parallel.emitters import locked_files, merge
from pipx_parallel.emitters.digest import digest_comment, input_digest
from pipx_parallel.emitters.plain_text import one_line, quoted_word, safe_template, safe_url, without_credentials
from pipx_parallel.format_control import ALL
from pipx_parallel.model import Artifact

if TYPE_CHECKING:
    from collections.abc import Iterator, Mapping, Sequence

    from pipx_parallel.emitters.interface import LockContext, RequirementsStyle
    from pipx_parallel.emitters.merge import LockEntry
    from pipx_parallel.model import IndexOptions, Resolution, RootRequirement


class Lines(NamedTuple):
    """The requirement lines of a lock, in two parts because pip checks the hashes of all requirements of a run or of none."""

    checked: tuple[str, ...]
    unchecked: tuple[str, ...]  # repositories and folders, which have a commit or a path instead of a hash


def render(name: str, resolutions: Sequence[Resolution], context: LockContext) -> tuple[Artifact, ...]:
    """Return the one requirements file for all the resolutions (see ``Emitter``)."""
    constrains = (
        re.search(r"(?:^|[/\\._-])constraints[^/\\]*$", name) is not None
    )  # there pip refuses extras, editables and paths
    style = context.style._replace(strip_extras=context.style.strip_extras or constrains)
    requesters = merge.requesters(resolutions, context.constraints) if style.annotate else {}
    head = header(resolutions, context) if style.header else merge.missing_lines(resolutions)
    blocks = [*head, *option_lines(context.options, context.templates)]
    blocks += [""] * bool(blocks)
    extras = {} if style.strip_extras else merge.extras(resolutions)
    roots = {} if constrains else merge.roots_by_name(resolutions)
    folder = "" if constrains else context.folder
    for entry in merge.merge(resolutions):
        requirement = _line(entry, extras.get(entry.pin.name, ()), roots.get(entry.pin.name), folder)
        hashes = _hashes(entry) if context.hashes else ()
        parents = [one_line(words) for words in requesters.get(entry.pin.name, ())]
        block = [_with_hashes(requirement, hashes), *_annotation(parents, style)]
        if style.annotation_style == "line" and not hashes:
            block = ["  ".join(line.strip() for line in block)]
        blocks += [*block, *_NO_HASH[bool(hashes) or not context.hashes]]
    return (Artifact(name, "\n".join(blocks) + "\n"),)


def header(resolutions: Sequence[Resolution], context: LockContext) -> Iterator[str]:
    """Yield the comment lines of the header: command, digest, targets, what is missing."""
    targets = [resolution.target for resolution in resolutions]
    yield "# Made by pipx-parallel with this command:"
    yield f"#    {one_line(context.command)}"
    yield f"# {digest_comment(input_digest(context, targets))}"
    for label in merge.target_labels(targets):
        yield f"# For {one_line(label)}."
    yield from merge.missing_lines(resolutions)


def option_lines(options: IndexOptions, templates: Mapping[str, str] | None = None) -> Iterator[str]:
    """Yield the index and format options that the inputs had; ``templates`` are URLs with the variables that pip will replace."""

    def written(url: str) -> str:
        template = (templates or {}).get(without_credentials(url))
        return safe_url(url) if template is None else safe_template(template)

    if options.no_index:
        yield "--no-index"
    elif options.index_url:
        yield f"--index-url {written(options.index_url)}"
    for url in () if options.no_index else options.extra_index_urls:
        yield f"--extra-index-url {written(url)}"
    for location in options.find_links:
        template = (templates or {}).get(without_credentials(location))
        yield f"--find-links {safe_template(template) if template else quoted_word(without_credentials(location))}"
    for host in options.trusted_hosts:
        yield f"--trusted-host {quoted_word(host)}"
    formats = [("--no-binary", options.no_binary), ("--only-binary", options.only_binary)]
    # In pip ":all:" resets what precedes it in both lists, so it comes first.
    for name, projects in sorted(formats, key=lambda row: ALL not in row[1]):
        if projects:
            yield f"{name} {quoted_word(','.join(projects))}"


def requirement_lines(resolutions: Sequence[Resolution], context: LockContext) -> Lines:
    """Return the pins without comments, for the install scripts."""
    extras = merge.extras(resolutions)
    roots = merge.roots_by_name(resolutions)
    checked: list[str] = []
    unchecked: list[str] = []
    for entry in merge.merge(resolutions):
        hashes = _hashes(entry) if context.hashes else ()
        requirement = _line(entry, extras.get(entry.pin.name, ()), roots.get(entry.pin.name), "")
        part = checked if entry.pin.url is None or hashes else unchecked
        part.append(_with_hashes(requirement, hashes))
    return Lines(tuple(checked), tuple(unchecked))


def _line(entry: LockEntry, extras: Sequence[str], root: RootRequirement | None, folder: str) -> str:
    """Return a pin with the user's settings for its build backend, so that pip builds what was locked."""
    settings = () if root is None else root.config_settings
    words = [f"--config-settings {quoted_word(f'{name}={value}')}" for name, value in settings]
    return " ".join([_requirement(entry, extras, root, folder), *words])


def _requirement(entry: LockEntry, extras: Sequence[str], root: RootRequirement | None, folder: str) -> str:
    pin = entry.pin
    name = with_extras(pin.name, extras)
    marker = "" if entry.marker is None else f" ; {entry.marker}"
    if pin.url is None:
        return f"{name}=={pin.version}{marker}"
    url = safe_url(pin.url)
    path = _path_in(folder, url, root) if url.startswith("file:") else None
    if root is not None and root.editable and not entry.marker:
        return f"-e {path or url}"
    if path is not None:
        return f"{path}[{','.join(extras)}]{marker}" if extras else f"{path}{marker}"
    if "+file:" in url.partition("/")[0] and not extras:
        # pip before 24.1 treats ``name @ git+file:///path`` as a path, because the URL has no host;
        # pip 26 refuses extras in ``#egg=``.
        return f"{url}{'&' if '#' in url else '#'}egg={name}{marker}"
    return f"{name} @ {url}{marker}"


def _path_in(folder: str, url: str, root: RootRequirement | None) -> str | None:
    """Return a local path as pip reads it from the current folder: ``./lib``; None if it cannot be written without quotes."""
    from pipx_parallel.emitters import direct  # few locks have local paths (2 ms)

    path = None if "#" in url else direct.relative_path(direct.local_path(url), folder, root)
    if path is None or not re.fullmatch(r"[A-Za-z0-9._/+-]+", path):
        return None
    return path if path.startswith("../") else f"./{path}"


def _hashes(entry: LockEntry) -> tuple[str, ...]:
    if entry.pin.url is None:
        return locked_files.strong_hashes(entry.pin.files)
    from pipx_parallel.emitters import direct  # few locks have direct references (2 ms)

    source = direct.source_of(entry.pin, None)
    if not isinstance(source, direct.ArchiveSource):
        return ()
    strong = [f"{algorithm}:{digest}" for algorithm, digest in source.hashes if algorithm.startswith("sha")]
    return tuple(strong[:1])


def _with_hashes(requirement: str, hashes: Sequence[str]) -> str:
    return " \\\n    ".join((requirement, *(f"--hash={digest}" for digest in hashes)))


def _annotation(parents: Sequence[str], style: RequirementsStyle) -> Iterator[str]:
    if len(parents) == 1 or (parents and style.annotation_style == "line"):
        yield f"    # via {', '.join(parents)}"
    elif parents:
        yield "    # via"
        yield from (f"    #   {words}" for words in parents)


_NO_HASH = {False: ("    # NO HASH: pip refuses the whole file as long as other lines have one",), True: ()}
