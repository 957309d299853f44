"""The files of the releases that were chosen: all that the index lists, or of most only those that the target can install.

Of 3,000 files that a lock of 171 packages reads, 350 can be installed. These are stored for each project and target, as derived
records: a lock that chooses a release again, of the same listing, reads them and no file view.
"""

from __future__ import annotations

from typing import TYPE_CHECKING

from mirror.errors import Malformed, MirrorError
from mirror.records.filenames import SDIST, split_filename
from mirror.records.simple_file import FileListPart

if TYPE_CHECKING:
    from collections.abc import Iterable, Sequence

    from mirror.records.model import DistFile
    from mirror.records.simple_file import FileList
    from pipx_parallel.resolution.candidate import Candidate
    from pipx_parallel.resolution.candidates import Candidates
    from pipx_parallel.resolution.shared_choices import TaggedFile


class ChosenFiles:
    """Reads the files of chosen releases."""

    def __init__(self, candidates: Candidates, chosen: Sequence[tuple[Candidate, int]]) -> None:
        """Read what will be needed, in one statement each: the parts that are stored, and the file views of the others."""
        self._mirror, self._rules, self._shared = candidates.mirror, candidates.rules, candidates.policy.shared
        # With several targets one list serves all. Hashes and policies of the user decide about each file of a release.
        takes_parts = self._shared is None and not candidates.policy.has_guard and self._rules.key
        rows = [(candidate, release) for candidate, release in chosen if takes_parts and _has_part(candidate, release)]
        self._keys = {
            candidate.project.view.name: self._key(candidate)
            for candidate, _ in rows
            if candidate.project.view.name not in candidates.hashes
        }
        self._parts = self._mirror.records.read_all_derived(self._keys.values())
        self._mirror.files.prefetch(
            [(candidate.project, release) for candidate, release in chosen if self._part(candidate, release) is None]
        )

    def _key(self, candidate: Candidate) -> str:
        return f"files/{self._rules.key}/{candidate.project.index_id}/{candidate.project.view.name}"

    def _part(self, candidate: Candidate, release: int) -> bytes | None:
        """Return the stored part of the files of a release, None if there is none of this listing."""
        stored = self._parts.get(self._keys.get(candidate.project.view.name, ""), b"")
        head = _head(candidate, release)
        return stored[len(head) :] if stored.startswith(head) else None

    def read(self, candidate: Candidate, release: int) -> tuple[FileList, list[TaggedFile]]:
        """Return the files of a release, and those with a readable name, with their tags; of a part only those in it.

        Raises ``MirrorError``.
        """
        project, name = candidate.project, candidate.project.view.name
        part = self._part(candidate, release)
        if part is not None:
            try:
                files = FileListPart(part, project.page_url, lambda: self._mirror.files.read(project, release))
                return files, tagged_files(files.part_names(), name)
            except Malformed:
                pass  # written by another program: read as if there were none

        def read() -> tuple[FileList, list[TaggedFile]]:
            files = self._mirror.files.read(project, release)
            tagged = tagged_files(enumerate(files.names()), name)
            if name in self._keys and self._mirror.admin.keeps:
                self._keep(candidate, release, files, tagged)
            return files, tagged

        return read() if self._shared is None else self._shared.files(name, release, read)

    def _keep(self, candidate: Candidate, release: int, files: FileList, tagged: Sequence[TaggedFile]) -> None:
        """Store the files that the target can install, and all that are no wheels."""
        ranks = self._rules.ranks_of_tags([tags for _, _, tags in tagged])
        numbers = {row[0] for row, rank in zip(tagged, ranks, strict=True) if row[2] == SDIST or rank is not None}
        try:
            part = files.part(sorted({*numbers, *[number for number, _ in files.archives()]}))
        except Malformed:
            return  # a file that is not chosen
        if part is not None:
            self._mirror.records.write_derived(self._key(candidate), _head(candidate, release) + part)


def _has_part(candidate: Candidate, release: int) -> bool:
    """Return whether a part of the files will do: not if the metadata is that of a wheel for another target."""
    project = candidate.project
    if project.reference is not None or not project.of_index or not project.view.digest:
        return False
    try:
        own = candidate.file_kind_of(release)
    except MirrorError:
        return False  # met again, and reported, where the pin is made
    return own is not None and candidate.metadata_kind(release, own) == own


def _head(candidate: Candidate, release: int) -> bytes:
    """Return the beginning of a stored part: the listing and the release that it is of."""
    view = candidate.project.view
    return f"{view.digest} {view.versions[release]}\n".encode()


def tagged_files(names: Iterable[tuple[int, str]], project: str) -> list[TaggedFile]:
    """Return the files (number, name) with a readable name, with their tags."""
    tagged: list[TaggedFile] = []
    seen: set[str] = set()
    for index, filename in names:
        if filename in seen:
            continue  # two indexes have different files of one name: the file of the first index is used
        seen.add(filename)
        split = split_filename(filename, project)
        if split is not None:
            tagged.append((index, filename, split[1]))
    return tagged


def installable(
    files: FileList, tagged: Sequence[TaggedFile], candidates: Candidates, name: str, version: str
) -> tuple[DistFile, ...]:
    """Return the files of a release that the target may install, best first, source archives last."""
    rules, policy = candidates.rules, candidates.policy
    wheels, sdist = policy.takes_wheels(name), policy.sdist_rank(name)
    ranks = rules.ranks_of_tags([tags for _, _, tags in tagged])
    ranked = []
    for (index, filename, tags), own in zip(tagged, ranks, strict=True):
        rank = sdist if tags == SDIST else own if wheels else None
        if rank is not None:
            file = files[index]
            allowed = rules.python_allowed(file.requires_python) and candidates.hashes.allows(name, file)
            if allowed and policy.admits_file(name, version, file):
                ranked.append((rank, filename, file))
    return tuple([file for _, _, file in sorted(ranked)])
