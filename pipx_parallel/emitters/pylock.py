"""``pylock.toml`` (PEP 751, lock-version 1.0), rendered straight to text.

``packaging.pylock`` and ``tomli_w`` are not used: for 171 packages they take 60 ms to import and 40 ms to run, this module 4 ms
(measured on CPython 3.11, two shared cores). The tests check the text with ``packaging.pylock`` instead: ``Pylock.from_dict``
accepts it, and ``to_dict`` returns the same table.

A lock lists the wheels that the targets can install, and the source archive. A file without a hash cannot be listed; a project
without any such file is named in a comment, never dropped silently.
"""

from __future__ import annotations

import re
from typing import TYPE_CHECKING

from pipx_parallel.emitters import locked_files, merge, toml_text
from pipx_parallel.emitters.digest import input_digest
from pipx_parallel.emitters.plain_text import one_line, safe_url, without_credentials
from pipx_parallel.locks import target_markers
from pipx_parallel.model import Artifact

if TYPE_CHECKING:
    from collections.abc import Iterator, Mapping, Sequence

    from mirror.records.model import DistFile
    from pipx_parallel.emitters.interface import LockContext
    from pipx_parallel.emitters.merge import LockEntry
    from pipx_parallel.model import Parts, Pin, Resolution, RootRequirement

# Compiled on first use: a lock of 171 packages has a dozen distinct specifiers, most of them ``>=3.9``.
_SUFFIX = r"(?:(?:a|b|rc)[0-9]+)?(?:\.post[0-9]+)?(?:\.dev[0-9]+)?"
_CLAUSE = (
    rf"(?:[<>]=?|==|!=)[0-9]+(?:\.[0-9]+)*{_SUFFIX}|(?:==|!=)[0-9]+(?:\.[0-9]+)*\.\*|~=[0-9]+(?:\.[0-9]+)+{_SUFFIX}"
)


def render(name: str, resolutions: Sequence[Resolution], context: LockContext) -> tuple[Artifact, ...]:
    """Return the one lock file for all the resolutions (see ``Emitter``)."""
    entries = merge.merge(resolutions, context.parts)
    versions = _versions_apart(entries)
    children = merge.children(resolutions)
    roots = merge.roots_by_name(resolutions)
    packages: list[str] = []
    lacking = list(merge.missing_lines(resolutions))
    for entry in entries:
        pin = entry.pin
        source = _direct_lines(entry, roots.get(pin.name), context.folder) if pin.url else _file_lines(entry, context)
        if source:
            packages += _package_head(entry)
            packages += _dependencies(children.get(pin.name, ()), versions)
            packages += source
        else:
            lacking.append(
                f"# MISSING: {pin.name} {one_line(pin.version)}: no hash is known, nothing fixes its content"
            )
    lines = [*_head(resolutions, context.parts, empty=not packages)]
    lines += [*_tool_table(resolutions, context), *lacking, *packages]
    return (Artifact(name, "\n".join(lines) + "\n"),)


def _head(resolutions: Sequence[Resolution], parts: Parts | None, *, empty: bool) -> Iterator[str]:
    targets = [resolution.target for resolution in resolutions]
    yield 'lock-version = "1.0"'
    environments = target_markers.environments(targets)
    if environments:
        yield f"environments = {toml_text.block_array(map(toml_text.string, environments))}"
    requires_python = target_markers.requires_python(targets)
    if requires_python:
        yield f"requires-python = {toml_text.string(requires_python)}"
    if parts is not None:
        yield from _part_lists(resolutions, parts)
    yield 'created-by = "pipx-parallel"'
    if empty:
        yield "packages = []"


def _part_lists(resolutions: Sequence[Resolution], parts: Parts) -> Iterator[str]:
    """Yield the extras and groups, and the groups that are installed by default: the project's own dependencies are one."""
    from pipx_parallel.locks.parts import base_group  # only with extras or groups

    has_base = any(root.origin.part is None for resolution in resolutions for root in resolution.roots)
    base = base_group(parts) if has_base else None
    defaults = [*([base] if base is not None else []), *parts.default_groups]
    for key, names in (("extras", parts.extras), ("dependency-groups", parts.groups), ("default-groups", defaults)):
        if names:
            yield f"{key} = [{', '.join(map(toml_text.string, names))}]"


