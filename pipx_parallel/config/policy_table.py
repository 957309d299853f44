"""``[tool.pipx-parallel.policy]``: a TOML table in, the values of the policy's options out; each mistake is one clear error."""

from __future__ import annotations

from datetime import date, datetime, time
from typing import TYPE_CHECKING, Any

from pipx_parallel.config import policy_values as values
from pipx_parallel.config.option import ACTIONS, ADVISORY_ACTIONS, PROVENANCE_MODES, UNKNOWN_ACTIONS
from pipx_parallel.errors import UsageError
from pipx_parallel.nearest_names import nearest

if TYPE_CHECKING:
    from collections.abc import Callable, Mapping

    from pipx_parallel.config.layers import Raw

_EXCEPTION_KEYS = ("package", "version", "rules", "until", "reason")
_ANSWERS = frozenset(
    (
        "yes",
        "no",
        "true",
        "false",
        "on",
        "off",
        "all",
        "none",
        "any",
        "always",
        "never",
        "allow",
        "deny",
        "refuse",
        "warn",
    )
)
_TABLE_NAME = "[tool.pipx-parallel.policy]"


def policy_values_of(table: object, path: str) -> dict[str, Raw]:
    """Return the options that the table sets, as texts, all checked. Raises ``UsageError``."""
    table_name = f"{path}: {_TABLE_NAME}"
    if not isinstance(table, dict):
        raise UsageError(f"{table_name} must be a table")
    options: dict[str, Raw] = {}
    for key, value in table.items():
        reader = _READERS.get(key)
        if reader is None:
            raise UsageError(f"{table_name} has no key {key!r}{_hint(key, _READERS)}")
        options |= reader(value, f"{table_name} {key}")
    return options


def _each(dest: str, check: Callable[[str, str], str], what: str) -> Callable[[object, str], dict[str, Raw]]:
    def read(value: object, called: str) -> dict[str, Raw]:
        named = (_filled if dest.startswith("allow_") else _named)(value, called, f"a list of {what}")
        return {dest: tuple([check(name, called) for name in named])}

    return read


def _age(dest: str) -> Callable[[object, str], dict[str, Raw]]:
    def read(value: object, called: str) -> dict[str, Raw]:
        text = _text(value, called, values.AGE_REMEDY)
        values.seconds(text, called)
        return {dest: text}

    return read


def _flag(dest: str) -> Callable[[object, str], dict[str, Raw]]:
    def read(value: object, called: str) -> dict[str, Raw]:
        if not isinstance(value, bool):
            raise values.refuse(called, value, "true or false")
        return {dest: value}

    return read


def _only_from(value: object, called: str) -> dict[str, Raw]:
    rows = []
    for name, url in _table(value, called, 'a table of names and index URLs: { "acme-*" = "https://…" }').items():
        row = f"{name}={_text(url, f'{called}.{name}', 'the URL of an index')}"
        values.only_from(row, f"{called}.{name}")
        rows.append(row)
    return {"only_from": tuple(rows)}


def _cutoff(value: object, called: str) -> dict[str, Raw]:
    text = _moment_text(value, called, 'a date, a time or an age ("P7D")')
    values.cutoff(text, called)
    return {"uploaded_prior_to": text}


def _only_binary(value: object, called: str) -> dict[str, Raw]:
    if value is True:
        return {"only_binary": (":all:",)}
    if not isinstance(value, str | list):
        raise values.refuse(called, value, "true, or a list of names")
    named = _named(value, called, "true, or a list of names")
    names = [name if name == ":all:" else values.pattern(name, called) for name in named]
    prefix = next((name for name in names if name.endswith("*")), None)
    if prefix is not None:
        raise values.refuse(called, prefix, 'names of projects, ":all:", or true; this rule takes no prefix')
    return {"only_binary": tuple(names)}


def _choice(dest: str, names: tuple[str, ...]) -> Callable[[object, str], dict[str, Raw]]:
    def read(value: object, called: str) -> dict[str, Raw]:
        text = _text(value, called, " or ".join(names))
        values.choice(text, called, names, str)
        return {dest: text}

    return read


def _status(value: object, called: str) -> dict[str, Raw]:
    rows = []
    for name, action in _table(
        value, called, f'a table such as {{ archived = "warn" }}; actions: {", ".join(ACTIONS)}'
    ).items():
        if name not in values.STATUSES:
            raise UsageError(f"{called} has no status {name!r}{_hint(name, values.STATUSES)}")
        text = _text(action, f"{called}.{name}", " or ".join(ACTIONS))
        values.choice(text, f"{called}.{name}", ACTIONS, str)
        rows.append(f"{name}={text}")
    return {"project_status": tuple(rows)}


def _or_table(
    first: str, readers: Mapping[str, Callable[[object, str], dict[str, Raw]]]
) -> Callable[[object, str], dict[str, Raw]]:
    """Read a text (the value of the key ``first``), or a table with these keys."""

    def read(value: object, called: str) -> dict[str, Raw]:
        if isinstance(value, str) and first:
            return readers[first](value, called)
        wanted = f"a table with {', '.join(readers)}" + (f", or the text of {first}" if first else "")
        options: dict[str, Raw] = {}
        for key, part in _table(value, called, wanted).items():
            if key not in readers:
                raise UsageError(f"{called} has no key {key!r}{_hint(key, readers)}")
            options |= readers[key](part, f"{called}.{key}")
        return options

    return read


