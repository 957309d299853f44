"""Files of project names, one per line, for commands that work on many projects."""

from __future__ import annotations

from typing import TYPE_CHECKING

from pipx_parallel.config.option import Option
from pipx_parallel.errors import UsageError

if TYPE_CHECKING:
    from collections.abc import Mapping

PACKAGES_FILE = Option(
    ("--packages-file",), "File of project names, one per line, each fetched by itself.", "path", "FILE", multiple=True
)


def listed_names(values: Mapping[str, object]) -> list[tuple[str, str]]:
    """Return (origin, text) of each line in the files of ``--packages-file``; blank lines and comments are passed over.

    Raises ``UsageError``.
    """
    files = values.get("packages_file") or ()
    names: list[tuple[str, str]] = []
    for path in files if isinstance(files, tuple) else (str(files),):
        try:
            with open(str(path), encoding="utf-8") as file:
                lines = enumerate(file, 1)
                names += [
                    (f"{path}:{number}", word) for number, line in lines if (word := line.partition("#")[0].strip())
                ]
        except (OSError, UnicodeDecodeError) as error:
            raise UsageError(f"{path}: cannot be read ({error})") from None
    return names
