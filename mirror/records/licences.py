"""The licence that core metadata states, as an SPDX expression (PEP 639).

The first of these that says something counts: License-Expression; a License that is an SPDX expression or the usual name of a
licence; the licence classifiers; the text of License. What has no SPDX identifier becomes ``LicenseRef-…``. Several classifiers are
joined by AND: metadata does not say whether a user may choose. A family of which the licence is not said ("BSD") becomes a
reference to it (``licence_names.FAMILIES``), unless another statement says which.
"""

from __future__ import annotations

import re
from functools import lru_cache
from typing import TYPE_CHECKING, Any

from mirror.equality import NamedTuple
from mirror.errors import Malformed
from mirror.records.filenames import split_filename
from mirror.records.headers import head_of, read_headers
from mirror.records.licence_names import FAMILIES, FAMILY_WORDS, NAMES, OTHERS
from mirror.records.metadata_texts import unpack_texts
from mirror.records.version_keys import version_key

if TYPE_CHECKING:
    from collections.abc import Mapping, Sequence

_EXPRESSION, _LICENCE, _CLASSIFIER = "license-expression", "license", "classifier"
HEADERS = (_EXPRESSION, _LICENCE, _CLASSIFIER)
_PREFIX = "License :: "
_LONGEST = 200  # characters of an expression, and of what is kept of a text
_NAME_LENGTH = 60  # a longer License is the text of a licence, which begins with its name

# The header lines that matter, of thirty, with the lines that continue them.
_LINES = re.compile(
    rb"^(?:license(?:-expression)?:|classifier:[ \t]*license ::).*(?:\n[ \t].*)*", re.IGNORECASE | re.MULTILINE
)
_SILENT = frozenset(("", "unknown", "none", "osi approved", "dual license", "license"))  # these say nothing


class StatedLicence(NamedTuple):
    """What core metadata states of the licence, as written."""

    expression: str = ""  # License-Expression
    text: str = ""  # License: a name, or the beginning of a text
    classifiers: tuple[str, ...] = ()  # those of licences, without "License :: "

    def spdx(self) -> str:
        """Return an SPDX expression; "" if nothing is stated."""
        return _spdx(self)


@lru_cache(maxsize=1024)  # the releases of a project mostly state the same
def _spdx(stated: StatedLicence) -> str:
    if stated.expression:
        return canonical(stated.expression) or _reference(stated.expression)
    text = "" if _plain(stated.text) in _SILENT else stated.text
    named = text and (canonical(text) or _of_name(text))
    family = FAMILIES.get(named)
    if named and family is None:
        return named
    rows = dict.fromkeys(map(_of_classifier, stated.classifiers))
    rows.pop("", None)
    for row in [row for row in rows if row in FAMILIES]:  # "BSD License" beside the text "BSD-3-Clause"
        if any(other != row and set(FAMILIES.get(other, (other,))) <= set(FAMILIES[row]) for other in rows):
            del rows[row]
    if family is not None and not any(set(FAMILIES.get(row, (row,))) <= set(family) for row in rows):
        return " AND ".join((named, *rows))  # nothing says which licence of the family it is
    return " AND ".join(rows) or (_reference(text) if text else "")


def stated_licence(headers: Mapping[str, Sequence[str]]) -> StatedLicence:
    """Return what headers (lower-case names) state."""
    rows = [row.strip() for row in headers.get(_CLASSIFIER, ()) if row.strip().startswith(_PREFIX)]
    return StatedLicence(
        next(iter(headers.get(_EXPRESSION, ())), "")[:_LONGEST],
        next(iter(headers.get(_LICENCE, ())), "")[:_LONGEST],
        tuple([row[len(_PREFIX) :] for row in rows][:20]),
    )


def read_licence(metadata: bytes) -> StatedLicence:
    """Return what METADATA or PKG-INFO states."""
    return _stated_in(b"\n".join(_LINES.findall(head_of(metadata))))


@lru_cache(maxsize=1024)  # as above
def _stated_in(lines: bytes) -> StatedLicence:
    return stated_licence(read_headers(lines, HEADERS))


def licences_of(record: bytes, name: str) -> dict[str, str]:
    """Return, by the sort key of the version, the licence of each release of which a record of METADATA has a file."""
    try:
        texts = unpack_texts(record)
    except Malformed:
        return {}  # damaged: it is fetched and stored again
    rows: dict[str, str] = {}
    for filename, text in texts.items():
        split = split_filename(filename, name)
        if split is not None:
            rows.setdefault(version_key(split[0]) or split[0], read_licence(text).spdx())
    return rows


def stated_by_project(table: Mapping[str, Any]) -> StatedLicence:
    """Return what a project table states (PEP 621, PEP 639)."""
    licence, classifiers = table.get("license"), table.get("classifiers")
    text = licence.get("text") if isinstance(licence, dict) else None
    return stated_licence(
        {
            _EXPRESSION: [licence] if isinstance(licence, str) else [],
            _LICENCE: [" ".join(text.split())] if isinstance(text, str) else [],
            _CLASSIFIER: [row for row in classifiers if isinstance(row, str)] if isinstance(classifiers, list) else [],
        }
    )


def to_rows(stated: StatedLicence) -> list[tuple[str, str]]:
    """Return the headers that ``stated_licence`` reads back."""
    rows = [("License-Expression", stated.expression), ("License", " ".join(stated.text.split()))]
    rows += [("Classifier", _PREFIX + row) for row in stated.classifiers]
    return [(name, value) for name, value in rows if value]


def canonical(text: str) -> str:
    """Return an SPDX expression in its usual spelling; "" for a text that is none."""
    from packaging.licenses import (  # 5 ms, and a lock reads no licence
        InvalidLicenseExpression,
        canonicalize_license_expression,
    )

    if len(text) > _LONGEST:
        return ""
    try:
        return canonicalize_license_expression(text)
    except InvalidLicenseExpression:
        return ""


def _of_classifier(classifier: str) -> str:
    last = classifier.rpartition(" :: ")[2]
    return "" if _plain(last) in _SILENT else NAMES.get(_plain(last)) or _reference(last)


def _of_name(text: str) -> str:
    """Return the licence of a usual name, or of a text that begins with one."""
    plain = _plain(text)
    if plain in NAMES:
        return NAMES[plain]
    if len(text) <= _NAME_LENGTH:
        families = {family for words, family in FAMILY_WORDS.items() if f" {words}" in f" {plain}"}
        return families.pop() if len(families) == 1 and OTHERS.isdisjoint(plain.split()) else ""
    longest = max((name for name in NAMES if " " in name and plain.startswith(name + " ")), key=len, default="")
    return NAMES.get(longest, "")


def _plain(text: str) -> str:
    return " ".join(re.findall(r"[a-z0-9]+\+?", text.lower()))


def _reference(text: str) -> str:
    """Return a ``LicenseRef-`` with the beginning of a text."""
    slug = "-".join(re.findall(r"[A-Za-z0-9.]+", text))[:_NAME_LENGTH].strip("-.")
    return f"LicenseRef-{slug or 'Unnamed'}"
