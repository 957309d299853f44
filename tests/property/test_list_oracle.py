"""Whole lists against exhaustion: files, Pythons, markers, extras, yanks and odd versions, through the mirror and the resolver."""

from __future__ import annotations

import pytest
from packaging.version import Version

from tests.property.batches import batches, for_seeds
from tests.property.lists import Answers, Case, case_of
from tests.support.scenarios import LIMITS, SOURCE, Outcome, resolve_texts, understood


def check(case: Case) -> None:
    """Compare the result of the resolver for a list with all solutions that the list has.

    A list that only pre-releases or yanked releases solve may be called impossible if only a release that is chosen for no
    other reason would allow them (``prerelease_fallback``): the search does not look for such a release.
    """
    texts = {SOURCE: "\n".join(case.roots), LIMITS: "\n".join(case.constraints)}
    _, _, target = understood(texts, ())
    answers = Answers(case, target)
    outcome = resolve_texts(texts, case.packages)

    if outcome.code:
        assert outcome.code == 1, outcome.error
        assert not any(map(answers.needs_no_last_resort, answers.every)), (case, outcome.error)
        assert len(outcome.lines) <= 12
    else:
        assert _pins(case, outcome) in answers.every, (case, outcome.pins)


def _pins(case: Case, outcome: Outcome) -> dict[str, str]:
    """Return the pins with versions spelled as the case spells them."""
    return {
        name: next(candidate for candidate in case.packages[name] if Version(candidate) == Version(version))
        for name, version in outcome.pins.items()
    }


@pytest.mark.parametrize("batch", batches(50_000, 2))
def test_a_list_is_solved_exactly_when_packaging_knows_an_answer(batch: int) -> None:
    """500 lists (at night more), about half of which have an answer; what is found is one of the answers there are."""
    for_seeds(batch, check, case_of)
