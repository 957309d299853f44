"""Select the emitter of an output by its file name, else by ``--format``. Imports only the emitter that is needed."""

from __future__ import annotations

from typing import TYPE_CHECKING

from pipx_parallel.errors import UsageError

if TYPE_CHECKING:
    from pipx_parallel.emitters.interface import Emitter

FORMATS = ("pylock", "requirements", "script", "powershell", "json", "sbom")
# The order matters: a CycloneDX document is JSON too.
_BY_SUFFIX = {".cdx.json": "sbom", ".txt": "requirements", ".sh": "script", ".ps1": "powershell", ".json": "json"}
_FILE_NAMES = "pylock.toml, pylock.NAME.toml, *.txt, *.sh, *.ps1, *.json, *.cdx.json"


def format_of(name: str, format: str | None = None) -> str:  # noqa: A002 - the option's own name
    """Return the format of the output ``name``: by its file name, else ``format``. Raises ``UsageError``.

    PEP 751 fixes the names of lock files: ``pylock.toml``, or ``pylock.NAME.toml`` with no further dot in NAME.
    """
    if format is not None and format not in FORMATS:
        raise UsageError(f"unknown format {format!r}; known: {', '.join(FORMATS)}")
    selected = format_by_name(name) or format
    if selected is not None:
        return selected
    raise UsageError(f"cannot tell the format of {name!r} from its name", f"name it {_FILE_NAMES}, or give --format")


def format_by_name(name: str) -> str | None:
    """Return the format that the file name ``name`` selects; None if it selects none."""
    base = name.replace("\\", "/").rpartition("/")[2]
    if base == "pylock.toml" or (base.startswith("pylock.") and base.endswith(".toml") and base.count(".") == 2):
        return "pylock"
    return next((form for suffix, form in _BY_SUFFIX.items() if base.endswith(suffix) and base != suffix), None)


def emitter_for(name: str, format: str | None = None) -> Emitter:  # noqa: A002 - the option's own name
    """Return the emitter for an output, by the rule of ``format_of`` ("-" needs a format). Raises ``UsageError``."""
    # Imported on demand: a run that writes only a pylock.toml loads no other emitter (2 ms each).
    match format_of(name, format):
        case "pylock":
            from pipx_parallel.emitters import pylock

            return pylock
        case "requirements":
            from pipx_parallel.emitters import requirements_txt

            return requirements_txt
        case "script":
            from pipx_parallel.emitters import script_posix

            return script_posix
        case "powershell":
            from pipx_parallel.emitters import script_powershell

            return script_powershell
        case "sbom":
            from pipx_parallel.emitters import sbom

            return sbom
        case _:
            from pipx_parallel.emitters import report_json

            return report_json
