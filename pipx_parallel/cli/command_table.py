"""The commands there are: name, module, and the line that ``--help`` shows without importing the module."""

from __future__ import annotations

from collections.abc import Mapping
from typing import NamedTuple


class CommandEntry(NamedTuple):
    """One command: a module with ``OPTIONS``, ``ARGUMENTS`` and ``run``; or, with ``commands``, a group of them."""

    help: str
    module: str = ""
    commands: Mapping[str, CommandEntry] = {}


MIRROR: Mapping[str, CommandEntry] = {
    "warm": CommandEntry("Fill the mirror with what these sources need.", "pipx_parallel.cli.commands.mirror_warm"),
    "status": CommandEntry("Say what the mirror holds.", "pipx_parallel.cli.commands.mirror_status"),
    "verify": CommandEntry(
        "Prove that a re-resolve stays inside the mirror.", "pipx_parallel.cli.commands.mirror_verify"
    ),
    "export": CommandEntry(
        "Write the mirror, or a part of it, to one file.", "pipx_parallel.cli.commands.mirror_export"
    ),
    "import": CommandEntry("Take an exported file into the mirror.", "pipx_parallel.cli.commands.mirror_import"),
    "diff": CommandEntry("Show what changed between two mirrors.", "pipx_parallel.cli.commands.mirror_diff"),
    "publish": CommandEntry(
        "Write the mirror as static files for any web server.", "pipx_parallel.cli.commands.mirror_publish"
    ),
    "serve": CommandEntry("Serve the mirror to pip, uv and others.", "pipx_parallel.cli.commands.mirror_serve"),
    "prune": CommandEntry("Make the mirror smaller.", "pipx_parallel.cli.commands.mirror_prune"),
    "doctor": CommandEntry(
        "Find, and repair, what is wrong with the mirror.", "pipx_parallel.cli.commands.mirror_doctor"
    ),
}

COMMANDS: Mapping[str, CommandEntry] = {
    "lock": CommandEntry(
        "Lock requirements and write the locks; existing pins are kept.", "pipx_parallel.cli.commands.lock"
    ),
    "resolve": CommandEntry(
        "The same to stdout, going on where single projects fail.", "pipx_parallel.cli.commands.resolve"
    ),
    "tree": CommandEntry("Show who asked for what.", "pipx_parallel.cli.commands.tree"),
    "why": CommandEntry("Show who asked for a project, and why it is not newer.", "pipx_parallel.cli.commands.why"),
    "why-not": CommandEntry(
        "Show what another release of a project would change, or why it cannot be.",
        "pipx_parallel.cli.commands.why_not",
    ),
    "bundle": CommandEntry(
        "Lock, and put every file into one archive for offline machines.", "pipx_parallel.cli.commands.bundle"
    ),
    "mirror": CommandEntry("Fill and look after the local mirror of metadata.", commands=MIRROR),
    "inspect": CommandEntry(
        "Show what is understood of the input; asks no network.", "pipx_parallel.cli.commands.inspect"
    ),
    "benchmark": CommandEntry(
        "Measure what parallel fetching saves on a list.", "pipx_parallel.cli.commands.benchmark"
    ),
    "completion": CommandEntry("Print the completion script of a shell.", "pipx_parallel.cli.commands.completion"),
}
