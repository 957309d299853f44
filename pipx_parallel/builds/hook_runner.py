"""Runs a build hook's script and writes down which module it missed, if that is why it failed. Run as a script.

``python hook_runner.py REPORT SCRIPT ARGUMENT…`` behaves as ``python SCRIPT ARGUMENT…`` does, in the environment of a build.
REPORT is a file that gets the name of a module: of the ``ImportError`` (or of a module's missing attribute) that the failure
is or follows from, or, if the script caught the error itself, of the last module that could not be found.
"""

# Imports nothing of the project: it runs in an environment that holds the build's requirements alone.
from __future__ import annotations

import os
import runpy
import sys
from types import ModuleType

TYPE_CHECKING = False
if TYPE_CHECKING:
    from collections.abc import Sequence


class _Missing:
    """The last of the import system's finders: it is asked for what no other has found."""

    name = ""

    @classmethod
    def find_spec(cls, name: str, path: Sequence[str] | None = None, target: ModuleType | None = None) -> None:
        """Note the name and find nothing."""
        del path, target
        cls.name = name


def main(report: str, script: str, arguments: list[str]) -> None:
    """Run the script; whatever it raises is raised again."""
    sys.argv = [script, *arguments]
    sys.path[0] = os.path.dirname(script)  # as for a script that is run by itself
    sys.meta_path.append(_Missing)
    try:
        runpy.run_path(script, run_name="__main__")
    except BaseException as error:
        _write(report, _missed_by(error))
        raise
    _write(report, _Missing.name)


def _missed_by(error: BaseException | None) -> str:
    """Return the module that an error, or one that it followed from, is about; "" if none is."""
    seen: set[int] = set()
    while error is not None and id(error) not in seen:
        seen.add(id(error))
        if isinstance(error, ImportError) and error.name:
            return error.name
        if isinstance(error, AttributeError) and isinstance(error.obj, ModuleType):
            return error.obj.__name__
        error = error.__cause__ or error.__context__
    return ""


def _write(report: str, name: str) -> None:
    with open(report, "w", encoding="utf-8") as file:
        file.write(name)


if __name__ == "__main__":
    main(sys.argv[1], sys.argv[2], sys.argv[3:])
