"""Parse one line: requirement text, or options. The only module that imports the requirements-file library.

The library (pip-requirements-parser) takes 80 ms to import, so plain lines are parsed without it: option names in full or in
their usual short form, values without quotes. All other lines use the library's option table, extended by the options that
pip 26 has and the library lacks; ``tests/unit/.../test_grammar.py`` compares the table with pip's own.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from mirror.equality import NamedTuple
from pipx_parallel.config.options import FILE_OPTIONS
from pipx_parallel.requirements.refusal import quoted, refusal

if TYPE_CHECKING:
    from collections.abc import Callable, Iterable

    from pipx_parallel.model import Origin
    from pipx_parallel.requirements.lines import LogicalLine

_SHORT = {
    name: option.name for option in FILE_OPTIONS for name in option.names if name != option.name and len(name) == 2
}
_VALUED = frozenset(option.name for option in FILE_OPTIONS if option.kind != "flag")
_SWITCHES = frozenset(option.name for option in FILE_OPTIONS if option.kind == "flag")

# Options that pip 26 accepts and pip-requirements-parser 32.0.1 does not: names, and whether a value follows.
_ADDED: tuple[tuple[tuple[str, ...], bool], ...] = (
    (("--all-releases",), True),
    (("--only-final",), True),
    (("--no-require-hashes",), False),
    (("-C", "--config-settings"), True),
)
# Options that the library accepts for old files and pip 26 refuses.
_REMOVED = (
    "--requirements", "--install-option", "--global-option", "--allow-all-external", "--allow-external",
    "--allow-unverified", "-Z", "--always-unzip", "--no-use-wheel",
)  # fmt: skip

_OF_REQUIREMENT = ("--hash", "--config-settings")  # the only options that may follow a requirement
_ALONE = ("--requirement", "--constraint")
_ONCE = ("--requirement", "--constraint", "--find-links", "--editable")  # of several, pip silently reads only the first


class ParsedLine(NamedTuple):
    """A parsed line: a requirement with its options, or options only (``requirement`` is "").

    ``options`` holds (full name, value) in the order written; a switch has the value "". ``--editable`` is not included:
    its value is the requirement.
    """

    origin: Origin
    written: str
    requirement: str
    editable: bool
    options: tuple[tuple[str, str], ...]
    templates: tuple[tuple[str, str], ...] = ()  # the options with their variables, if the line has any


class _Misspelt(Exception):
    """The library's parser refused the options."""


def parse_line(line: LogicalLine) -> ParsedLine:
    """Parse one logical line.

    Raises ``RequirementsError`` for an option that pip 26 does not accept in a file, and for an option that pip would ignore in
    its position.
    """
    parsed = _parse(line)
    if not parsed.options or line.text == line.written:
        return parsed
    with_variables = _parse(line._replace(text=line.written)).options
    return parsed._replace(templates=with_variables) if len(with_variables) == len(parsed.options) else parsed


def _parse(line: LogicalLine) -> ParsedLine:
    text = line.text
    if text[0] != "-" and " -" not in text:
        return ParsedLine(line.origin, line.written, text, editable=False, options=())
    requirement, tail = _split(text)
    options = _read_plain(tail)
    if options is None:
        options = _read_with_library(tail, line)
    _check(requirement, options, line)
    project = None if requirement else next((value for name, value in options if name == "--editable"), None)
    if project is not None:
        rest = tuple(option for option in options if option[0] != "--editable")
        return ParsedLine(line.origin, line.written, project, editable=True, options=rest)
    return ParsedLine(line.origin, line.written, requirement, editable=False, options=options)


def _split(text: str) -> tuple[str, str]:
    """Split before the first word that starts with a dash; only blanks separate words here, as in pip."""
    if text[0] == "-":
        return "", text
    index = text.index(" -")
    return text[:index].rstrip(), text[index + 1 :]


def _read_plain(tail: str) -> tuple[tuple[str, str], ...] | None:
    """Return options that are spelled in full and not quoted; None if the library is needed."""
    if not tail.isascii() or '"' in tail or "'" in tail or "\\" in tail:
        return None
    words = tail.split()
    options: list[tuple[str, str]] = []
    index = 0
    while index < len(words):
        name, equals, value = words[index].partition("=")
        index += 1
        if name in _SWITCHES and not equals:
            options.append((name, ""))
            continue
        if name in _SHORT and not equals:
            name = _SHORT[name]
        elif name not in _VALUED:
            return None
        if not equals:
            if index == len(words) or words[index].startswith("-"):
                return None
            value = words[index]
            index += 1
        options.append((name, value))
    return tuple(options)


