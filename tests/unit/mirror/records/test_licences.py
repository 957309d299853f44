"""The SPDX expression of what metadata states, by the order of PEP 639 and the usual names."""

from __future__ import annotations

import pytest

from mirror.records.headers import read_headers
from mirror.records.licences import HEADERS, StatedLicence, read_licence, stated_by_project, stated_licence, to_rows

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
        (StatedLicence("", "Dual License", (OSI + "Apache Software License", OSI + "MIT License")), "LicenseRef-Apache AND MIT"),
        (StatedLicence("", "", (OSI + "GNU General Public License (GPL)",)), "LicenseRef-GPL"),
        (StatedLicence("", "GPL", (OSI + "GNU General Public License v3 or later (GPLv3+)",)), "GPL-3.0-or-later"),
        (StatedLicence("", "GPL", (OSI + "GNU General Public License v3 (GPLv3)",)), "LicenseRef-GPL-3.0"),
        (StatedLicence("", "GPL", (OSI + "MIT License",)), "LicenseRef-GPL AND MIT"),
        (StatedLicence("", "", (OSI + "BSD License", OSI + "Zero-Clause BSD (0BSD)")), "LicenseRef-BSD AND 0BSD"),
        (StatedLicence("", "", (OSI + "GNU General Public License (GPL)", OSI + "GNU General Public License v2 (GPLv2)")),
         "LicenseRef-GPL-2.0"),
        (StatedLicence("", "GPL version 3 or any later version"), "LicenseRef-GPL"),
        (StatedLicence("", "Lesser GPL (LGPL)"), "LicenseRef-Lesser-GPL-LGPL"),
        (StatedLicence("", "BSD or Apache"), "LicenseRef-BSD-or-Apache"),
        (StatedLicence("", "PSF", (OSI + "Python Software Foundation License",)), "LicenseRef-PSF"),
        (StatedLicence("", "MPL 2.0"), "MPL-2.0"),
        (StatedLicence("", "Mozilla Public License"), "LicenseRef-MPL"),
        (StatedLicence("", "BSD/MIT"), "LicenseRef-BSD-MIT"),
        (StatedLicence("", "GNU AGPLv3"), "LicenseRef-AGPL"),
        (StatedLicence("", "Apache License, Version 2.0"), "Apache-2.0"),
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


@pytest.mark.parametrize("end", [b"\n", b"\r\n"])
def test_only_the_lines_that_matter_are_read(end: bytes) -> None:
    """In any case of letters, with the lines that continue them; a word in another header or the description is none."""
    lines = [b"Metadata-Version: 2.1", b"X-License: no", b"LICENSE: The", b"\tterms", b"Summary: x", b"  License: no"]
    lines += [b"classifier: License :: A", b"Classifier: Topic :: License", b"Classifier:License :: OSI Approved :: B"]
    metadata = end.join([*lines, b"", b"License-Expression: MIT"])

    assert read_licence(metadata) == StatedLicence("", "The terms", ("A", "OSI Approved :: B"))
    assert read_licence(metadata) == stated_licence(read_headers(metadata, HEADERS))


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
