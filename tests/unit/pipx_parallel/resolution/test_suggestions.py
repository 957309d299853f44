"""Changes that are suggested: how the time is shared between them. A clock of its own: nothing here waits."""

from __future__ import annotations

from collections.abc import Mapping
from typing import TYPE_CHECKING, cast

import pytest

from pipx_parallel.resolution.deadline import Deadline, OutOfTimeError
from pipx_parallel.resolution.explain import Explanation
from pipx_parallel.resolution.line_changes import Situation
from pipx_parallel.resolution.suggestions import suggest
from pipx_parallel.resolution.wording import Wording
from tests.support.scenarios import SOURCE, understood

if TYPE_CHECKING:
    from pipx_parallel.resolution.candidates import Candidates


class Searches:
    """Searches that take a known time each, by the text of the input's first line that has no bound."""

    def __init__(self, seconds: Mapping[str, float]) -> None:
        """Start the clock at zero."""
        self.now = 0.0
        self._seconds = seconds

    def attempt(self, situation: Situation, deadline: Deadline) -> Mapping[str, str]:
        """Solve a situation, unless the deadline comes first."""
        name = next((root.name for root in situation.inputs.roots if not root.specifier), "removed")
        for _ in range(int(self._seconds[name] * 100)):
            self.now += 0.01
            if deadline.passed():
                raise OutOfTimeError
        return {name: "1.0"}


@pytest.mark.parametrize(
    ("slow", "first", "complete"),
    [
        (0.3, "r.in:2: change hard>=2 to hard (resolves to hard 1.0)", True),  # in its part of the time
        (1.0, "r.in:2: change hard>=2 to hard (resolves to hard 1.0)", True),  # with what the others left
        (9.0, "r.in:1: change easy>=2 to easy (resolves to easy 1.0)", False),
    ],
)
def test_one_hard_search_does_not_use_up_the_time_of_the_others(slow: float, first: str, *, complete: bool) -> None:
    """The smallest change stays the first, if there is time for it."""
    inputs, settings, target = understood({SOURCE: "easy>=2\nhard>=2\n"}, ())
    searches = Searches({"hard": slow, "easy": 0.1, "removed": 0.1})
    wording = Wording(cast("Candidates", None), inputs.roots, ())
    argument = Explanation((), (), tuple(range(len(inputs.roots))), wording)

    made = suggest(argument, Situation(inputs, target, settings), searches.attempt, Deadline(lambda: searches.now, 2.0))

    texts = [offer.text.rpartition("/")[2] for offer in made.offers]
    assert texts[0] == first.replace("r.in", SOURCE)
    assert "change easy>=2 to easy" in "".join(texts)
    assert (made.note == "") is complete
