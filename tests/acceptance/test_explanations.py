"""An impossible list ends in a short argument, and the first thing it says to try makes the list possible."""

from __future__ import annotations

import json
import re
import shlex
from collections.abc import Callable

import pytest

from mirror.ports import Exchange, Request
from pipx_parallel.errors import NoSolution
from pipx_parallel.resolution.resolve import resolve
from tests.support.memory_index import MemoryIndex, Projects
from tests.support.scenarios import (
    LIMITS,
    SOURCE,
    Outcome,
    Scenario,
    load_scenarios,
    memory_mirror,
    resolve_texts,
    run,
    understood,
)

_LINE = re.compile(r"hint: (\S+):(\d+): (?:change .+ to (\S+?)(?:, a yanked release)?|write (.+) without its --hash)$")
_REMOVED = re.compile(r"hint: (\S+):(\d+): remove (?:the constraint )?.+$")
_FLAG = re.compile(r"hint: (--\S+ (?:\"[^\"]+\"|\S+?))(?:,? .*)?$")
_NO_FLAG = re.compile(r"hint: leave out (--\S+ [^\s,]+)")
_GIVES = re.compile(r" \(resolves to (\S+) (\S+)\)$")


def _impossible() -> list[Scenario]:
    return [scenario for scenario in load_scenarios() if scenario.error == 1 and "hint:" in str(run(scenario).error)]


IMPOSSIBLE = _impossible()


def test_there_are_at_least_thirty() -> None:
    """And nearly every impossible scenario is among them: those left out name what nobody has."""
    assert len(IMPOSSIBLE) >= 30
    without = [
        scenario_row.id
        for scenario_row in load_scenarios()
        if scenario_row.error == 1 and scenario_row not in IMPOSSIBLE
    ]
    assert len(without) <= 2, without


@pytest.mark.parametrize("scenario", IMPOSSIBLE, ids=lambda scenario: scenario.id)
def test_the_first_suggestion_makes_it_possible(scenario: Scenario) -> None:
    """The printed line is applied as a person would, word for word, and gives what it says it gives."""
    printed = next(line for line in run(scenario).lines if line.startswith("hint: "))

    outcome = applied(scenario, printed)

    assert outcome.code == 0, f"{printed}\n{outcome.error}"
    promised = _GIVES.search(printed)
    assert promised is None or outcome.pins[promised[1]] == promised[2]


@pytest.mark.parametrize("scenario", IMPOSSIBLE, ids=lambda scenario: scenario.id)
def test_an_argument_fits_on_twelve_lines(scenario: Scenario) -> None:
    """Argument and suggestions together."""
    outcome = run(scenario)

    assert len(outcome.lines) <= 12
    assert len(set(outcome.lines)) == len(outcome.lines)


def test_every_suggestion_of_some_lists_holds() -> None:
    """Not only the first was tried."""
    for scenario in IMPOSSIBLE[::6]:
        for printed in run(scenario).lines:
            if printed.startswith("hint: "):
                assert applied(scenario, printed).code == 0, (scenario.id, printed)


def test_the_same_as_json() -> None:
    """Facts and suggestions by themselves, for programs."""
    outcome = resolve_texts({SOURCE: "a\nb<2"}, {"a": {"1.0": ["b>=2"]}, "b": {"1.0": [], "2.0": []}})

    assert isinstance(outcome.error, NoSolution)
    report = json.loads(json.dumps(outcome.error.to_json()))
    assert [fact["kind"] for fact in report["facts"]] == ["required", "needs", "required"]
    assert report["facts"][1] == {
        "kind": "needs", "releases": "a 1.0", "extra": None, "requirement": "b>=2", "others": 0,
    }  # fmt: skip
    assert report["suggestions"][0] == {
        "kind": "line", "text": "requirements.txt:2: change b<2 to b (resolves to b 2.0)",
        "origin": "requirements.txt:2", "before": "b<2", "after": "b",
    }  # fmt: skip
    assert report["argument"] == outcome.lines[:4]


class SilentAbout(MemoryIndex):
    """An index that never answers for one project."""

    def __init__(self, name: str, projects: Projects) -> None:
        """Take the name, and what it does answer for."""
        super().__init__(projects)
        self._name = name

    def submit(self, request: Request, done: Callable[[Exchange], None]) -> None:
        """Answer, unless the page of that project is asked for."""
        if f"/{self._name}/" not in request.url:
            super().submit(request, done)


def test_suggestions_end_in_time_though_a_page_never_comes() -> None:
    """The reason, the changes that were tried, and a word that others were not."""
    packages: Projects = {"a": {"1.0": ["b>=2"], "2.0": ["slow"]}, "b": {"1.0": [], "2.0": []}}
    inputs, settings, target = understood({SOURCE: "a<2\nb<2"}, ["--suggest-seconds", "0.5"])

    with memory_mirror(packages, SilentAbout("slow", packages)) as mirror, pytest.raises(NoSolution) as raised:
        resolve(inputs, (target,), mirror, settings)
    assert "change b<2 to b (resolves to b 2.0)" in str(raised.value)
    assert "not every change was tried within 0.5 s" in str(raised.value)


def test_the_same_words_every_time() -> None:
    """No order of a set takes part."""
    scenario = next(scenario_row for scenario_row in IMPOSSIBLE if scenario_row.name == "a tower of parents")

    assert len({str(run(scenario).error) for _ in range(5)}) == 1


def applied(scenario: Scenario, printed: str) -> Outcome:
    """Resolve the scenario's list with a printed suggestion applied to its files or flags."""
    printed = _GIVES.sub("", printed)
    texts = {SOURCE: list(scenario.roots), LIMITS: list(scenario.constraints)}
    flags = list(scenario.flags)
    if removal := _REMOVED.match(printed):
        texts[removal[1]][int(removal[2]) - 1] = ""
    elif removal := _LINE.match(printed):
        texts[removal[1]][int(removal[2]) - 1] = removal[3] or removal[4]
    elif removal := _NO_FLAG.match(printed):
        name, value = removal[1].split()
        position = flags.index(name)
        assert flags[position + 1] == value
        del flags[position : position + 2]
    elif removal := _FLAG.match(printed):
        flags += shlex.split(removal[1].removesuffix(","))
    else:
        raise AssertionError(f"nobody can apply this: {printed}")
    joined = {name: "\n".join(lines) for name, lines in texts.items()}
    return resolve_texts(joined, scenario.packages, flags, scenario.previous_pins)
