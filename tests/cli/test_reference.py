"""docs/reference.md: what the tables of commands and options say. docs/coming-from.md: the options that it names exist."""

from __future__ import annotations

import importlib
import re

from pipx_parallel.cli.command_table import COMMANDS
from pipx_parallel.config.options import ALL
from tests.support.checkout import CHECKOUT
from tests.support.write_reference import PAGE, reference


def test_the_reference_is_up_to_date() -> None:
    """If this fails: ``python -m tests.support.write_reference``."""
    assert PAGE.read_text(encoding="utf-8") == reference()


def test_options_of_other_tools_map_to_options_that_exist() -> None:
    """Every option in the right column of the tables of docs/coming-from.md is one of the command that its row or heading names."""
    text = (CHECKOUT / "docs" / "coming-from.md").read_text(encoding="utf-8")
    rows = [row for row in re.findall(r"^\| (.+?) \| (.+?) \|$", text, re.MULTILINE) if not row[0].startswith("---")]
    unknown = []
    for left, right in rows:
        same = re.match(r"the same", right) is not None
        named = re.search(r"`pipx-parallel (mirror \w+|\w+)", right)
        names = _options_of(named[1] if named else "lock")
        if same and "--" in left:
            spans = [*re.findall(r"`([^`]+)`", left), *re.findall(r"`([^`]+)`", right)]
        else:
            spans = re.findall(r"`([^`]+)`", right)
        words = [word for span in spans for word in re.findall(r"(?<![\w-])--[a-z][a-z-]+", span)]
        unknown += [(left, word) for word in words if word not in names and word not in _NOT_OURS]

    assert len(rows) > 60
    assert unknown == []


_NOT_OURS = {"--venv"}  # of install.sh


def _options_of(command: str) -> set[str]:
    """Return all names of the options of a command, and those of requirements in a file."""
    group, _, name = command.rpartition(" ")
    entry = COMMANDS[group].commands[name] if group else COMMANDS[name]
    module = importlib.import_module(entry.module)
    names = {word for option in (*module.OPTIONS, *ALL) for word in option.names}
    return names | {"--config-settings", "--help", "--help-all"}
