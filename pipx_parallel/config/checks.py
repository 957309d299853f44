"""Checks of option values: text in, typed value out, or one ``UsageError`` that names option, value and remedy."""

from __future__ import annotations

import re
from typing import TYPE_CHECKING

from mirror.names import normalize_name
from pipx_parallel.config.options import OPPOSITES
from pipx_parallel.errors import UsageError
from pipx_parallel.format_control import ALL
from pipx_parallel.requirements.option_lines import choose_names
from pipx_parallel.requirements.urls import mask_secrets

if TYPE_CHECKING:
    from collections.abc import Mapping

    from pipx_parallel.config.layers import Chosen
    from pipx_parallel.config.option import Option

MOST_WORKERS = 50
AUTO_WORKERS = 0  # the fetcher adapts the number
_MOST_RETRIES = 100

# Which kinds of URL a setting can be: any other would be taken for the name of a folder.
_INDEX = (("http", "https", "file"), "an http:, https: or file: URL, or a folder")
_SCHEMES = {
    "index_url": _INDEX,
    "extra_index_url": _INDEX,
    "mirror": (
        (
            *("http", "https", "redis", "rediss", "unix", "redis+sentinel", "rediss+sentinel", "redis+cluster"),
            *("rediss+cluster", "s3", "gs", "az"),
        ),
        "a folder, a snapshot, or a redis:, unix:, http:, https:, s3:, gs: or az: URL",
    ),
    "proxy": (("http", "https", "socks4", "socks4a", "socks5", "socks5h"), "an http:, https: or socks5: URL"),
}


def check_schemes(chosen: Chosen) -> None:
    """Raise ``UsageError`` for an index, mirror or proxy at a URL of a kind that cannot be used."""
    for name, (schemes, wanted) in _SCHEMES.items():
        for location in chosen.texts(name):
            scheme, mark, _ = location.partition("://")
            if mark and scheme.lower() not in schemes:
                raise chosen.refuse(name, mask_secrets(location), wanted)


def checked(chosen: Chosen, option: Option, now: float) -> object:
    """Return the value of an option, checked and typed, or its default; ``now`` is in seconds since the epoch.

    Raises ``UsageError``.
    """
    check = _CHECKS.get(option.value)
    if check is not None:
        return check(chosen, option, now)
    if option.kind == "flag":
        return chosen.flag(option.dest)
    if option.multiple:
        return chosen.texts(option.dest)
    value = chosen.text(option.dest) or option.default or None
    if option.choices and value not in option.choices:
        raise chosen.refuse(option.dest, value, " or ".join(option.choices))
    return value


def _text(chosen: Chosen, option: Option) -> str:
    value = chosen.text(option.dest)
    return option.default if value is None else value


def check_offline(chosen: Chosen) -> None:
    """Raise ``UsageError`` if both --offline and --refresh are on."""
    if chosen.flag("offline") and chosen.flag("refresh"):
        refresh, offline = chosen.called("refresh"), chosen.called("offline")
        raise UsageError(f"{refresh} needs the network and {offline} forbids it", "use one of them")


def _projects(chosen: Chosen, option: Option, _now: float) -> tuple[str, ...]:
    """Return normalised project names; the option it excludes takes names away, as in pip."""
    pair = [dest for dest in OPPOSITES if option.dest in {dest, OPPOSITES[dest]}]
    names: dict[str, set[str]] = {name: set() for name in pair}
    for values in zip(*map(chosen.from_afar, pair), strict=True):
        words = [[word.strip() for word in ",".join(texts).split(",") if word.strip()] for texts in values]
        # The order in which one layer gave the two is not known: ":all:" first makes the other an exception to it.
        rows = sorted(zip(pair, reversed(pair), words, strict=True), key=lambda row: ALL not in row[2])
        for name, other, listed in rows:
            choose_names(listed, names[name], names[other])
    return tuple(sorted(names[option.dest]))


def _seconds(chosen: Chosen, option: Option, _now: float) -> float:
    value = _text(chosen, option)
    if not re.fullmatch(r"\d{1,6}(\.\d+)?", value) or not float(value):
        raise chosen.refuse(option.dest, value, f"a number of seconds above 0 (default {option.default})")
    return float(value)


def _seconds_or_none(chosen: Chosen, option: Option, now: float) -> float:
    return 0.0 if _text(chosen, option) == "0" else _seconds(chosen, option, now)


def _retries(chosen: Chosen, option: Option, _now: float) -> int:
    value = _text(chosen, option)
    if not value.isdecimal() or int(value) > _MOST_RETRIES:
        wanted = f"a whole number from 0 to {_MOST_RETRIES} (default {option.default})"
        raise chosen.refuse(option.dest, value, wanted)
    return int(value)


def _workers(chosen: Chosen, option: Option, _now: float) -> int:
    value = _text(chosen, option)
    if value == "auto":
        return AUTO_WORKERS
    if not value.isdecimal() or not 1 <= int(value) <= MOST_WORKERS:
        raise chosen.refuse(option.dest, value, f'1 to {MOST_WORKERS}, or "auto" (the default)')
    return int(value)


def _moments(chosen: Chosen, option: Option, now: float) -> Mapping[str, str | None]:
    """Return the times of ``NAME=WHEN`` by project; None for ``NAME=off``."""
    moments: dict[str, str | None] = {}
    for value in chosen.texts(option.dest):
        project, equals, when = value.partition("=")
        if not equals or not project.strip():
            raise chosen.refuse(option.dest, value, "NAME=WHEN, or NAME=off for no cutoff")
        is_off = when.strip() in {"off", "false"}
        moments[normalize_name(project.strip())] = None if is_off else _parse_moment(chosen, option.dest, when, now)
    return moments


def _moment(chosen: Chosen, option: Option, now: float) -> str | None:
    value = chosen.text(option.dest)
    return None if value is None else _parse_moment(chosen, option.dest, value, now)


def _parse_moment(chosen: Chosen, name: str, value: str, now: float) -> str:
    """Return an ISO 8601 date, time or age ("P7D": a week ago) as a time in UTC; without a zone UTC is meant."""
    from pipx_parallel.config.policy_values import cutoff  # a cutoff is part of the policy, which loads it, too

    return moment_text(cutoff(value, chosen.called(name)).at(now))


def moment_text(seconds: int) -> str:
    """Return a time in epoch seconds in ISO 8601."""
    from datetime import UTC, datetime, timedelta  # 3 ms that most locks do not need

    return (datetime.fromtimestamp(0, UTC) + timedelta(seconds=seconds)).strftime("%Y-%m-%dT%H:%M:%SZ")


def _variables(chosen: Chosen, option: Option, _now: float) -> tuple[str, ...]:
    """Return names of environment variables."""
    names = chosen.texts(option.dest)
    for name in names:
        if not name or "=" in name or "\0" in name:
            raise chosen.refuse(option.dest, name, "the name of an environment variable, without a value")
    return tuple(names)


_CHECKS = {
    "variables": _variables,
    "projects": _projects,
    "seconds": _seconds,
    "seconds-or-none": _seconds_or_none,
    "retries": _retries,
    "workers": _workers,
    "moment": _moment,
    "moments": _moments,
}
