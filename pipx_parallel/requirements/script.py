"""Read scripts with inline metadata (PEP 723)."""

from __future__ import annotations

from pipx_parallel.model import Origin
from pipx_parallel.requirements.lines import decode
from pipx_parallel.requirements.project_metadata import Declared
from pipx_parallel.requirements.refusal import refusal
from pipx_parallel.requirements.toml_lines import TomlText

_BEGIN, _END = "# /// script", "# ///"


def has_block(data: bytes) -> bool:
    """Return whether the text has the first line of a script block."""
    return any(line.rstrip() == _BEGIN.encode() for line in data.splitlines())


def read_script(data: bytes, source: str) -> Declared:
    """Return the script's requirements. Raises ``RequirementsError`` for no block, two blocks, or a malformed block."""
    origin = Origin(source)
    lines = decode(data, origin).splitlines()
    starts = [number for number, line in enumerate(lines, start=1) if line.rstrip() == _BEGIN]
    if not starts:
        raise refusal(
            origin, "the script has no inline metadata", f"add a comment block that begins with {_BEGIN} (PEP 723)"
        )
    if len(starts) > 1:
        raise refusal(origin._replace(line=starts[1]), "the script has a second metadata block", "keep one (PEP 723)")
    text = TomlText(_block(lines, starts[0], origin), origin, first_line=starts[0] + 1)
    wanted = text.strings(text.tables.get("dependencies", []), "dependencies")
    requires_python = text.specifier(text.tables.get("requires-python"), "requires-python")
    return Declared(tuple((item, text.origin_of(item)) for item in wanted), requires_python)


def _block(lines: list[str], start: int, origin: Origin) -> str:
    """Return the TOML of the block after line ``start``, up to the last end mark before the first line without a comment."""
    content: list[str] = []
    end: int | None = None
    for line in lines[start:]:
        if line != "#" and not line.startswith("# "):
            break
        if line.rstrip() == _END:
            end = len(content)
        content.append(line[2:])
    if end is None:
        remedy = f"close it with a line {_END}; each line before it begins with '# '"
        raise refusal(origin._replace(line=start), "the metadata block has no end", remedy)
    return "\n".join(content[:end])
