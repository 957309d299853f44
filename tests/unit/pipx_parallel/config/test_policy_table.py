"""[tool.pipx-parallel.policy]: what it means, and fifty mistakes with one clear error each."""

from __future__ import annotations

import tomllib

import pytest

from mirror.policy.rules import Action, Cutoff, ProvenanceMode, Rule
from pipx_parallel.config.layers import Chosen, Layer
from pipx_parallel.config.policy_table import policy_values_of
from pipx_parallel.config.policy_values import policy_rules
from pipx_parallel.errors import UsageError

GOOD = """
uploaded-prior-to = "P7D"
minimum-project-age = "P30D"
allow = ["requests", "Acme_*"]
deny = "evil"
only-from = { "acme-*" = "https://own.example/simple" }
only-binary = true
yanked = "refuse"
status = { archived = "warn", quarantined = "refuse" }
provenance = { mode = "no-downgrade", max-age = "P365D" }
advisories = { action = "refuse", ignore = ["GHSA-xxxx"] }
licences = { allow = ["mit", "BSD-*"], deny = "GPL-3.0-only", unknown = "allow" }
[[exceptions]]
package = "requests"
version = "2.32.4"
rules = ["uploaded-prior-to", "yanked"]
until = 2026-12-31
reason = "the fix of an advisory"
"""

# Each: the mistake, and what the error must name: the key, and the remedy.
MISTAKES = [
    ('uploaded-prior-to = "P7"', "uploaded-prior-to", "P7D"),
    ('uploaded-prior-to = "yesterday"', "uploaded-prior-to", "a date"),
    ("uploaded-prior-to = 7", "uploaded-prior-to", "P7D"),
    ("uploaded-prior-to = []", "uploaded-prior-to", "P7D"),
    ('uploaded-prior-to = "P1M"', "uploaded-prior-to", "P7D"),
    ("uploaded-prior-to = 07:30:00", "uploaded-prior-to", "a date"),
    ('uploaded-prior-to = ""', "uploaded-prior-to", "P7D"),
    ('uploaded-before = "P7D"', "uploaded-before", "keys are"),
    ('uploaded-prior-too = "P7D"', "uploaded-prior-too", 'did you mean "uploaded-prior-to"'),
    ('exclude-newer = "P7D"', "exclude-newer", "keys are"),
    ('minimum-project-age = "30 days"', "minimum-project-age", "P7D"),
    ("minimum-project-age = 2026-01-01", "minimum-project-age: 2026-01-01 cannot", "P7D"),
    ("minimum-project-age = 30", "minimum-project-age", "P7D"),
    ('minimum-project-age = "2026-01-01"', "minimum-project-age", "P7D"),
    ('allow = "*"', "allow", "prefix"),
    ('allow = ["a*b"]', "allow", "prefix"),
    ("allow = [1]", "allow[0]", "a text"),
    ("allow = { a = 1 }", "allow", "a text"),
    ('deny = [""]', "deny[0]", "a text"),
    ('deny = ["requests>=2"]', "deny", "the name of a project"),
    ("deny = true", "deny", "a text or a list"),
    ("allow = []", "allow", "leave the key out"),
    ("licences = { allow = [] }", "licences.allow", "leave the key out"),
    ('only-from = { "acme-*" = "https://" }', "only-from.acme-*", "https://"),
    ('denied = ["a"]', "denied", "keys are"),
    ('only-from = "https://own.example"', "only-from", "a table"),
    ('only-from = { "acme-*" = 1 }', "only-from.acme-*", "URL"),
    ('only-from = { "acme-*" = "own.example/simple" }', "only-from.acme-*", "https://"),
    ('only-from = { "*acme" = "https://own.example" }', "only-from.*acme", "prefix"),
    ("only-binary = false", "only-binary: false cannot", "true, or a list of names"),
    ('only-binary = ["acme-*"]', "only-binary", "no prefix"),
    ('only-binary = "yes"', "only-binary", "true, or a list of names"),
    ('allow = "all"', "allow", "a list of names"),
    ('deny = "None"', "deny", '["None"]'),
    ('licences = { deny = "yes" }', "licences.deny", "a list of SPDX identifiers"),
    ('advisories = { ignore = "all" }', "advisories.ignore", "a list of ids"),
    ('first-seen-as-upload-time = "yes"', "first-seen-as-upload-time", "true or false"),
    ("first-seen-as-upload-time = 1", "first-seen-as-upload-time", "true or false"),
    ('only_binary = [":all:"]', "only_binary", 'did you mean "only-binary"'),
    ('yanked = "refused"', "yanked", 'did you mean "refuse"'),
    ("yanked = false", "yanked", "refuse or warn or allow"),
    ('status = "refuse"', "status", "a table"),
    ('status = { archive = "refuse" }', "archive", 'did you mean "archived"'),
    ('status = { archived = "no" }', "status.archived", "refuse or warn or allow"),
    ("status = { archived = true }", "status.archived", "refuse or warn or allow"),
    ('provenance = "strict"', "provenance", "no-downgrade"),
    ("provenance = true", "provenance", "a table with mode"),
    ('provenance = { mode = "required", age = "P1D" }', "age", "keys are"),
    ('provenance = { max-age = "P2Y" }', "provenance.max-age", "P7D"),
    ('advisories = "block"', "advisories", "refuse or allow"),
    ("advisories = { ignore = [3] }", "advisories.ignore[0]", "a text"),
    ('licences = "MIT"', "licences", "a table with allow, deny, unknown"),
    ('licences = { allow = ["Apache"] }', "licences.allow", "one SPDX identifier"),
    ('licences = { deny = ["MIT OR GPL-3.0-only"] }', "licences.deny", "one SPDX identifier"),
    ('licences = { deny = ["*"] }', "licences.deny", "one SPDX identifier"),
    ('licences = { denied = ["MIT"] }', "denied", "keys are allow, deny, unknown"),
    ('licences = { unknown = "warn" }', "licences.unknown", "refuse or allow"),
    ('advisories = { ignored = ["X"] }', "ignored", 'did you mean "ignore"'),
    ('exceptions = { package = "a" }', "exceptions", "a list of tables"),
    ('exceptions = [{ rules = ["yanked"] }]', "exceptions[0]", "package is missing"),
    ('exceptions = [{ package = "a" }]', "exceptions[0]", "rules is missing"),
    ('exceptions = [{ package = "a", rules = ["yank"] }]', "exceptions[0].rules", 'did you mean "yanked"'),
    ('exceptions = [{ package = "a", rules = [] }]', "exceptions[0].rules", "at least one rule"),
    ('exceptions = [{ package = "a", rules = "yanked", until = "soon" }]', "exceptions[0].until", "a date"),
    ('exceptions = [{ package = "a", rules = "yanked", version = ">=2" }]', "exceptions[0]", "one version"),
    ('exceptions = [{ package = "a", rules = "yanked", version = 2.0 }]', "exceptions[0].version", "one version"),
    ('exceptions = [{ package = "a-*", rules = "yanked", version = "2" }]', "exceptions[0].version", "no version"),
    ('exceptions = [{ package = "a", rules = "yanked", expires = 2026-01-01 }]', "expires", "keys are"),
    ('exceptions = [{ name = "a", rules = "yanked" }]', "name", "keys are"),
]