def _tool_table(resolutions: Sequence[Resolution], context: LockContext) -> Iterator[str]:
    """Yield the table ``[tool.pipx-parallel]``. It precedes the packages, so that a check finds the digest near the start."""
    targets = [resolution.target for resolution in resolutions]
    yield "\n[tool.pipx-parallel]"
    yield f"inputs = {toml_text.string(input_digest(context, targets))}"
    yield f"command = {toml_text.string(one_line(context.command))}"
    yield f"targets = {toml_text.block_array(map(toml_text.string, merge.target_labels(targets)))}"
    if context.settings:
        items = sorted((name, without_credentials(value)) for name, value in context.settings.items())
        yield f"settings = {toml_text.string_table(items)}"
    yield f"roots = {toml_text.block_array(_roots(resolutions))}"
    failures = merge.missing(resolutions)
    if failures:
        tables = (
            toml_text.string_table([("name", failure.project), ("problem", one_line(str(failure.error)))])
            for failure in failures
        )
        yield f"missing = {toml_text.block_array(tables)}"


def _roots(resolutions: Sequence[Resolution]) -> list[str]:
    rows: dict[str, None] = {}
    for resolution in resolutions:
        for root in resolution.roots:
            items = [("name", root.name), ("requirement", one_line(root.text)), ("origin", one_line(str(root.origin)))]
            rows[toml_text.string_table(items)] = None
    return list(rows)


def _package_head(entry: LockEntry) -> Iterator[str]:
    pin = entry.pin
    yield "\n[[packages]]"
    yield f"name = {toml_text.string(pin.name)}"
    # PEP 751: no version if the content is a source tree, whose version may differ when it is built.
    if pin.url is None or _is_wheel(pin):
        yield f"version = {toml_text.string(pin.version)}"
    if entry.marker is not None:
        yield f"marker = {toml_text.string(entry.marker)}"
    requires_python = canonical_specifier(pin.requires_python) if pin.requires_python else None
    if requires_python:
        yield f"requires-python = {toml_text.string(requires_python)}"
    if pin.identities:
        tables = [toml_text.string_table(identity) for identity in pin.identities]
        yield f"attestation-identities = {toml_text.block_array(tables)}"


def _is_wheel(pin: Pin) -> bool:
    return pin.url is not None and pin.url.partition("#")[0].endswith(".whl")


def canonical_specifier(text: str) -> str | None:
    """Return a specifier set as ``packaging`` writes it (sorted, no spaces), or None if it is malformed.

    Real indexes serve ``>= '2.7'`` and ``>=3.6.*``; in a lock these would make every reader refuse the whole file.
    """
    clauses = {clause.replace(" ", "") for clause in text.split(",") if clause.strip()}
    if all(_is_lower_bound(clause) or re.fullmatch(_CLAUSE, clause) for clause in clauses):
        return ",".join(sorted(clauses))
    return None


def _is_lower_bound(clause: str) -> bool:
    release = clause[2:]
    return clause.startswith(">=") and release.isascii() and all(map(str.isdecimal, release.split(".")))


def _versions_apart(entries: Sequence[LockEntry]) -> dict[str, list[str]]:
    """Return the versions of each locked project: a dependency table names the version only if there are several."""
    versions: dict[str, list[str]] = {}
    for entry in entries:
        versions.setdefault(entry.pin.name, []).append(entry.pin.version)
    return versions


def _dependencies(names: Sequence[str], versions: Mapping[str, list[str]]) -> Iterator[str]:
    """Yield the dependencies that are in this lock (PEP 751: informational)."""
    tables = []
    for name in names:
        locked_versions = versions.get(name, [])
        if len(locked_versions) == 1:
            tables.append(f"{{ name = {toml_text.string(name)} }}")
        else:
            tables += [toml_text.string_table([("name", name), ("version", version)]) for version in locked_versions]
    if tables:
        yield f"dependencies = {toml_text.block_array(tables)}"


def _file_lines(entry: LockEntry, context: LockContext) -> list[str]:
    wheels = locked_files.wheels(entry)
    sdist = locked_files.source_archive(entry, context.options)
    if not wheels and sdist is None:
        return []
    lines = [f"index = {toml_text.string(safe_url(entry.pin.index))}"] if entry.pin.index else []
    if sdist is not None:
        lines.append(f"sdist = {_file_table(sdist, context.folder)}")
    if wheels:
        tables = [_file_table(wheel, context.folder) for wheel in wheels]
        lines.append(f"wheels = {toml_text.block_array(tables)}")
    return lines


