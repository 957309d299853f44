"""A glance at a release decides as the rules do file by file."""

from __future__ import annotations

from typing import Any

from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from mirror.policy.decide import ProjectFacts, ProjectPolicy, ReleaseFacts
from mirror.policy.page_filter import file_facts
from mirror.policy.quick import QuickPolicy
from mirror.policy.rules import Action, Cutoff, Except, PolicyRules, ProvenanceMode, Rule

NOW = 1_790_000_000  # 2026-09-21
TIMES = (None, "2026-09-20T00:00:00Z", "2026-09-01T00:00:00.5Z", "2020-01-01T00:00:00+00:00", "nonsense", 3)
URL = "https://index.example/simple"
SOME = st.sampled_from

RULES = st.builds(
    PolicyRules,
    deny=SOME([(), ("app",), ("other",)]),
    only_from=SOME([(), (("app", URL),), (("app", "https://other.example/simple"),)]),
    statuses=SOME([{}, {"archived": Action.REFUSE}]),
    minimum_project_age=SOME([None, 86400]),
    cutoff=SOME([None, Cutoff(NOW - 7 * 86400), Cutoff(age=7 * 86400)]),
    only_binary=SOME([(), ("app",), (":all:",)]),
    yanked=SOME(list(Action)),
    provenance=SOME(list(ProvenanceMode)),
    provenance_age=SOME([None, 86400]),
    advisories=SOME(list(Action)),
    allowed_licences=SOME([(), ("MIT",)]),
    denied_licences=SOME([(), ("GPL-*",)]),
    exceptions=st.lists(
        st.builds(
            Except,
            SOME(["app", "other", "a*"]),
            SOME(["", "1.0", "2"]),
            st.frozensets(SOME(list(Rule))),
            SOME([None, NOW - 1, NOW + 1]),
        ),
        max_size=2,
    ).map(tuple),
)
RELEASES = st.builds(
    ReleaseFacts,
    SOME(["1.0", "2.0"]),
    SOME([URL, ""]),
    SOME([None, "0.9"]),
    SOME([None, (), ("X-1",)]),
    SOME([None, "", "MIT", "GPL-2.0-only"]),
)
ENTRIES = st.lists(
    st.fixed_dictionaries(
        {
            "filename": SOME(["app-1.0-py3-none-any.whl", "app-1.0.tar.gz"]),
            "upload-time": SOME(TIMES),
            "yanked": SOME([None, False, True, "", "bad"]),
            "provenance": SOME([None, "", URL]),
        }
    ),
    max_size=4,
)
FACTS = st.builds(ProjectFacts, st.just("app"), SOME([None, "archived"]), st.none(), SOME([0, 1, NOW]))


@settings(suppress_health_check=[HealthCheck.too_slow], deadline=None)
@given(rules=RULES, facts=FACTS, release=RELEASES, entries=ENTRIES)
def test_a_glance_decides_as_the_rules_do(
    rules: PolicyRules, facts: ProjectFacts, release: ReleaseFacts, entries: list[dict[str, Any]]
) -> None:
    """Rule and reason included; what it leaves open is decided file by file."""
    policy = ProjectPolicy(rules, facts, NOW)
    glance = QuickPolicy(policy).decide(release, entries)
    until = policy.until

    slow = ProjectPolicy(rules, facts, NOW)
    expected = [slow.decide(release, file_facts(entry)) for entry in entries]
    for entry, decision in zip(entries, glance, strict=True):
        if decision is None:
            policy.decide(release, file_facts(entry))
        else:
            assert decision == expected[entries.index(entry)]
    assert until >= policy.until
    if all(decision is None or decision.admitted for decision in glance):
        assert policy.until == slow.until
