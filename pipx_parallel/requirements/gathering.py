"""What has been read so far, of all sources together."""

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

    from pipx_parallel.requirements.reader import Reader


class Gathering:
    """Collects roots, constraints, options and the digests of every text read."""

    def __init__(self, reader: Reader, environ: Mapping[str, str]) -> None:
        """Take where texts come from and the variables that requirements files may use."""
        self.reader = reader
        self.roots: list[RootRequirement] = []
        self.constraints: list[RootRequirement] = []
        self._environ = environ
        self._options = OptionState(lambda path: bool(reader.kind(path)))
        self._files: dict[str, str] = {}
        self._requires_python: list[str] = []
        self._hashes_written = False

    def read(self, location: str, asked_at: Origin | None = None) -> bytes:
        """Return the bytes of a source that is not a requirements file, and keep its digest. Raises ``RequirementsError``."""
        try:
            data = self.reader.read(location)
        except MirrorError:
            raise  # of a URL: the network's own error says what to do
        except OSError as error:
            origin = asked_at or Origin(mask_secrets(location))
            problem = f"cannot read {quoted(location)}: {error.strerror or error}"
            raise refusal(origin, problem, "check the path") from error
        self.seen(location, data)
        return data

    def seen(self, location: str, data: bytes) -> None:
        """Keep the digest of a text."""
        from hashlib import sha256  # 2 ms; a list given by flag has no text to digest

        self._files[mask_secrets(location)] = sha256(data).hexdigest()

    def add_file(self, location: str, *, constraint: bool = False, asked_at: Origin | None = None) -> None:
        """Read a requirements or constraints file and all it includes. Raises ``RequirementsError``."""
        for root in self.read_file(location, constraint=constraint, asked_at=asked_at):
            (self.constraints if root.constraint else self.roots).append(root)

    def read_file(
        self, location: str, *, constraint: bool = False, asked_at: Origin | None = None
    ) -> list[RootRequirement]:
        """Return what a requirements file and those it includes ask for; their options are taken in."""
        roots: list[RootRequirement] = []
        tree = TreeReader(self.reader, self._environ, self.seen)
        for line, bounds in tree.lines(location, constraint=constraint, asked_at=asked_at):
            if line.requirement:
                root = parse_root(line, constraint=bounds, reader=self.reader)
                self._hashes_written = self._hashes_written or any(name == "--hash" for name, _ in line.options)
                roots.append(root)
                continue
            # Whatever their order on the line, pip sets the index before it adds the extra ones.
            for name, value in sorted(line.options, key=lambda option: option[0] != "--index-url"):
                self._options.apply(name, value, line.origin)
        return roots

    def add_text(self, text: str, origin: Origin) -> None:
        """Add a requirement that stands alone. Raises ``RequirementsError``."""
        self.roots.append(parse_text(text, origin, self.reader))

    def add_requires_python(self, specifier: str | None) -> None:
        """Narrow the Pythons to those that this source, too, can use."""
        if specifier and specifier not in self._requires_python:
            self._requires_python.append(specifier)

    def finish(self, overrides: tuple[RootRequirement, ...], excludes: tuple[str, ...]) -> Inputs:
        """Return all that was gathered."""
        return Inputs(
            roots=tuple(self.roots),
            constraints=tuple(self.constraints),
            options=self._options.finish(hashes_written=self._hashes_written),
            files=tuple(SourceFile(path, digest) for path, digest in self._files.items()),
            requires_python=",".join(self._requires_python) or None,
            overrides=overrides,
            excludes=excludes,
            written=tuple(self._options.written),
        )