def _file_table(file: DistFile, folder: str) -> str:
    """Return one file as an inline table. Joined by hand for speed: a lock of 171 packages has 400 such lines."""
    url = safe_url(file.url)
    path = _path_in(folder, url) if url.startswith("file:") else None
    items = []
    if not (path or url).endswith("/" + file.filename) or "?" in url or "#" in url:
        items.append(f"name = {toml_text.string(file.filename)}")
    if file.upload_time is not None and _is_time(file.upload_time):
        items.append(f"upload-time = {file.upload_time}")
    items.append(
        f'url = "{url}"' if path is None else f"path = {toml_text.string(path)}"
    )  # a safe URL needs no escapes
    if file.size is not None and file.size >= 0:
        items.append(f"size = {file.size}")
    items.append(f"hashes = {toml_text.string_table(locked_files.usable_hashes(file.hashes))}")
    return f"{{ {', '.join(items)} }}"


def _path_in(folder: str, url: str) -> str | None:
    """Return the path of a file of a find-links folder that lies below the folder of the lock, relative to that."""
    from pipx_parallel.emitters import direct  # few locks have local files (2 ms)

    return direct.relative_path(direct.local_path(url), folder, None)


def _direct_lines(entry: LockEntry, root: RootRequirement | None, folder: str) -> list[str]:
    from pipx_parallel.emitters import direct  # few locks have direct references (2 ms)

    source = direct.source_of(entry.pin, root)
    match source:
        case direct.VcsSource():
            items = [("type", toml_text.string(source.kind)), ("url", toml_text.string(source.url))]
            items += _optional("requested-revision", source.requested)
            items.append(("commit-id", toml_text.string(source.commit)))
            table = "vcs"
        case direct.DirectorySource():
            path = direct.relative_path(source.path, folder, root) or source.path
            items = [("path", toml_text.string(path))]
            items += [("editable", "true")] if source.editable else []
            table = "directory"
        case direct.ArchiveSource():
            local = source.path and (direct.relative_path(source.path, folder, root) or source.path)
            items = [*_optional("url", source.url), *_optional("path", local)]
            items += [*_size(source.size), *_time(source.upload_time)]
            items.append(("hashes", toml_text.string_table(source.hashes)))
            table = "archive"
        case None:
            return []
    items += _optional("subdirectory", source.subdirectory)
    lines = [f"{table} = {toml_text.inline_table(items)}"]
    if not _is_wheel(entry.pin):
        # The version of the tree when it was locked, for diffs and kept pins. PEP 751 has no key for it.
        lines.append(f"tool = {{ pipx-parallel = {{ version = {toml_text.string(entry.pin.version)} }} }}")
    return lines


def _optional(key: str, value: str | None) -> list[tuple[str, str]]:
    return [] if value is None else [(key, toml_text.string(value))]


def _size(size: int | None) -> list[tuple[str, str]]:
    return [("size", str(size))] if size is not None and size >= 0 else []


def _time(text: str | None) -> list[tuple[str, str]]:
    """Return the upload time as a TOML date-time, nothing if the index states something else."""
    return [("upload-time", text)] if text is not None and _is_time(text) else []


def _is_time(text: str) -> bool:
    """Return whether the text is ``2026-01-02T03:04:05[.678900]Z`` and a valid time (PEP 700)."""
    marks = text[4:5] + text[7:8] + text[10:11] + text[13:14] + text[16:17] + text[19:20] + text[-1:]
    digits = text[0:4] + text[5:7] + text[8:10] + text[11:13] + text[14:16] + text[17:19]
    fraction = text[20:-1]
    if marks not in ("--T::.Z", "--T::ZZ") or not (digits + fraction).isdecimal() or not text.isascii():
        return False
    if len(fraction) > 6 or bool(fraction) != (text[19] == "."):
        return False
    year, month, day = int(text[0:4]), int(text[5:7]), int(text[8:10])
    leap = year % 4 == 0 and (year % 100 != 0 or year % 400 == 0)
    days = (31, 29 if leap else 28, 31, 30, 31, 30, 31, 31, 30, 31, 30, 31)
    return (
        year > 0
        and 0 < month <= 12
        and 0 < day <= days[month - 1]
        and text[11:13] < "24"
        and text[14:16] < "60"
        and text[17:19] < "60"
    )
