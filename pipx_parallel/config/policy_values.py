"""Values of the policy: text in, typed value out, or one ``UsageError`` that names the key, the value and the remedy.

Loaded only where a policy is set. The same functions check flags, variables and ``[tool.pipx-parallel.policy]``.
"""

from __future__ import annotations

import re
from datetime import UTC, date, datetime, timedelta
from typing import TYPE_CHECKING, Any

from mirror.names import is_project_name, normalize_name
from mirror.policy.rules import (
    Action,
    Cutoff,
    Except,
    PolicyRules,
    ProvenanceMode,
    Rule,
)
from mirror.records.version_keys import version_key
from pipx_parallel.config.option import ACTIONS
from pipx_parallel.errors import UsageError
from pipx_parallel.nearest_names import nearest

if TYPE_CHECKING:
    from pipx_parallel.config.layers import Chosen

STATUSES = ("active", "archived", "deprecated", "quarantined")  # PEP 792
_AGE = re.compile(r"P(?=.)(?:(\d{1,4})W)?(?:(\d{1,5})D)?(?:T(?=.)(?:(\d{1,5})H)?(?:(\d{1,5})M)?)?")
_EXCEPTION = re.compile(r"(?P<what>\S+)\s+(?P<rules>\S+)(?:\s+until\s+(?P<until>\S+))?(?:\s+because\s+(?P<reason>.+))?")
AGE_REMEDY = 'an ISO 8601 age in weeks, days, hours and minutes, such as "P7D"'


def policy_rules(chosen: Chosen) -> PolicyRules:
    """Return the policy that the layers set, cutoffs included, formats not. Raises ``UsageError``."""
    called = chosen.called
    text = chosen.text("uploaded_prior_to")
    advisories = Action(chosen.text("advisories") or "allow")
    age, provenance_age = chosen.text("minimum_project_age"), chosen.text("provenance_max_age")
    return PolicyRules(
        allow=tuple([pattern(name, called("allow_project")) for name in chosen.texts("allow_project")]),
        deny=tuple([pattern(name, called("deny_project")) for name in chosen.texts("deny_project")]),
        only_from=tuple([only_from(row, called("only_from")) for row in chosen.texts("only_from")]),
        statuses=dict(status(row, called("project_status")) for row in chosen.texts("project_status")),
        minimum_project_age=None if age is None else seconds(age, called("minimum_project_age")),
        cutoff=None if text is None else cutoff(text, called("uploaded_prior_to")),
        cutoffs=_cutoffs(chosen),
        first_seen=chosen.flag("first_seen_as_upload_time"),
        yanked=Action(chosen.text("yanked") or "warn"),
        provenance=ProvenanceMode(chosen.text("provenance") or "any"),
        provenance_age=None if provenance_age is None else seconds(provenance_age, called("provenance_max_age")),
        advisories=Action.REFUSE if chosen.flag("avoid_vulnerable") else advisories,
        ignored_advisories=frozenset(chosen.texts("ignore_advisory")),
        allowed_licences=tuple([licence(name, called("allow_licence")) for name in chosen.texts("allow_licence")]),
        denied_licences=tuple([licence(name, called("deny_licence")) for name in chosen.texts("deny_licence")]),
        unknown_licences=Action(chosen.text("unknown_licence") or "refuse"),
        exceptions=tuple([exception(row, called("policy_exception")) for row in chosen.texts("policy_exception")]),
    )


def refuse(called: str, value: object, wanted: str) -> UsageError:
    """Return the error that names key, value and remedy."""
    written = str(value).lower() if isinstance(value, bool) else str(value) if isinstance(value, date) else repr(value)
    return UsageError(f"{called}: {written} cannot be used", f"give {wanted}")


def pattern(text: str, called: str) -> str:
    """Return a project's name or a prefix that ends in ``*``, normalised."""
    name = text.strip()
    body = name.removesuffix("*")
    if (body != name and not body) or "*" in body or not is_project_name(body.rstrip("-_.") or "-"):
        raise refuse(called, text, 'the name of a project ("requests") or a prefix ("acme-*")')
    return normalize_name(body) + "*" * (body != name)


