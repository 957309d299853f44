"""The fast parser: whenever it answers, click answers the same; and it answers where speed counts."""

from __future__ import annotations

import click
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from pipx_parallel.cli import app, fast
from pipx_parallel.cli.command_table import COMMANDS
from pipx_parallel.cli.commands import lock, resolve
from pipx_parallel.config.option import Option
from pipx_parallel.config.options import CONSOLE

OPTIONS: dict[str, tuple[Option, ...]] = {
    "lock": (*lock.OPTIONS, *CONSOLE),
    "resolve": (*resolve.OPTIONS, *CONSOLE),
}
COMMAND = {name: app.command_of(name, COMMANDS[name]) for name in OPTIONS}

WORDS = [
    "",
    "-",
    "--",
    "a",
    "x.txt",
    "-x",
    "--x",
    "1",
    "highest",
    "pylock",
    "always",
    "a=b",
    "=",
    "-o",
    "--help",
    "-vv",
    "-qo",
    "é",
]


def by_click(name: str, arguments: list[str]) -> dict[str, object] | None:
    """Return the values as click reads them, or None where it refuses or shows help."""
    try:
        context = COMMAND[name].make_context(name, list(arguments))
    except (click.ClickException, click.exceptions.Exit):
        return None
    return app._given(context.params)


def argument_lists(name: str) -> st.SearchStrategy[list[str]]:
    """Generate argument lists: options with and without values, stuck together, misspelt, and loose words."""
    names = [alias for option in OPTIONS[name] for alias in option.names]
    word = st.sampled_from([*WORDS, *(choice for option in OPTIONS[name] for choice in option.choices)])
    option = st.sampled_from(names)
    pieces = st.one_of(
        st.tuples(word),
        st.tuples(option),
        st.tuples(option, word),
        st.builds(lambda left, right: (f"{left}={right}",), option, word),
        st.builds(lambda left, right: (f"{left}{right}",), option, word),
        st.builds(lambda text, cut: (text[:cut],), option, st.integers(2, 9)),
    )
    return st.lists(pieces, max_size=6).map(lambda parts: [word for part in parts for word in part])


@pytest.mark.parametrize("name", sorted(OPTIONS))
def test_whatever_it_answers_click_answers_too(name: str) -> None:
    """Click is the authority: the fast parser may decline, never differ."""
    answered = 0

    @settings(max_examples=1500, deadline=None, derandomize=True)
    @given(argument_lists(name))
    def holds(arguments: list[str]) -> None:
        nonlocal answered
        values = fast.parse(arguments, OPTIONS[name])
        if values is not None:
            answered += 1
            assert values == by_click(name, arguments)

    holds()

    assert answered > 100, "the generator makes too few plain command lines to prove anything"


@pytest.mark.parametrize(
    ("arguments", "values"),
    [
        ([], {"sources": ()}),
        (
            ["requirements.in", "-o", "a.txt", "--output=b.sh"],
            {"sources": ("requirements.in",), "output": ("a.txt", "b.sh")},
        ),
        (["-", "--offline", "-v", "-v"], {"sources": ("-",), "offline": True, "verbose": 2}),
        (["--max-workers", "3", "--max-workers", "4"], {"sources": (), "max_workers": "4"}),
        (["--exclude-newer", "P7D"], {"sources": (), "uploaded_prior_to": "P7D"}),
        (["--resolution=lowest", "a", "b"], {"sources": ("a", "b"), "resolution": "lowest"}),
        (["-r", "-"], {"sources": (), "requirement": ("-",)}),
    ],
)
def test_plain_command_lines_are_answered(arguments: list[str], values: dict[str, object]) -> None:
    """Known options in full, values apart or after an equals sign, sources anywhere."""
    assert fast.parse(arguments, OPTIONS["lock"]) == values


@pytest.mark.parametrize(
    "arguments",
    [
        ["--help"],
        ["--off"],
        ["-oa.txt"],
        ["-vv"],
        ["--"],
        ["--output"],
        ["--output="],
        ["--output", "-v"],
        ["--offline=yes"],
        ["--resolution", "newest"],
        ["-o=a.txt"],
        [""],
    ],
)
def test_anything_else_is_left_to_click(arguments: list[str]) -> None:
    """Help, abbreviations, clusters, errors: click knows them and explains them."""
    assert fast.parse(arguments, OPTIONS["lock"]) is None
