"""The record of one option, of which ``config.options`` has a row for each, and the rows of the policy.

The rows stand here because a warm lock is not to load one module more.
"""

from __future__ import annotations

from typing import NamedTuple


class Option(NamedTuple):
    """One option.

    ``kind`` is how it is written: "text", "path" (a relative one counts from the file it stands in), "list" (text; a variable
    holds several, separated by blanks), "flag" or "count". ``value`` names the check of ``config.settings`` that its text must
    pass; "" takes text as it is.
    """

    names: tuple[str, ...]
    help: str
    kind: str = "text"
    metavar: str = "TEXT"
    multiple: bool = False
    choices: tuple[str, ...] = ()
    group: str = "Options"  # heading in the help
    setting: str = ""  # field of ResolveSettings: "record.field"
    default: str = ""
    value: str = ""
    pip: bool = False  # also read from pip's configuration
    in_file: bool = False  # also an option line of a requirements file
    adds: bool = False  # values of all sources add up, as in pip
    in_lock: bool = False  # changes the pins: a lock names it
    rare: bool = False  # shown by --help-all, not by --help

    @property
    def name(self) -> str:
        """Return the first long spelling."""
        return next(name for name in self.names if name.startswith("--"))

    @property
    def dest(self) -> str:
        """Return the name with underscores, under which layers hold the value."""
        return self.name[2:].replace("-", "_")

    @property
    def key(self) -> str:
        """Return the name without dashes: the key in ``[tool.pipx-parallel]`` and in pip's configuration."""
        return self.name[2:]

    @property
    def variables(self) -> tuple[str, ...]:
        """Return the environment variables that set it, one for each long spelling."""
        return tuple([variable_of(name[2:]) for name in self.names if name.startswith("--")])

    @property
    def field(self) -> str:
        """Return the last part of ``setting``."""
        return self.setting.rpartition(".")[2]


class Argument(NamedTuple):
    """One positional argument; ``many`` takes none or more and must be the last. ``choices`` are offered by completion."""

    dest: str
    metavar: str
    many: bool = False
    choices: tuple[str, ...] = ()


def variable_of(key: str) -> str:
    """Return the environment variable of an option's key or dest."""
    return f"PIPX_PARALLEL_{key.upper().replace('-', '_')}"


def flag_option(  # noqa: PLR0913 - the fields of a flag
    name: str, help: str, group: str, setting: str = "",  # noqa: A002 - the field's name
    *, pip: bool = False, in_file: bool = False, in_lock: bool = False, rare: bool = False,
) -> Option:  # fmt: skip
    """Return the row of a flag."""
    option = Option((name,), help, "flag", group=group, setting=setting)
    return option._replace(pip=pip, in_file=in_file, in_lock=in_lock, rare=rare)


def format_option(*choices: str) -> Option:
    """Return the row of ``--format`` of a command that shows something."""
    return Option(("--format",), "Format of standard output.", metavar="FORMAT", choices=choices)


def rare(*options: Option) -> tuple[Option, ...]:
    """Return options as ones that only --help-all shows."""
    return tuple([option._replace(rare=True) for option in options])


_POLICY = "Policy"
ACTIONS = ("refuse", "warn", "allow")
ADVISORY_ACTIONS = UNKNOWN_ACTIONS = ("refuse", "allow")
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
        ("--first-seen-as-upload-time",),
        "Where no index states an upload time, count from when this mirror first saw the file.", "flag", group=_POLICY,
        in_lock=True,
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
        metavar="ACTION", choices=ADVISORY_ACTIONS, group=_POLICY, in_lock=True,
    ),
    Option(
        ("--attestation-identities",), "Record in pylock.toml who published each attested package (one small request each).",
        "flag", group=_POLICY, in_lock=True,
    ),
    Option(
        ("--avoid-vulnerable",), "The same as --advisories refuse.", "flag", group=_POLICY, in_lock=True,
    ),
    Option(
        ("--ignore-advisory",), "Do not count this advisory.", "list", "ID", multiple=True, group=_POLICY,
        in_lock=True,
    ),
    Option(
        ("--allow-licence",), 'Use only releases of these licences (SPDX; "BSD-*").', "list", "LICENCE", multiple=True,
        group=_POLICY, in_lock=True,
    ),
    Option(
        ("--deny-licence",), 'Refuse releases of these licences (SPDX; "GPL-*").', "list", "LICENCE", multiple=True,
        group=_POLICY, in_lock=True,
    ),
    Option(
        ("--unknown-licence",), "What to do with releases that state no licence, if licences are checked [default: refuse].",
        metavar="ACTION", choices=UNKNOWN_ACTIONS, group=_POLICY, in_lock=True,
    ),
    Option(
        ("--policy-exception",),
        'Admit a project or release despite some rules: "NAME[==VERSION] RULE[,RULE] [until DATE]".',
        metavar="EXCEPTION", multiple=True, group=_POLICY, in_lock=True,
    ),
)  # fmt: skip
