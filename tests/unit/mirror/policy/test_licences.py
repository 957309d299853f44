"""Lists of licences over expressions: AND, OR, WITH, brackets, patterns."""

from __future__ import annotations

import pytest

from mirror.policy.decide import FileFacts, ProjectFacts, ProjectPolicy, ReleaseFacts
from mirror.policy.licences import refused_licence
from mirror.policy.rules import Action, Except, PolicyRules, Rule


@pytest.mark.parametrize(
    ("expression", "allowed", "denied", "refused"),
    [
        ("MIT", (), ("GPL-*",), None),
        ("MIT OR GPL-3.0-only", (), ("GPL-*",), None),
        ("GPL-2.0-only OR GPL-3.0-only", (), ("GPL-*",), "GPL-2.0-only"),
        ("MIT AND GPL-3.0-only", (), ("gpl-*",), "GPL-3.0-only"),
        ("MIT AND (Apache-2.0 OR GPL-2.0-only)", ("MIT", "Apache-2.0"), (), None),
        ("(MIT AND Apache-2.0) OR ISC", ("ISC",), (), None),
        ("ISC OR MIT AND Apache-2.0", ("MIT",), (), "ISC"),
        ("MIT AND Apache-2.0 OR ISC", ("ISC",), ("MIT",), None),
        ("((MIT))", ("ISC",), (), "MIT"),
        ("GPL-2.0-only WITH Classpath-exception-2.0", (), ("GPL-2.0-only",), "GPL-2.0-only WITH Classpath-exception-2.0"),
        ("GPL-2.0-only WITH Classpath-exception-2.0", ("GPL-2.0-only WITH Classpath-exception-2.0",), (), None),
        ("GPL-2.0-only", ("GPL-2.0-only WITH Classpath-exception-2.0",), (), "GPL-2.0-only"),
        ("LicenseRef-BSD", ("LicenseRef-*",), (), None),
        ("LicenseRef-BSD", ("BSD-*",), (), None),
        ("LicenseRef-BSD", ("BSD-2-Clause", "BSD-3-Clause"), (), "LicenseRef-BSD"),
        ("LicenseRef-BSD", ("LicenseRef-BSD",), ("BSD-4-Clause",), "LicenseRef-BSD"),
        ("LicenseRef-BSD", (), ("BSD-*",), "LicenseRef-BSD"),
        ("LicenseRef-GPL", (), ("GPL-3.0-or-later",), "LicenseRef-GPL"),
        ("LicenseRef-GPL-2.0", (), ("GPL-3.0-*",), None),
        ("LicenseRef-Apache", ("Apache-2.0",), (), "LicenseRef-Apache"),
        ("LicenseRef-Apache OR MIT", ("Apache-2.0", "MIT"), (), None),
        ("LicenseRef-LGPL", ("MIT", "LGPL-*"), ("GPL-*",), None),
        ("LicenseRef-PSF", ("PSF-2.0", "Python-2.0*"), (), None),
        ("LicenseRef-MPL", (), ("MPL-1.1",), "LicenseRef-MPL"),
    ],
)  # fmt: skip
def test_an_expression_is_admitted_or_the_deciding_licence_is_named(
    expression: str, allowed: tuple[str, ...], denied: tuple[str, ...], refused: str | None
) -> None:
    """One licence of an OR suffices, an AND needs all; denials come first."""
    assert refused_licence(expression, allowed, denied) == refused


@pytest.mark.parametrize(
    ("rules", "licence", "reason"),
    [
        (PolicyRules(denied_licences=("GPL-*",)), "MIT", None),
        (PolicyRules(denied_licences=("GPL-*",)), "GPL-3.0-only", "the licence GPL-3.0-only, which the policy denies"),
        (PolicyRules(allowed_licences=("MIT",)), "ISC AND MIT", "ISC AND MIT: the policy does not allow ISC"),
        (PolicyRules(allowed_licences=("MIT",)), "", "states no licence"),
        (PolicyRules(allowed_licences=("MIT",), unknown_licences=Action.ALLOW), "", None),
        (PolicyRules(denied_licences=("MIT",)), None, "cannot be checked against licences"),
        (PolicyRules(denied_licences=("MIT",), exceptions=(Except("app", "1.0", frozenset({Rule.LICENCES})),)), "MIT", None),
        (PolicyRules(), None, None),
        (PolicyRules(denied_licences=("BSD-4-Clause",)), "LicenseRef-BSD",
         "the policy denies (any of BSD-1-Clause, BSD-2-Clause, BSD-3-Clause, BSD-4-Clause)"),
        (PolicyRules(denied_licences=("GPL-*",)), "LicenseRef-Ask-us", "is no SPDX identifier, so whether the policy denies it"),
        (PolicyRules(denied_licences=("GPL-*",), unknown_licences=Action.ALLOW), "LicenseRef-Ask-us", None),
        (PolicyRules(denied_licences=("GPL-*",)), "LicenseRef-Proprietary", None),
    ],
)  # fmt: skip
def test_the_rule_names_what_it_refuses(rules: PolicyRules, licence: str | None, reason: str | None) -> None:
    """An unknown licence is refused unless the policy says otherwise; one that cannot be read always is."""
    admission = ProjectPolicy(rules, ProjectFacts("app"), 0).decide(ReleaseFacts("1.0", licence=licence), FileFacts())

    assert admission.admitted == (reason is None)
    assert (reason or "") in admission.reason
