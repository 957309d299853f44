"""Variables and project settings as layers of values: text in, ``Layer`` out."""

from __future__ import annotations

from typing import TYPE_CHECKING

from pipx_parallel.config.layers import Layer, Raw
from pipx_parallel.config.options import ALL, find_option
from pipx_parallel.errors import UsageError

if TYPE_CHECKING:
    from collections.abc import Iterator, Mapping, Sequence

    from pipx_parallel.config.option import Option

# Parts of [tool.pipx-parallel] that are no options; the last two say something of the project's extras and groups.
TABLES = ("setuptools", "sources", "policy", "conflicts", "default-groups")
_ON = ("1", "true", "yes", "on", "y", "t")
_OFF = ("0", "false", "no", "off", "n", "f")

# Variables that are no options.
_OTHER = ("PIPX_PARALLEL_DEBUG", "PIPX_PARALLEL_SETUPTOOLS", "PIPX_PARALLEL_TOKEN")
_PREFIXES = ("PIPX_PARALLEL_CREDENTIALS_",)


def environment_layer(options: tuple[Option, ...], environ: Mapping[str, str]) -> Layer:
    """Return what ``PIPX_PARALLEL_…`` says about these options; an empty variable says nothing.

    Raises ``UsageError`` if a variable of a flag is neither on nor off, or a choice is unknown.
    """
    values: dict[str, Raw] = {}
    for option in options:
        for variable in option.variables:
            if environ.get(variable):
                values.setdefault(option.dest, _from_variable(option, variable, environ[variable]))
    return Layer("environment", values)


def unknown_variables(environ: Mapping[str, str], options: Sequence[Option]) -> Iterator[str]:
    """Yield a warning for each variable ``PIPX_PARALLEL_…`` that no option reads; ``options`` are those of the command."""
    mine = [name for name in environ if name.startswith("PIPX_PARALLEL_") and not name.startswith(_PREFIXES)]
    if not mine:
        return
    expected = {variable for option in (*options, *ALL) for variable in option.variables}
    unknown = [name for name in mine if name not in expected and name not in _OTHER]
    if not unknown:
        return
    from pipx_parallel.nearest_names import nearest  # only on the way to a warning

    every = _variables()
    for name in sorted(set(unknown) - every):
        near = nearest(name, sorted(every))
        yield f"{name}: no option has this variable" + (f"; did you mean {near}?" if near else "")


def project_layer(text: str, path: str) -> Layer:
    """Return what the ``[tool.pipx-parallel]`` table in ``text`` says; ``path`` is the file's.

    Raises ``UsageError`` for a file that is no TOML, an unknown key, or a value of the wrong type.
    """
    if "pipx-parallel" not in text:  # most projects: spares 8 ms of importing and running the TOML parser
        return Layer("project", {})
    from mirror.errors import parse_toml  # see above

    try:
        table = parse_toml(text).get("tool", {}).get("pipx-parallel", {})
    except (ValueError, AttributeError) as error:
        raise UsageError(f"{path}: not a readable pyproject.toml ({error})") from None
    if not isinstance(table, dict):
        raise UsageError(f"{path}: [tool.pipx-parallel] must be a table")
    values: dict[str, Raw] = {}
    if table.get("sources"):
        values["sources"] = _sources(table["sources"], path)
    if "policy" in table:
        from pipx_parallel.config.policy_table import policy_values_of  # only for a project that has one

        values |= policy_values_of(table["policy"], path)
    for key, value in table.items():
        if key in TABLES:
            continue
        option = find_option(key)
        if option is None:
            raise UsageError(f"{path}: [tool.pipx-parallel] has no option {key!r}{_hint(key)}")
        if option.dest in values:
            raise UsageError(
                f"{path}: {key} is set in [tool.pipx-parallel] and by its policy table", "keep one of them"
            )
        values[option.dest] = _from_table(option, value, f"{path}: {key} of [tool.pipx-parallel]", path)
    return Layer("project", values, path)