def _read_with_library(tail: str, line: LogicalLine) -> tuple[tuple[str, str], ...]:
    import shlex  # only for quotes, abbreviations and errors

    try:
        words = shlex.split(tail)
    except ValueError as error:
        problem = f"the quotes in {quoted(line.written)} do not match ({str(error).lower().rstrip('.')})"
        raise refusal(line.origin, problem, "close the quote, or escape it with a backslash") from None
    options: list[tuple[str, str]] = []
    try:
        left_over = _option_parser(lambda name, value: options.append((name, value)))(words)
    except _Misspelt as error:
        raise refusal(
            line.origin, f"{error} in {quoted(line.written)}", _remedy_for(error.__context__, words)
        ) from None
    if left_over:
        raise refusal(
            line.origin,
            f"{quoted(' '.join(left_over))} follows the options in {quoted(line.written)}",
            "put it on its own line, or in quotes if it belongs to the option's value (pip would ignore it)",
        )
    return tuple(options)


def _remedy_for(cause: BaseException | None, words: Iterable[str]) -> str:
    """Return the remedy for an error of the parser; ``cause`` is None if an option has the wrong number of values."""
    import optparse  # already loaded

    if isinstance(cause, optparse.AmbiguousOptionError):  # a BadOptionError too
        return "write the option's name in full"
    if isinstance(cause, optparse.BadOptionError):
        return "see pip's documentation of the requirements file format for the options that a file may have"
    if (switch := _switch_with_value(words)) is not None:
        return f"write {switch} without a value"
    return "give the option one value"


def _switch_with_value(words: Iterable[str]) -> str | None:
    """Return the option of the first word like ``--pre=yes``, also abbreviated, that takes no value."""
    table = _option_table()
    for word in words:
        name, equals, _ = word.partition("=")
        named = [
            (spelling, valued) for spellings, valued in table for spelling in spellings if spelling.startswith(name)
        ]
        if equals and name.startswith("--") and named and not any(valued for _, valued in named):
            return name if (name, False) in named else named[0][0]
    return None


def _option_table() -> list[tuple[tuple[str, ...], bool]]:
    """Return (spellings, takes a value) of every option: the library's without the removed ones, and those of pip 26."""
    import pip_requirements_parser as library  # 80 ms, not for plain lines

    table: list[tuple[tuple[str, ...], bool]] = []
    for option in library.build_parser().option_list:
        spellings = tuple(name for name in (*option._long_opts, *option._short_opts) if name not in _REMOVED)  # noqa: SLF001 - optparse has no other way to ask
        if spellings:
            table.append((spellings, bool(option.takes_value())))
    library_names = {name for spellings, _ in table for name in spellings}
    table.extend(added for added in _ADDED if added[0][-1] not in library_names)
    return table


def _option_parser(record: Callable[[str, str], object]) -> Callable[[list[str]], list[str]]:
    """Return a function that parses words, calls ``record`` for each option in order, and returns the remaining words."""
    import optparse  # 10 ms; it resolves abbreviations as pip does

    class Parser(optparse.OptionParser):
        def error(self, msg: str) -> Any:  # optparse's signature; called while the cause is being handled
            raise _Misspelt(msg)

    def callback(option: optparse.Option, _spelling: str, value: str | None, _parser: optparse.OptionParser) -> None:
        record(option.get_opt_string(), value or "")

    parser = Parser(add_help_option=False, prog="")
    for spellings, valued in _option_table():
        kind: dict[str, Any] = {"type": "str"} if valued else {}
        parser.add_option(*spellings, action="callback", callback=callback, **kind)

    def read(words: list[str]) -> list[str]:
        return list(parser.parse_args(words)[1])

    return read


def _check(requirement: str, options: tuple[tuple[str, str], ...], line: LogicalLine) -> None:
    """Raise for options that pip would read and silently ignore."""
    names = [name for name, _ in options]
    for name in _ONCE:
        if names.count(name) > 1:
            problem = f"{name} is given twice on one line, and pip reads only the first"
            raise refusal(line.origin, problem, "put each on its own line")
    if requirement or "--editable" in names:
        _check_beside_requirement("--editable" if not requirement else "", names, line.origin)
        return
    wrong = next((name for name in names if name in _OF_REQUIREMENT), None)
    if wrong:
        raise refusal(line.origin, f"{wrong} has no requirement", "write it after its requirement")
    alone = next((name for name in names if name in _ALONE), None)
    if alone and len(names) > 1:
        problem = f"{alone} must be alone on its line: pip ignores the rest"
        raise refusal(line.origin, problem, "put each on its own line")


def _check_beside_requirement(editable: str, names: list[str], origin: Origin) -> None:
    allowed = (editable, "--config-settings") if editable else _OF_REQUIREMENT
    wrong = next((name for name in names if name not in allowed), None)
    if wrong is None:
        return
    remedy = "put it on its own line"
    if wrong == "--hash":
        remedy = "an editable project has no archive to hash: remove the hash, or the -e"
    raise refusal(origin, f"{wrong} has no effect beside this requirement", remedy)
