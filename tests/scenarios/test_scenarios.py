"""Every scenario of this folder, through the real mirror and resolver; the format is reported in README.md."""

from __future__ import annotations

import pytest

from pipx_parallel.errors import NoSolution
from tests.support.scenarios import Scenario, load_scenarios, run

SCENARIOS = load_scenarios()
_INTERNAL = ("switch", "absent", "mask", "incompatib", "None", "Traceback", "Bug")


@pytest.mark.parametrize("scenario", SCENARIOS, ids=lambda scenario: scenario.id)
def test_scenario(scenario: Scenario) -> None:
    """The pins are exactly these, or the error has this code and these words, in at most 12 lines of plain language."""
    outcome = run(scenario)

    message = str(outcome.error or "")
    assert outcome.code == (scenario.error or 0), message or outcome.pins
    if scenario.pins is not None:
        assert outcome.pins == dict(scenario.pins)
        assert outcome.resolution is not None
        given_reasons = {pin.name: pin.reason for pin in outcome.resolution.pins}
        assert {name: given_reasons[name] for name in scenario.reasons} == dict(scenario.reasons)
        return
    assert [word for word in scenario.words if word not in message] == [], message
    assert [word for word in (*scenario.never, *_INTERNAL) if word in message] == [], message
    if isinstance(outcome.error, NoSolution):
        assert len(outcome.error.explanation) <= 12, message


def test_there_are_enough() -> None:
    """150 is the least; a glob that finds nothing must not pass for a suite."""
    assert len(SCENARIOS) >= 150
    assert len({scenario.id for scenario in SCENARIOS}) == len(SCENARIOS)
