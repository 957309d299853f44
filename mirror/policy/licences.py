"""Whether lists of licences admit an SPDX expression. Pure.

``license-expression`` would do it too: 2 MB of licence texts and a boolean algebra for what is below. ``packaging`` checks
expressions and spells them (``mirror.records.licences.canonical``).
"""

from __future__ import annotations

from fnmatch import fnmatchcase
from typing import TYPE_CHECKING

from mirror.records.licence_names import FAMILIES, NAMED

if TYPE_CHECKING:
    from collections.abc import Iterator, Sequence

_OR, _AND = "OR", "AND"
_PRECEDENCE = {_OR: 1, _AND: 2}


def refused_licence(
    expression: str, allowed: Sequence[str], denied: Sequence[str], *, unknown: bool = True
) -> str | None:
    """Return a licence for which an expression is refused; None if it is admitted.

    Of licences joined by OR one must be admitted, of those joined by AND all. A pattern is an identifier, or its beginning and "*";
    one without WITH stands for the licence with any exception too.

    Args:
        expression: An expression as ``canonical`` returns it.
        allowed: Patterns of which a licence must match one; empty: every licence may be used.
        denied: Patterns of licences that may not be used; they count before ``allowed``. A family is denied with any of its
            members, and allowed with all.
        unknown: Admit a text that is no identifier and no family, if there is nothing but ``denied``.
    """
    values: list[str | None] = []  # a licence that is refused, None for what is admitted
    for word in _postfix(expression):
        if word in _PRECEDENCE:
            right, left = values.pop(), values.pop()
            refused = [value for value in (left, right) if value is not None]
            values.append(refused[0] if len(refused) > (word == _OR) else None)
        else:
            values.append(None if _admits(word, allowed, denied, unknown=unknown) else word)
    return values[0]


def licence_problem(
    expression: str, allowed: Sequence[str], denied: Sequence[str], *, unknown: bool = True
) -> str | None:
    """Return why an expression is refused, as a reason that continues "NAME VERSION …"; None if it is admitted."""
    name = refused_licence(expression, allowed, denied, unknown=unknown)
    if name is None:
        return None
    members = FAMILIES.get(name, ())
    if any_matches(denied, name) or any(any_matches(denied, member) for member in members):
        denial = "denies"
    elif allowed:
        denial = "does not allow"
    else:
        return (
            f"has the licence {expression}: {name} is no SPDX identifier, so whether the policy denies it is not known"
        )
    words = f", which the policy {denial}" if name == expression else f": the policy {denial} {name}"
    return f"has the licence {expression}{words}" + (f" (any of {', '.join(members)})" if members else "")


def _admits(licence: str, allowed: Sequence[str], denied: Sequence[str], *, unknown: bool) -> bool:
    members = FAMILIES.get(licence, ())
    if any_matches(denied, licence) or any(any_matches(denied, member) for member in members):
        return False
    if not allowed:
        return unknown or bool(members) or licence in NAMED or not licence.startswith("LicenseRef-")
    return any_matches(allowed, licence) or (bool(members) and all(any_matches(allowed, member) for member in members))


def _postfix(expression: str) -> Iterator[str]:
    """Yield the licences and operators of a valid expression in postfix order."""
    operators: list[str] = []
    for word in _words(expression):
        if word == "(":
            operators.append(word)
        elif word == ")":
            while (operator := operators.pop()) != "(":
                yield operator
        elif word in _PRECEDENCE:
            while operators and _PRECEDENCE.get(operators[-1], 0) >= _PRECEDENCE[word]:
                yield operators.pop()
            operators.append(word)
        else:
            yield word
    yield from reversed(operators)


def _words(expression: str) -> list[str]:
    """Return parentheses, operators, and licences together with their exceptions."""
    words: list[str] = []
    for word in expression.replace("(", " ( ").replace(")", " ) ").split():
        if word == "WITH" or (words and words[-1].endswith(" WITH")):
            words[-1] += f" {word}"
        else:
            words.append(word)
    return words


def any_matches(patterns: Sequence[str], licence: str) -> bool:
    """Return whether a pattern stands for a licence."""
    plain = licence.lower()
    base = plain.partition(" with ")[0]
    return any(
        fnmatchcase(name, pattern.lower()) for pattern in patterns for name in {plain, base, base.removesuffix("+")}
    )
