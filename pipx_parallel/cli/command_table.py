"""The commands there are: name, module, and the line that ``--help`` shows without importing the module."""

from __future__ import annotations

from collections.abc import Mapping
from typing import NamedTuple


class Entry(NamedTuple):
    """One command: a module with ``OPTIONS``, ``ARGUMENTS`` and ``run``; or, with ``commands``, a group of them."""

    help: str
    module: str = ""
    commands: Mapping[str, Entry] = {}


MIRROR: Mapping[str, Entry] = {
    "warm": Entry("Fill the mirror with what these sources need.", "pipx_parallel.cli.commands.mirror_warm"),
    "status": Entry("Say what the mirror holds.", "pipx_parallel.cli.commands.mirror_status"),
    "verify": Entry("Prove that a re-resolve stays inside the mirror.", "pipx_parallel.cli.commands.mirror_verify"),
    "export": Entry("Write the mirror, or a part of it, to one file.", "pipx_parallel.cli.commands.mirror_export"),
    "import": Entry("Take an exported file into the mirror.", "pipx_parallel.cli.commands.mirror_import"),
    "diff": Entry("Show what changed between two mirrors.", "pipx_parallel.cli.commands.mirror_diff"),
    "publish": Entry(
        "Write the mirror as static files for any web server.", "pipx_parallel.cli.commands.mirror_publish"
    ),
    "serve": Entry("Serve the mirror to pip, uv and others.", "pipx_parallel.cli.commands.mirror_serve"),
    "prune": Entry("Make the mirror smaller.", "pipx_parallel.cli.commands.mirror_prune"),
    "doctor": Entry("Find, and repair, what is wrong with the mirror.", "pipx_parallel.cli.commands.mirror_doctor"),
}

COMMANDS: Mapping[str, Entry] = {
    "lock": Entry("Lock requirements and write the locks; existing pins are kept.", "pipx_parallel.cli.commands.lock"),
    "resolve": Entry("The same to stdout, going on where single projects fail.", "pipx_parallel.cli.commands.resolve"),
    "tree": Entry("Show who asked for what.", "pipx_parallel.cli.commands.tree"),
    "why": Entry("Show who asked for a project, and why it is not newer.", "pipx_parallel.cli.commands.why"),
    "why-not": Entry(
        "Show what another release of a project would change, or why it cannot be.",
        "pipx_parallel.cli.commands.why_not",
    ),
    "bundle": Entry(
        "Lock, and put every file into one archive for offline machines.", "pipx_parallel.cli.commands.bundle"
    ),
    "mirror": Entry("Fill and look after the local mirror of metadata.", commands=MIRROR),
    "inspect": Entry("Show what is understood of the input; asks no network.", "pipx_parallel.cli.commands.inspect"),
    "benchmark": Entry("Measure what parallel fetching saves on a list.", "pipx_parallel.cli.commands.benchmark"),
    "completion": Entry("Print the completion script of a shell.", "pipx_parallel.cli.commands.completion"),
}
