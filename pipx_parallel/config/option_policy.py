"""The options of the policy: rows of the option table."""

from __future__ import annotations

from pipx_parallel.config.option import Option, rare

_POLICY = "Policy"
ACTIONS = ("refuse", "warn", "allow")
PROVENANCE_MODES = ("any", "no-downgrade", "required")

POLICY = rare(
    Option(
        ("--allow-project",), "Use only projects of these names or prefixes (acme-*).", "list", "NAME", multiple=True,
        group=_POLICY, in_lock=True,
    ),
    Option(
        ("--deny-project",), "Refuse projects of these names or prefixes.", "list", "NAME", multiple=True, group=_POLICY,
        in_lock=True,
    ),
    Option(
        ("--only-from",), "Take projects of this name or prefix only from this index.", metavar="NAME=URL", multiple=True,
        group=_POLICY, in_lock=True,
    ),
    Option(
        ("--minimum-project-age",), "Refuse projects whose first file is younger than this age (P30D).", metavar="AGE",
        group=_POLICY, in_lock=True,
    ),
    Option(
        ("--yanked",), "What to do with yanked files [default: warn].", metavar="ACTION", choices=ACTIONS, group=_POLICY,
        in_lock=True,
    ),
    Option(
        ("--project-status",), "What to do with projects of a status: archived=refuse.", metavar="STATUS=ACTION",
        multiple=True, group=_POLICY, in_lock=True,
    ),
    Option(
        ("--provenance",), "Which files must have an attestation: none, none less than before, or all.", metavar="MODE",
        choices=PROVENANCE_MODES, group=_POLICY, in_lock=True,
    ),
    Option(
        ("--provenance-max-age",), "Ask for attestations only of files younger than this age (P2Y is P730D).",
        metavar="AGE", group=_POLICY, in_lock=True,
    ),
    Option(
        ("--advisories",), "What to do with releases that an advisory of the mirror concerns [default: allow].",
        metavar="ACTION", choices=ACTIONS, group=_POLICY, in_lock=True,
    ),
    Option(
        ("--avoid-vulnerable",), "The same as --advisories refuse.", "flag", group=_POLICY, in_lock=True,
    ),
    Option(
        ("--ignore-advisory",), "Do not count this advisory.", "list", "ID", multiple=True, group=_POLICY,
        in_lock=True,
    ),
    Option(
        ("--allow-licence",), "Allow only these licences (SPDX identifiers).", metavar="SPDX", multiple=True,
        group=_POLICY, in_lock=True,
    ),
    Option(
        ("--deny-licence",), "Refuse these licences (SPDX identifiers).", metavar="SPDX", multiple=True, group=_POLICY,
        in_lock=True,
    ),
    Option(
        ("--unknown-licence",), "What to do with releases that state no licence that can be read [default: refuse].",
        metavar="ACTION", choices=ACTIONS, group=_POLICY, in_lock=True,
    ),
    Option(
        ("--policy-exception",),
        'Admit a project or release despite some rules: "NAME[==VERSION] RULE[,RULE] [until DATE]".',
        metavar="EXCEPTION", multiple=True, group=_POLICY, in_lock=True,
    ),
)  # fmt: skip
