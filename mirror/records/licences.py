"""The licence that core metadata states, as an SPDX expression (PEP 639).

The first of these that says something counts: License-Expression; a License that is an SPDX expression or the usual name of a
licence; the licence classifiers; the text of License. What has no SPDX identifier becomes ``LicenseRef-…``. Several classifiers are
joined by AND: metadata does not say whether a user may choose.
"""

from __future__ import annotations

import re
from typing import TYPE_CHECKING, Any, NamedTuple

from mirror.equality import equal_by_type
from mirror.errors import Malformed
from mirror.records.filenames import split_filename
from mirror.records.headers import read_headers
from mirror.records.metadata_texts import unpack_texts
from mirror.records.version_keys import version_key

if TYPE_CHECKING:
    from collections.abc import Mapping, Sequence

_EXPRESSION, _LICENCE, _CLASSIFIER = "license-expression", "license", "classifier"
HEADERS = (_EXPRESSION, _LICENCE, _CLASSIFIER)
_PREFIX = "License :: "
_LONGEST = 200  # characters of an expression, and of what is kept of a text
_NAME_LENGTH = 60  # a longer License is the text of a licence, which begins with its name

# Names of licences in lower case, without punctuation: as people write them in License, and the last part of classifiers.
# A family without a version gets its "-or-later", so that a pattern for the family ("GPL-*") finds it.
_NAMES = {
    "0bsd": "0BSD",
    "apache": "Apache-2.0",
    "apache 2": "Apache-2.0",
    "apache 2 0": "Apache-2.0",
    "apache2": "Apache-2.0",
    "apache license": "Apache-2.0",
    "apache license 2 0": "Apache-2.0",
    "apache license version 2 0": "Apache-2.0",
    "apache software license": "Apache-2.0",
    "apache software license 2 0": "Apache-2.0",
    "boost software license 1 0 bsl 1 0": "BSL-1.0",
    "bsd": "LicenseRef-BSD",
    "bsd license": "LicenseRef-BSD",
    "2 clause bsd": "BSD-2-Clause",
    "3 clause bsd": "BSD-3-Clause",
    "bsd 2 clause": "BSD-2-Clause",
    "bsd 2 clause license": "BSD-2-Clause",
    "bsd 3 clause": "BSD-3-Clause",
    "bsd 3 clause license": "BSD-3-Clause",
    "new bsd": "BSD-3-Clause",
    "new bsd license": "BSD-3-Clause",
    "modified bsd": "BSD-3-Clause",
    "modified bsd license": "BSD-3-Clause",
    "simplified bsd": "BSD-2-Clause",
    "simplified bsd license": "BSD-2-Clause",
    "cc0 1 0 universal cc0 1 0 public domain dedication": "CC0-1.0",
    "common development and distribution license 1 0 cddl 1 0": "CDDL-1.0",
    "eclipse public license 1 0 epl 1 0": "EPL-1.0",
    "eclipse public license 2 0 epl 2 0": "EPL-2.0",
    "european union public licence 1 1 eupl 1 1": "EUPL-1.1",
    "european union public licence 1 2 eupl 1 2": "EUPL-1.2",
    "agpl": "AGPL-3.0-or-later",
    "agplv3": "AGPL-3.0-only",
    "agplv3+": "AGPL-3.0-or-later",
    "gnu affero general public license v3": "AGPL-3.0-only",
    "gnu affero general public license v3 or later agplv3+": "AGPL-3.0-or-later",
    "gpl": "GPL-1.0-or-later",
    "gplv2": "GPL-2.0-only",
    "gplv2+": "GPL-2.0-or-later",
    "gplv3": "GPL-3.0-only",
    "gplv3+": "GPL-3.0-or-later",
    "gpl v2": "GPL-2.0-only",
    "gpl v3": "GPL-3.0-only",
    "gnu gpl": "GPL-1.0-or-later",
    "gnu gpl v3": "GPL-3.0-only",
    "gnu gplv3": "GPL-3.0-only",
    "gnu general public license": "GPL-1.0-or-later",
    "gnu general public license gpl": "GPL-1.0-or-later",
    "gnu general public license v2 gplv2": "GPL-2.0-only",
    "gnu general public license v2 or later gplv2+": "GPL-2.0-or-later",
    "gnu general public license v3 gplv3": "GPL-3.0-only",
    "gnu general public license v3 or later gplv3+": "GPL-3.0-or-later",
    "lgpl": "LGPL-2.0-or-later",
    "lgplv2": "LGPL-2.0-only",
    "lgplv2+": "LGPL-2.0-or-later",
    "lgplv3": "LGPL-3.0-only",
    "lgplv3+": "LGPL-3.0-or-later",
    "lgpl v3": "LGPL-3.0-only",
    "gnu lgpl": "LGPL-2.0-or-later",
    "gnu lesser general public license": "LGPL-2.0-or-later",
    "gnu lesser general public license v2 lgplv2": "LGPL-2.0-only",
    "gnu lesser general public license v2 or later lgplv2+": "LGPL-2.0-or-later",
    "gnu lesser general public license v3 lgplv3": "LGPL-3.0-only",
    "gnu lesser general public license v3 or later lgplv3+": "LGPL-3.0-or-later",
    "gnu library or lesser general public license lgpl": "LGPL-2.0-or-later",
    "historical permission notice and disclaimer hpnd": "HPND",
    "isc license": "ISC",
    "isc license iscl": "ISC",
    "mit": "MIT",
    "mit license": "MIT",
    "the mit license": "MIT",
    "the mit license mit": "MIT",
    "mit no attribution license mit 0": "MIT-0",
    "mozilla public license 1 1 mpl 1 1": "MPL-1.1",
    "mozilla public license 2 0": "MPL-2.0",
    "mozilla public license 2 0 mpl 2 0": "MPL-2.0",
    "mpl 2": "MPL-2.0",
    "mpl2": "MPL-2.0",
    "other proprietary license": "LicenseRef-Proprietary",
    "proprietary": "LicenseRef-Proprietary",
    "public domain": "LicenseRef-Public-Domain",
    "psf": "PSF-2.0",
    "psf license": "PSF-2.0",
    "python software foundation license": "PSF-2.0",
    "the unlicense unlicense": "Unlicense",
    "universal permissive license upl": "UPL-1.0",
    "university of illinois ncsa open source license": "NCSA",
    "w3c license": "W3C",
    "zero clause bsd 0bsd": "0BSD",
    "zlib libpng license": "Zlib",
}  # fmt: skip
_SILENT = frozenset(("", "unknown", "none", "osi approved", "dual license", "license"))  # these say nothing


