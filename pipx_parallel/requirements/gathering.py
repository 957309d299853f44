"""Accumulate the roots, constraints and options of all sources."""

from __future__ import annotations

from typing import TYPE_CHECKING

from mirror.errors import MirrorError
from pipx_parallel.model import Inputs, Origin, RootRequirement, SourceFile
from pipx_parallel.requirements.option_lines import OptionState
from pipx_parallel.requirements.reader import TreeReader
from pipx_parallel.requirements.refusal import quoted, refusal
from pipx_parallel.requirements.requirement_lines import parse_root, parse_text
from pipx_parallel.requirements.urls import mask_secrets

if TYPE_CHECKING:
    from collections.abc import Mapping

    from pipx_parallel.model import Part, Parts
    from pipx_parallel.requirements.reader import Reader


class Gathering:
    """Collects roots, constraints, options and the digest of each text that was read."""

    def __init__(self, reader: Reader, environ: Mapping[str, str]) -> None:
        """Take the reader of texts and the variables that requirements files may use."""
        self.reader = reader
        self.roots: list[RootRequirement] = []
        self.constraints: list[RootRequirement] = []
        self._environ = environ
        self._options = OptionState(lambda path: bool(reader.kind(path)))
        self._files: dict[str, str] = {}
        self.parts: list[Parts] = []
        self.left_out: list[Part] = []
        self._requires_python: list[str] = []
        self._hashes_written = False

    def read(self, location: str, asked_at: Origin | None = None) -> bytes:
        """Return the bytes of a source that is not a requirements file, and record its digest. Raises ``RequirementsError``."""
        try:
            data = self.reader.read(location)
        except MirrorError:
            raise  # from a URL: the network's error has its own remedy
        except OSError as error:
            origin = asked_at or Origin(mask_secrets(location))
            problem, remedy = f"cannot read {quoted(location)}: {error.strerror or error}", "check the path"
            if isinstance(error, FileNotFoundError):
                from pipx_parallel.requirements.wrong_files import meant  # only on the way to an error

                problem = "file not found" if asked_at is None else problem
                remedy = meant(location, self.reader.beside(location)) or remedy
            raise refusal(origin, problem, remedy) from error
        self.seen(location, data)
        return data

    def seen(self, location: str, data: bytes) -> None:
        """Record the digest of a text."""
        from hashlib import sha256  # 2 ms; a list given by an option has no text to digest

        self._files[mask_secrets(location)] = sha256(data).hexdigest()

    def add_file(self, location: str, *, constraint: bool = False, asked_at: Origin | None = None) -> None:
        """Read a requirements or constraints file and the files it includes. Raises ``RequirementsError``."""
        part = None if asked_at is None else asked_at.part
        for root in self.read_file(location, constraint=constraint, asked_at=asked_at):
            if part is not None:
                root = root._replace(origin=root.origin._replace(part=part))  # noqa: PLW2901 - the same, with its part
            (self.constraints if root.constraint else self.roots).append(root)

    def read_file(
        self, location: str, *, constraint: bool = False, asked_at: Origin | None = None
    ) -> list[RootRequirement]:
        """Return the requirements of a file and of the files it includes; apply their options."""
        roots: list[RootRequirement] = []
        tree = TreeReader(self.reader, self._environ, self.seen)
        for line, bounds in tree.lines(location, constraint=constraint, asked_at=asked_at):
            if line.requirement:
                root = parse_root(line, constraint=bounds, reader=self.reader)
                self._hashes_written = self._hashes_written or any(name == "--hash" for name, _ in line.options)
                roots.append(root)
                continue
            # pip sets the index before it adds the extra ones, whatever their order on the line.
            templates = line.templates or line.options
            rows = [(*option, template) for option, (_, template) in zip(line.options, templates, strict=True)]
            for name, value, template in sorted(rows, key=lambda row: row[0] != "--index-url"):
                self._options.apply(name, value, line.origin, template)
        return roots

    def add_option(self, name: str, value: str, origin: Origin) -> None:
        """Add an option of a source that is not a requirements file. Raises ``RequirementsError``."""
        self._options.apply(name, value, origin)

    def add_text(self, text: str, origin: Origin) -> None:
        """Add a requirement that is not from a requirements file. Raises ``RequirementsError``."""
        self.roots.append(parse_text(text, origin, self.reader))

    def add_requires_python(self, specifier: str | None) -> None:
        """Add the Requires-Python of a source to those of the other sources."""
        if specifier and specifier not in self._requires_python:
            self._requires_python.append(specifier)

    def finish(self, overrides: tuple[RootRequirement, ...], excludes: tuple[str, ...]) -> Inputs:
        """Return the inputs."""
        return Inputs(
            roots=tuple(self.roots),
            constraints=tuple(self.constraints),
            options=self._options.finish(hashes_written=self._hashes_written),
            files=tuple(SourceFile(path, digest) for path, digest in self._files.items()),
            requires_python=",".join(self._requires_python) or None,
            overrides=overrides,
            excludes=excludes,
            written=tuple(self._options.written),
            parts=self._joined_parts(),
            left_out=tuple(self.left_out),
        )

    def _joined_parts(self) -> Parts | None:
        """Return the parts of all projects; the groups are installed by default if there is nothing else to install."""
        if not self.parts:
            return None
        from pipx_parallel.requirements.project_parts import joined  # loaded with the project that has them

        parts = joined(self.parts)
        has_more = any(root.origin.part is None for root in self.roots) or parts.extras or parts.default_groups
        return parts if has_more else parts._replace(default_groups=parts.groups)
