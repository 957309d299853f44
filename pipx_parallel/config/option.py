"""The record of one option, of which ``config.options`` has a row for each."""

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
    """One positional argument; ``many`` takes none or more and must be the last."""

    dest: str
    metavar: str
    many: bool = False


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


def rare(*options: Option) -> tuple[Option, ...]:
    """Return options as ones that only --help-all shows."""
    return tuple([option._replace(rare=True) for option in options])