def licence(text: str, called: str) -> str:
    """Return the SPDX identifier of a licence, or the beginning of identifiers with ``*``."""
    from mirror.records.licences import canonical  # few policies check licences

    name = text.strip()
    if name.endswith("*") and re.fullmatch(r"[A-Za-z0-9][A-Za-z0-9.+-]*\*", name):
        return name
    spelled = canonical(name)
    if not spelled or re.search(r"\b(AND|OR)\b", spelled) or "(" in spelled:
        wanted = 'one SPDX identifier ("MIT", "GPL-2.0-only WITH Classpath-exception-2.0") or the beginning of some ("GPL-*")'
        raise refuse(called, text, wanted)
    return spelled


def only_from(text: str, called: str) -> tuple[str, str]:
    """Return the name or prefix and the index of ``NAME=URL``."""
    name, equals, url = text.partition("=")
    if not equals or not re.match(r"https?://[^/?#\s]|file:/", url):
        raise refuse(called, text, 'a name or prefix with the URL of an index: "acme-*=https://…"')
    return pattern(name, called), url


def status(text: str, called: str) -> tuple[str, Action]:
    """Return the status and the action of ``STATUS=ACTION``."""
    name, equals, action = (part.strip() for part in text.partition("="))
    if not equals or name not in STATUSES:
        raise refuse(called, text, f"STATUS=ACTION with one of {', '.join(STATUSES)}")
    return name, choice(action, called, ACTIONS, Action)


def choice(text: str, called: str, names: tuple[str, ...], kind: type[Any]) -> Any:
    """Return the member of an enum."""
    if text not in names:
        near = nearest(text, names)
        raise refuse(called, text, " or ".join(names) + (f' (did you mean "{near}"?)' if near else ""))
    return kind(text)


def seconds(text: str, called: str) -> int:
    """Return the length of an ISO 8601 age."""
    match = _AGE.fullmatch(text.strip().upper())
    if match is None:
        raise refuse(called, text, AGE_REMEDY)
    weeks, days, hours, minutes = (int(part or 0) for part in match.groups())
    return int(timedelta(weeks=weeks, days=days, hours=hours, minutes=minutes).total_seconds())


def cutoff(text: str, called: str) -> Cutoff:
    """Return what a date, a time or an age means."""
    if _AGE.fullmatch(text.strip().upper()):
        return Cutoff(None, seconds(text, called))
    return Cutoff(moment(text, called))


def moment(text: str, called: str, *, end_of_day: bool = False) -> int:
    """Return a date or time in epoch seconds, UTC unless it says otherwise; ``end_of_day`` counts a date to its end."""
    try:
        when = datetime.fromisoformat(text.strip())
        when = when if when.tzinfo else when.replace(tzinfo=UTC)
        if end_of_day and re.fullmatch(r"\d{4}-\d{2}-\d{2}", text.strip()):
            when += timedelta(days=1)
        return int(when.timestamp())
    except (ValueError, OverflowError):
        wanted = "a date (2026-11-01) or a time (2026-11-01T12:00:00Z)"
        raise refuse(called, text, wanted if end_of_day else f"{wanted}, or an age (P7D)") from None


def exception(text: str, called: str) -> Except:
    """Return what ``NAME[==VERSION] RULE[,RULE] [until DATE] [because REASON]`` means."""
    match = _EXCEPTION.fullmatch(text.strip())
    if match is None:
        raise refuse(called, text, '"NAME[==VERSION] RULE[,RULE] [until DATE] [because REASON]"')
    name, equals, version = match["what"].partition("==")
    if equals and version_key(version) is None:
        raise refuse(called, version, 'one version, as in "requests==2.32.4"')
    until = match["until"]
    return Except(
        pattern(name, called),
        version,
        frozenset(rule(name, called) for name in match["rules"].split(",")),
        None if until is None else moment(until, called, end_of_day=True),
        match["reason"] or "",
    )


def rule(text: str, called: str) -> Rule:
    """Return the rule of a name."""
    names = tuple([row.value for row in Rule])
    member: Rule = choice(text, called, names, Rule)
    return member


def _cutoffs(chosen: Chosen) -> dict[str, Cutoff | None]:
    """Return the cutoffs of single projects; their form was checked with the other settings."""
    called = chosen.called("uploaded_prior_to_package")
    rows: dict[str, Cutoff | None] = {}
    for value in chosen.texts("uploaded_prior_to_package"):
        name, _, when = value.partition("=")
        rows[normalize_name(name.strip())] = None if when.strip() in {"off", "false"} else cutoff(when, called)
    return rows
