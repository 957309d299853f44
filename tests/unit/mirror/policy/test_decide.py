"""Each rule of a policy: what it refuses, with its name, and what an exception admits again."""

from __future__ import annotations

import pytest

from mirror.policy.decide import FileFacts, ProjectFacts, ProjectPolicy, ReleaseFacts
from mirror.policy.page_filter import attested_before
from mirror.policy.rules import Action, Cutoff, Except, PolicyRules, ProvenanceMode, Rule

DAY = 86_400
NOW = 1_000 * DAY
PROJECT = ProjectFacts("acme-tool", first_upload=900 * DAY)
RELEASE = ReleaseFacts("2.0", "https://index.example/simple/", advisories=())
FILE = FileFacts(uploaded=990 * DAY)


@pytest.mark.parametrize(
    ("rules", "project", "release", "file", "rule"),
    [
        (PolicyRules(deny=("acme-*",)), PROJECT, RELEASE, FILE, Rule.DENY),
        (PolicyRules(deny=("acme",)), PROJECT, RELEASE, FILE, None),
        (PolicyRules(allow=("other",)), PROJECT, RELEASE, FILE, Rule.ALLOW),
        (PolicyRules(allow=("acme-tool",)), PROJECT, RELEASE, FILE, None),
        (PolicyRules(only_from=(("acme-*", "https://own.example/simple"),)), PROJECT, RELEASE, FILE, Rule.ONLY_FROM),
        (PolicyRules(only_from=(("acme-*", "https://index.example/simple"),)), PROJECT, RELEASE, FILE, None),
        (
            PolicyRules(statuses={"archived": Action.REFUSE}),
            PROJECT._replace(status="archived"),
            RELEASE,
            FILE,
            Rule.STATUS,
        ),
        (PolicyRules(statuses={"archived": Action.WARN}), PROJECT._replace(status="archived"), RELEASE, FILE, None),
        (PolicyRules(minimum_project_age=200 * DAY), PROJECT, RELEASE, FILE, Rule.PROJECT_AGE),
        (PolicyRules(minimum_project_age=50 * DAY), PROJECT, RELEASE, FILE, None),
        (PolicyRules(minimum_project_age=DAY), PROJECT._replace(first_upload=0), RELEASE, FILE, Rule.PROJECT_AGE),
        (PolicyRules(cutoff=Cutoff(age=20 * DAY)), PROJECT, RELEASE, FILE, Rule.CUTOFF),
        (PolicyRules(cutoff=Cutoff(age=5 * DAY)), PROJECT, RELEASE, FILE, None),
        (PolicyRules(cutoff=Cutoff(before=10 * DAY)), PROJECT, RELEASE, FILE, Rule.CUTOFF),
        (PolicyRules(cutoff=Cutoff(age=5 * DAY)), PROJECT, RELEASE, FileFacts(), Rule.CUTOFF),
        (PolicyRules(cutoff=Cutoff(age=20 * DAY), cutoffs={"acme-tool": None}), PROJECT, RELEASE, FILE, None),
        (PolicyRules(only_binary=(":all:",)), PROJECT, RELEASE, FILE._replace(is_wheel=False), Rule.ONLY_BINARY),
        (
            PolicyRules(only_binary=(":all:",), no_binary=("acme-tool",)),
            PROJECT,
            RELEASE,
            FILE._replace(is_wheel=False),
            None,
        ),
        (PolicyRules(only_binary=(":all:",)), PROJECT, RELEASE, FILE, None),
        (PolicyRules(yanked=Action.REFUSE), PROJECT, RELEASE, FILE._replace(yanked=""), Rule.YANKED),
        (PolicyRules(yanked=Action.WARN), PROJECT, RELEASE, FILE._replace(yanked=""), None),
        (PolicyRules(provenance=ProvenanceMode.REQUIRED), PROJECT, RELEASE, FILE, Rule.PROVENANCE),
        (PolicyRules(provenance=ProvenanceMode.REQUIRED), PROJECT, RELEASE, FILE._replace(is_attested=True), None),
        (PolicyRules(provenance=ProvenanceMode.REQUIRED, provenance_age=5 * DAY), PROJECT, RELEASE, FILE, None),
        (PolicyRules(provenance=ProvenanceMode.NO_DOWNGRADE), PROJECT, RELEASE, FILE, None),
        (
            PolicyRules(provenance=ProvenanceMode.NO_DOWNGRADE),
            PROJECT,
            RELEASE._replace(attested_before="1.9"),
            FILE,
            Rule.PROVENANCE,
        ),
        (PolicyRules(advisories=Action.REFUSE), PROJECT, RELEASE._replace(advisories=("X-1",)), FILE, Rule.ADVISORIES),
        (PolicyRules(advisories=Action.REFUSE), PROJECT, RELEASE, FILE, None),
        (PolicyRules(advisories=Action.REFUSE), PROJECT, RELEASE._replace(advisories=None), FILE, Rule.ADVISORIES),
        (
            PolicyRules(advisories=Action.REFUSE, ignored_advisories=frozenset({"X-1"})),
            PROJECT,
            RELEASE._replace(advisories=("X-1",)),
            FILE,
            None,
        ),
    ],
)
def test_a_rule_refuses_what_it_is_about(
    rules: PolicyRules, project: ProjectFacts, release: ReleaseFacts, file: FileFacts, rule: Rule | None
) -> None:
    """And nothing else; a fact that is missing refuses. The words always have the name of the rule."""
    decision = ProjectPolicy(rules, project, NOW).decide(release, file)

    assert (decision.admitted, decision.rule) == (rule is None, rule)
    assert rule is None or rule.value in decision.words