def test_a_table_means_what_it_says() -> None:
    """Through the options that it sets, so that a flag may replace a part of it."""
    values = policy_values_of(tomllib.loads(GOOD), "p.toml")
    rules = policy_rules(Chosen([Layer("project", values, "p.toml")]))

    assert values["only_binary"] == (":all:",)
    assert rules.cutoff == Cutoff(None, 7 * 86_400)
    assert (rules.allow, rules.deny) == (("requests", "acme-*"), ("evil",))
    assert rules.only_from == (("acme-*", "https://own.example/simple"),)
    assert (rules.minimum_project_age, rules.provenance_age) == (30 * 86_400, 365 * 86_400)
    assert rules.statuses == {"archived": Action.WARN, "quarantined": Action.REFUSE}
    assert (rules.yanked, rules.advisories, rules.provenance) == (
        Action.REFUSE,
        Action.REFUSE,
        ProvenanceMode.NO_DOWNGRADE,
    )
    assert (rules.allowed_licences, rules.denied_licences) == (("MIT", "BSD-*"), ("GPL-3.0-only",))
    assert rules.unknown_licences is Action.ALLOW
    (exception,) = rules.exceptions
    assert exception.rules == {Rule.CUTOFF, Rule.YANKED}
    assert (exception.project, exception.version, exception.reason) == ("requests", "2.32.4", "the fix of an advisory")
    assert exception.until == 1_798_761_600  # the end of the day


def test_a_flag_replaces_a_key_of_the_table() -> None:
    """And leaves the others."""
    values = policy_values_of(tomllib.loads(GOOD), "p.toml")
    chosen = Chosen([Layer("project", values, "p.toml"), Layer("flag", {"yanked": "allow"})])
    rules = policy_rules(chosen)

    assert (rules.yanked, rules.cutoff) == (Action.ALLOW, Cutoff(None, 7 * 86_400))


@pytest.mark.parametrize(("text", "key", "remedy"), MISTAKES)
def test_a_mistake_is_one_error(text: str, key: str, remedy: str) -> None:
    """It names the file, the table, the key and the remedy, in one line."""
    with pytest.raises(UsageError) as raised:
        policy_values_of(tomllib.loads(text), "p.toml")

    message = str(raised.value)
    assert message.startswith("p.toml: [tool.pipx-parallel.policy] ")
    assert key in message
    assert remedy in message
    assert "\n" not in message


def test_there_are_fifty_mistakes() -> None:
    """So many at least, none twice."""
    assert len({text for text, _, _ in MISTAKES}) == len(MISTAKES) >= 50
