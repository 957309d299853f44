"""The table of commands: name, module, and the line that ``--help`` shows without importing the module."""

from __future__ import annotations

from collections.abc import Mapping

from mirror.equality import NamedTuple


class CommandEntry(NamedTuple):
    """One command: a module with ``OPTIONS``, ``ARGUMENTS`` and ``run``; or, with ``commands``, a group of them."""

    help: str
    module: str = ""
    commands: Mapping[str, CommandEntry] = {}


ADVISORIES: Mapping[str, CommandEntry] = {
    "update": CommandEntry(
        "Replace the advisories of the mirror by those of an OSV export.",
        "pipx_parallel.cli.commands.mirror_advisories_update",
    ),
}

MIRROR: Mapping[str, CommandEntry] = {
    "warm": CommandEntry(
        "Fill the mirror with everything that a lock of the sources needs.", "pipx_parallel.cli.commands.mirror_warm"
    ),
    "refresh": CommandEntry(
        "Ask the indexes what has changed, and show it.", "pipx_parallel.cli.commands.mirror_refresh"
    ),
    "status": CommandEntry("Show what the mirror holds.", "pipx_parallel.cli.commands.mirror_status"),
    "verify": CommandEntry(
        "Check the records, and that a re-resolve needs nothing else.", "pipx_parallel.cli.commands.mirror_verify"
    ),
    "export": CommandEntry(
        "Export the mirror, or a part of it, to one file.", "pipx_parallel.cli.commands.mirror_export"
    ),
    "import": CommandEntry("Import an exported file into the mirror.", "pipx_parallel.cli.commands.mirror_import"),
    "diff": CommandEntry("Show the changes between two mirrors.", "pipx_parallel.cli.commands.mirror_diff"),
    "publish": CommandEntry(
        "Write the mirror as static files for any web server.", "pipx_parallel.cli.commands.mirror_publish"
    ),
    "serve": CommandEntry(
        "Serve the mirror over HTTP to pip, uv and pipx-parallel.", "pipx_parallel.cli.commands.mirror_serve"
    ),
    "prune": CommandEntry("Delete old records from the mirror.", "pipx_parallel.cli.commands.mirror_prune"),
    "advisories": CommandEntry("Keep advisories in the mirror.", commands=ADVISORIES),
    "doctor": CommandEntry("Find and repair damage of the mirror.", "pipx_parallel.cli.commands.mirror_doctor"),
}

POLICY: Mapping[str, CommandEntry] = {
    "explain": CommandEntry(
        "Show for each release which rule admits or refuses it.", "pipx_parallel.cli.commands.policy_explain"
    ),
}

COMMANDS: Mapping[str, CommandEntry] = {
    "lock": CommandEntry("Resolve requirements and write lock files.", "pipx_parallel.cli.commands.lock"),
    "resolve": CommandEntry(
        "Resolve requirements and print the result; continue past missing projects.",
        "pipx_parallel.cli.commands.resolve",
    ),
    "tree": CommandEntry("Show the dependency tree.", "pipx_parallel.cli.commands.tree"),
    "why": CommandEntry("Show who requires a package, and why it is not newer.", "pipx_parallel.cli.commands.why"),
    "why-not": CommandEntry(
        "Show what another release of a package would change, or why it is not possible.",
        "pipx_parallel.cli.commands.why_not",
    ),
    "bundle": CommandEntry(
        "Lock, and write all files into one archive for offline machines.", "pipx_parallel.cli.commands.bundle"
    ),
    "mirror": CommandEntry("Fill and maintain the local metadata mirror.", commands=MIRROR),
    "outdated": CommandEntry("Show the pins of a lock that are not the newest.", "pipx_parallel.cli.commands.outdated"),
    "audit": CommandEntry("Show the advisories that concern the pins of locks.", "pipx_parallel.cli.commands.audit"),
    "policy": CommandEntry("Show what the policy admits.", commands=POLICY),
    "inspect": CommandEntry("Show how the input is read, without a network.", "pipx_parallel.cli.commands.inspect"),
    "benchmark": CommandEntry(
        "Measure what parallel fetching saves on your list.", "pipx_parallel.cli.commands.benchmark"
    ),
    "completion": CommandEntry("Print the completion script of a shell.", "pipx_parallel.cli.commands.completion"),
}