def _ids(value: object, called: str) -> dict[str, Raw]:
    return {"ignore_advisory": _named(value, called, "a list of ids")}


def _exceptions(value: object, called: str) -> dict[str, Raw]:
    example = '[{ package = "requests", version = "2.32.4", rules = ["uploaded-prior-to"], until = 2026-12-31 }]'
    if not isinstance(value, list):
        raise values.refuse(called, value, f"a list of tables: {example}")
    return {
        "policy_exception": tuple([_exception(row, f"{called}[{number}]", example) for number, row in enumerate(value)])
    }


def _exception(row: object, called: str, example: str) -> str:
    table = _table(row, called, f"a table, as in {example}")
    unknown = next((key for key in table if key not in _EXCEPTION_KEYS), None)
    if unknown is not None:
        raise UsageError(f"{called} has no key {unknown!r}{_hint(unknown, _EXCEPTION_KEYS)}")
    for key in ("package", "rules"):
        if key not in table:
            raise UsageError(f"{called}: {key} is missing", f"write it as in {example}")
    name = values.pattern(_text(table["package"], f"{called}.package", "a name"), f"{called}.package")
    words = [name]
    if "version" in table:
        version = _text(table["version"], f"{called}.version", 'one version as text: "2.32.4"')
        if name.endswith("*"):
            raise values.refuse(f"{called}.version", version, "no version with a prefix, or the name of one project")
        words[0] += f"=={version}"
    words.append(_rules(table["rules"], f"{called}.rules"))
    if "until" in table:
        until = _moment_text(table["until"], f"{called}.until", "a date (2026-12-31)")
        values.moment(until, f"{called}.until", end_of_day=True)
        words.append(f"until {until}")
    if "reason" in table:
        words.append(f"because {_text(table['reason'], f'{called}.reason', 'a text')}")
    text = " ".join(words)
    values.exception(text, called)
    return text


def _rules(value: object, called: str) -> str:
    rules = _texts(value, called)
    for rule in rules:
        values.rule(rule, called)
    if not rules:
        raise values.refuse(called, value, "at least one rule")
    return ",".join(rules)


# --- values of TOML -----------------------------------------------------------------------------------------------------


def _text(value: object, called: str, wanted: str) -> str:
    if not isinstance(value, str) or not value.strip() or not value.isprintable():
        raise values.refuse(called, value, wanted)
    return value


def _moment_text(value: object, called: str, wanted: str) -> str:
    if isinstance(value, date | datetime):
        return value.isoformat()
    if isinstance(value, time):
        raise values.refuse(called, value.isoformat(), wanted)
    return _text(value, called, wanted)


def _texts(value: object, called: str) -> tuple[str, ...]:
    items = value if isinstance(value, list) else [value]
    wanted = "a text or a list of texts"
    return tuple(
        [
            _text(item, f"{called}[{number}]" if isinstance(value, list) else called, wanted)
            for number, item in enumerate(items)
        ]
    )


def _named(value: object, called: str, wanted: str) -> tuple[str, ...]:
    """Return names; a word alone that answers a question is taken for a mistake, and a project of that name stands in a list."""
    if isinstance(value, str) and value.strip().lower() in _ANSWERS:
        raise values.refuse(called, value, f'{wanted} (["{value.strip()}"] if that is a name)')
    return _texts(value, called)


def _filled(value: object, called: str, wanted: str) -> tuple[str, ...]:
    """Return names, at least one: an empty list reads as "none of them", and the options take it for "no rule"."""
    if value == []:
        raise values.refuse(
            called, value, f"{wanted} with at least one, or leave the key out: then there is no such rule"
        )
    return _named(value, called, wanted)


def _table(value: object, called: str, wanted: str) -> dict[str, Any]:
    if not isinstance(value, dict):
        raise values.refuse(called, value, wanted)
    return value


def _hint(key: str, keys: Any) -> str:
    near = nearest(key, keys)
    return f'; did you mean "{near}"?' if near else f"; keys are {', '.join(keys)}"


_READERS: Mapping[str, Callable[[object, str], dict[str, Raw]]] = {
    "uploaded-prior-to": _cutoff,
    "first-seen-as-upload-time": _flag("first_seen_as_upload_time"),
    "minimum-project-age": _age("minimum_project_age"),
    "allow": _each("allow_project", values.pattern, "names"),
    "deny": _each("deny_project", values.pattern, "names"),
    "only-from": _only_from,
    "only-binary": _only_binary,
    "yanked": _choice("yanked", ACTIONS),
    "status": _status,
    "provenance": _or_table(
        "mode", {"mode": _choice("provenance", PROVENANCE_MODES), "max-age": _age("provenance_max_age")}
    ),
    "advisories": _or_table("action", {"action": _choice("advisories", ADVISORY_ACTIONS), "ignore": _ids}),
    "licences": _or_table(
        "",
        {
            "allow": _each("allow_licence", values.licence, "SPDX identifiers"),
            "deny": _each("deny_licence", values.licence, "SPDX identifiers"),
            "unknown": _choice("unknown_licence", UNKNOWN_ACTIONS),
        },
    ),
    "exceptions": _exceptions,
}
