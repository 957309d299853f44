"""The SPDX expression of what metadata states, by the order of PEP 639 and the usual names."""

from __future__ import annotations

import pytest

from mirror.records.headers import read_headers
from mirror.records.licences import HEADERS, StatedLicence, read_licence, stated_by_project, to_rows

OSI = "OSI Approved :: "


@pytest.mark.parametrize(
    ("stated", "expression"),
    [
        (StatedLicence("mit or apache-2.0"), "MIT OR Apache-2.0"),
        (StatedLicence("MIT", "GPL", (OSI + "BSD License",)), "MIT"),
        (StatedLicence("Our own"), "LicenseRef-Our-own"),
        (StatedLicence("", "Apache 2.0"), "Apache-2.0"),
        (StatedLicence("", "BSD", (OSI + "BSD License",)), "LicenseRef-BSD"),
        (StatedLicence("", "BSD-3-Clause", (OSI + "BSD License",)), "BSD-3-Clause"),
        (StatedLicence("", "BSD 3-Clause License Copyright (c) 2008, The Authors. All rights reserved."), "BSD-3-Clause"),
        (StatedLicence("", "Terms of the authors, which begin here and go on for many lines", (OSI + "MIT License",)), "MIT"),
        (StatedLicence("", "Dual License", (OSI + "Apache Software License", OSI + "MIT License")), "Apache-2.0 AND MIT"),
        (StatedLicence("", "", (OSI + "GNU General Public License (GPL)",)), "GPL-1.0-or-later"),
        (StatedLicence("", "", ("Other/Proprietary License",)), "LicenseRef-Proprietary"),
        (StatedLicence("", "", (OSI + "Nobody's License",)), "LicenseRef-Nobody-s-License"),
        (StatedLicence("", "Ask the authors"), "LicenseRef-Ask-the-authors"),
        (StatedLicence("", "UNKNOWN", ("OSI Approved",)), ""),
        (StatedLicence("(" * 150 + "MIT" + ")" * 150), "LicenseRef-MIT"),
        (StatedLicence(), ""),
    ],
)  # fmt: skip
def test_what_is_stated_becomes_an_expression(stated: StatedLicence, expression: str) -> None:
    """What has no identifier becomes a reference; nothing stated stays empty."""
    assert stated.spdx() == expression


def test_headers_are_read_and_written() -> None:
    """Folded texts are joined, other classifiers and the description are left out, and what is written reads back equal."""
    text = (
        b"Name: app\nVersion: 1\nLicense: Terms\n  and conditions\nClassifier: Topic :: Internet\n"
        b"Classifier: License :: OSI Approved :: MIT License\n\nLicense-Expression: GPL-3.0-only\n"
    )
    stated = read_licence(text)

    assert stated == StatedLicence("", "Terms and conditions", ("OSI Approved :: MIT License",))
    written = "".join(f"{name}: {value}\n" for name, value in to_rows(stated)).encode()
    assert read_headers(written, HEADERS) == {
        "license": ["Terms and conditions"],
        "classifier": ["License :: OSI Approved :: MIT License"],
    }
    assert read_licence(written) == stated


@pytest.mark.parametrize(
    ("table", "expression"),
    [
        ({"license": "MIT"}, "MIT"),
        ({"license": {"text": "BSD 3-Clause"}}, "BSD-3-Clause"),
        ({"license": {"file": "LICENSE"}, "classifiers": ["License :: OSI Approved :: MIT License"]}, "MIT"),
        ({"license": 3, "classifiers": {"a": 1}}, ""),
    ],
)
def test_a_project_table_states_it_in_three_ways(table: dict[str, object], expression: str) -> None:
    """As an expression, as a text, and by classifiers; what has another type says nothing."""
    assert stated_by_project(table).spdx() == expression