def test_an_exception_admits_one_release_until_it_expires() -> None:
    """And says when the decision changes."""
    exception = Except("acme-tool", "2.0.0", frozenset({Rule.CUTOFF}), until=NOW + DAY)
    rules = PolicyRules(cutoff=Cutoff(before=DAY), exceptions=(exception,))
    policy = ProjectPolicy(rules, PROJECT, NOW)

    assert policy.decide(RELEASE, FILE).exception == exception
    assert policy.until == NOW + DAY
    assert not policy.decide(RELEASE._replace(version="2.1"), FILE).admitted
    assert not ProjectPolicy(rules, PROJECT, NOW + DAY).decide(RELEASE, FILE).admitted


def test_an_exception_from_one_rule_leaves_the_others() -> None:
    """Admitted only if every refusal is excepted."""
    rules = PolicyRules(
        cutoff=Cutoff(before=DAY), yanked=Action.REFUSE, exceptions=(Except("acme-*", "", frozenset({Rule.CUTOFF})),)
    )

    decision = ProjectPolicy(rules, PROJECT, NOW).decide(RELEASE, FILE._replace(yanked="broken"))

    assert (decision.admitted, decision.rule) == (False, Rule.YANKED)
    assert "broken" in decision.reason


def test_a_refusal_by_age_says_when_it_ends() -> None:
    """So that whoever keeps a page knows how long it holds."""
    policy = ProjectPolicy(PolicyRules(cutoff=Cutoff(age=20 * DAY)), PROJECT, NOW)
    policy.decide(RELEASE, FILE)

    assert policy.until == 990 * DAY + 20 * DAY + 1
    assert ProjectPolicy(PolicyRules(cutoff=Cutoff(age=20 * DAY)), PROJECT, policy.until).decide(RELEASE, FILE).admitted


def test_a_back_port_and_an_old_release_are_no_downgrade() -> None:
    """Only a lower version that came earlier counts: the two pitfalls of such a rule."""
    releases = [
        ("1.0", 0, 100),
        ("1.1", 0, 900),  # a back-port to a line that never had attestations
        ("2.0", 2, 500),
        ("2.1", 0, 600),  # a downgrade
        ("2.2", 1, 700),  # some files of it
        ("3.0", 2, 800),
        ("4.0", 0, 400),  # uploaded before any attestation
        ("5.0", 0, 0),  # a time that is not known
    ]

    assert attested_before(releases) == [None, None, None, "2.0", "2.0", None, None, "2.0"]
