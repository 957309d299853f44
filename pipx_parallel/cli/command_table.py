"""The table of commands: name, module, and the line that ``--help`` shows without importing the module."""

from __future__ import annotations

from collections.abc import Mapping

from mirror.equality import NamedTuple


class CommandEntry(NamedTuple):
    """One command: a module with ``OPTIONS``, ``ARGUMENTS`` and ``run``; or, with ``commands``, a group of them."""

    help: str
    module: str = ""
    commands: Mapping[str, CommandEntry] = {}


def _entries(texts: Mapping[str, str | CommandEntry], group: str = "") -> Mapping[str, CommandEntry]:
    """Return the entries of commands with these help lines; a command's module has the names of its group and its own."""
    return {
        name: text
        if isinstance(text, CommandEntry)
        else CommandEntry(text, f"pipx_parallel.cli.commands.{group}{name}".replace("-", "_"))
        for name, text in texts.items()
    }


ADVISORIES = _entries(
    {"update": "Replace the advisories of the mirror by those of an OSV export."}, "mirror_advisories_"
)

MIRROR = _entries(
    {
        "warm": "Fill the mirror with everything that a lock of the sources needs.",
        "refresh": "Ask the indexes what has changed, and show it.",
        "status": "Show what the mirror holds.",
        "verify": "Check the records, and that a re-resolve needs nothing else.",
        "export": "Export the mirror, or a part of it, to one file.",
        "import": "Import an exported file into the mirror.",
        "diff": "Show the changes between two mirrors.",
        "publish": "Write the mirror as static files for any web server.",
        "serve": "Serve the mirror over HTTP to pip, uv and pipx-parallel.",
        "prune": "Delete old records from the mirror.",
        "advisories": CommandEntry("Keep advisories in the mirror.", commands=ADVISORIES),
        "doctor": "Find and repair damage of the mirror.",
    },
    "mirror_",
)

POLICY = _entries({"explain": "Show for each release which rule admits or refuses it."}, "policy_")

COMMANDS = _entries(
    {
        "lock": "Resolve requirements and write lock files.",
        "resolve": "Resolve requirements and print the result; continue past missing projects.",
        "tree": "Show the dependency tree.",
        "why": "Show who requires a package, and why it is not newer.",
        "why-not": "Show what another release of a package would change, or why it is not possible.",
        "bundle": "Lock, and write all files into one archive for offline machines.",
        "mirror": CommandEntry("Fill and maintain the local metadata mirror.", commands=MIRROR),
        "outdated": "Show the pins of a lock that are not the newest.",
        "audit": "Show the advisories that concern the pins of locks.",
        "policy": CommandEntry("Show what the policy admits.", commands=POLICY),
        "inspect": "Show how the input is read, without a network.",
        "benchmark": "Measure what parallel fetching saves on your list.",
        "completion": "Print the completion script of a shell.",
    }
)