def _sources(table: object, path: str) -> Raw:
    """Return ``[tool.pipx-parallel.sources]`` (project to index, as a text or ``{ index = … }``) as "name=URL" texts."""
    called = f"{path}: [tool.pipx-parallel.sources]"
    if not isinstance(table, dict):
        raise UsageError(f"{called} must be a table of project names and index URLs")
    routes = []
    for name, value in table.items():
        url = value.get("index") if isinstance(value, dict) and set(value) == {"index"} else value
        if not isinstance(url, str) or not url:
            raise UsageError(f"{called}: {name} = {value!r} cannot be used", f'give an index: {name} = "https://…"')
        routes.append(f"{name}={_beside(url, path)}")
    return tuple(routes)


def _from_variable(option: Option, variable: str, text: str) -> Raw:
    if option.kind in {"flag", "count"}:
        word = text.strip().lower()
        if option.kind == "count" and word.isdecimal():
            return int(word)
        if word not in {*_ON, *_OFF}:
            raise UsageError(f"{variable}: {text!r} is neither on nor off", "give 1 or 0")
        return word in _ON
    if option.choices and text not in option.choices:
        raise UsageError(f"{variable}: {text!r} cannot be used", f"give {' or '.join(option.choices)}")
    if not option.multiple:
        return text
    return tuple(text.split()) if option.kind == "list" else (text,)


def _from_table(option: Option, value: object, called: str, path: str) -> Raw:
    if option.kind in {"flag", "count"}:
        if not isinstance(value, bool) and not (option.kind == "count" and isinstance(value, int)):
            raise UsageError(f"{called}: {value!r} is neither true nor false")
        return value
    items = value if isinstance(value, list) and option.multiple else [value]
    texts = tuple(_placed(option, str(item), path) for item in items)
    if option.multiple and not all(isinstance(item, str) for item in items):
        wrong = next(number for number, item in enumerate(items) if not isinstance(item, str))
        where = f" ([{wrong}] is not text)" if isinstance(value, list) else ""
        raise UsageError(f"{called}: {value!r} cannot be used", f"give a text or a list of texts{where}")
    if isinstance(value, (list, dict, bool)) and not option.multiple:
        raise UsageError(f"{called}: {value!r} cannot be used", "give one text or number")
    if option.choices and texts[0] not in option.choices:
        raise UsageError(f"{called}: {value!r} cannot be used", f"give {' or '.join(option.choices)}")
    return texts if option.multiple else texts[0]


def _placed(option: Option, text: str, path: str) -> str:
    """Return a relative path as seen from the file it stands in."""
    is_place = option.kind == "path" or option.dest == "find_links"
    return _beside(text, path) if is_place and text != "-" else text


def _beside(text: str, path: str) -> str:
    import os  # loaded by every interpreter; named here because only these lines join paths

    if "://" in text or text.startswith("file:") or os.path.isabs(text):  # pathlib costs 5 ms
        return text
    return os.path.join(os.path.dirname(path), text)  # as above


def _hint(key: str) -> str:
    from pipx_parallel.nearest_names import nearest  # only on the way to an error

    near = nearest(key, [option.key for option in ALL])
    return f"; did you mean {near!r}?" if near else ""


def _variables() -> set[str]:
    """Return the variables of the options of all commands."""
    from importlib import import_module  # here and below: only on the way to a warning

    from pipx_parallel.cli.command_table import COMMANDS

    groups = [entry for entry in COMMANDS.values() if entry.commands]
    inner = [row for group in groups for row in group.commands.values()]
    entries = [*COMMANDS.values(), *inner, *(row for group in inner for row in group.commands.values())]
    modules = [entry.module for entry in entries if entry.module]
    options = [option for module in modules for option in import_module(module).OPTIONS]
    return {variable for option in (*ALL, *options) for variable in option.variables}
