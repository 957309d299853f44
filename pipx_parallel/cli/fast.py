"""A strict parser for plain, well-formed invocations of the two main commands, so that they need not load click (30 ms).

It reads the same table of options. Where an argument is anything but a known long or short option in full, a value that
is clearly one, or a source, it answers None and click decides. Whatever it answers, click answers too; a property test
holds it to that.
"""

from __future__ import annotations

from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from collections.abc import Sequence

    from pipx_parallel.config.option import Option

COMMANDS = ("lock", "resolve")

Values = dict[str, object]


def parse(arguments: Sequence[str], options: Sequence[Option]) -> Values | None:
    """Return the values of a plain command line after the command's name, or None: let click decide."""
    named = {name: option for option in options for name in option.names}
    values: Values = {}
    sources: list[str] = []
    rest = iter(arguments)
    for argument in rest:
        if argument == "-" or (argument and not argument.startswith("-")):
            sources.append(argument)
            continue
        name, equals, value = argument.partition("=")
        option = named.get(name)
        if option is None or (equals and not name.startswith("--")):
            return None
        if option.kind in {"flag", "count"}:
            if equals:
                return None
            values[option.dest] = True if option.kind == "flag" else _count(values, option) + 1
            continue
        if not equals:
            value = next(rest, "")
        if not value or (value.startswith("-") and value != "-") or (option.choices and value not in option.choices):
            return None
        values[option.dest] = (*_texts(values, option), value) if option.multiple else value
    return {**values, "sources": tuple(sources)}


def _count(values: Values, option: Option) -> int:
    before = values.get(option.dest, 0)
    return before if isinstance(before, int) else 0


def _texts(values: Values, option: Option) -> tuple[str, ...]:
    before = values.get(option.dest, ())
    return before if isinstance(before, tuple) else ()