@equal_by_type
class StatedLicence(NamedTuple):
    """What core metadata states of the licence, as written."""

    expression: str = ""  # License-Expression
    text: str = ""  # License: a name, or the beginning of a text
    classifiers: tuple[str, ...] = ()  # those of licences, without "License :: "

    def spdx(self) -> str:
        """Return an SPDX expression; "" if nothing is stated."""
        if self.expression:
            return canonical(self.expression) or _reference(self.expression)
        text = "" if _plain(self.text) in _SILENT else self.text
        named = text and (canonical(text) or _of_name(text))
        if named and named != "LicenseRef-BSD":  # a classifier or the whole text may be more exact
            return named
        rows = dict.fromkeys(map(_of_classifier, self.classifiers))
        rows.pop("", None)
        return " AND ".join(rows) or named or (_reference(text) if text else "")


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
    return stated_licence(read_headers(metadata, HEADERS))


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
    return "" if _plain(last) in _SILENT else _NAMES.get(_plain(last)) or _reference(last)


def _of_name(text: str) -> str:
    """Return the licence of a usual name, or of a text that begins with one."""
    plain = _plain(text)
    if plain in _NAMES:
        return _NAMES[plain]
    if len(text) <= _NAME_LENGTH:
        return ""
    longest = max((name for name in _NAMES if " " in name and plain.startswith(name + " ")), key=len, default="")
    return _NAMES.get(longest, "")


def _plain(text: str) -> str:
    return " ".join(re.findall(r"[a-z0-9]+\+?", text.lower()))


def _reference(text: str) -> str:
    """Return a ``LicenseRef-`` with the beginning of a text."""
    slug = "-".join(re.findall(r"[A-Za-z0-9.]+", text))[:_NAME_LENGTH].strip("-.")
    return f"LicenseRef-{slug or 'Unnamed'}"
