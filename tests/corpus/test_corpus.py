"""Every snippet means to us what it means to real pip: same set, same hashes, same refusals."""

from __future__ import annotations

import json
import os
from pathlib import Path
from typing import Any

import pytest

from pipx_parallel.errors import RequirementsError
from pipx_parallel.requirements.files import FileReader
from pipx_parallel.requirements.load import InputRequest, load_inputs
from tests.corpus.cases import ANSWERS, comparable, our_answer, planted, read_cases, read_malformed
from tests.corpus.record import ask_pip

CASES = read_cases()
MALFORMED = read_malformed()


@pytest.fixture(scope="module")
def recorded() -> dict[str, Any]:
    """Read what pip answered when it was last asked."""
    answers: dict[str, Any] = json.loads(ANSWERS.read_text(encoding="utf-8"))["answers"]
    return answers


@pytest.mark.parametrize("name", CASES)
def test_a_snippet_means_what_it_means_to_pip(name: str, tmp_path: Path, recorded: dict[str, Any]) -> None:
    """Where we refuse what pip takes, the case says why, and pip must really take it."""
    with planted(tmp_path, name, CASES[name]) as folder:
        ours = our_answer(folder)

    pips = recorded[name]
    if "differs" in CASES[name]:
        assert "refused" in ours
        assert "refused" not in pips
    else:
        # Lists and tuples are one thing in JSON.
        assert json.loads(json.dumps(comparable(ours))) == comparable(pips), (ours, pips)


@pytest.mark.tools
def test_the_recorded_answers_are_those_of_the_installed_pip(recorded: dict[str, Any]) -> None:
    """A new pip that reads a snippet differently shows up here."""
    now = ask_pip()

    changed = {
        name: answer for name, answer in now["answers"].items() if comparable(answer) != comparable(recorded[name])
    }
    assert changed == {}


def test_the_corpus_is_as_large_as_it_should_be() -> None:
    """An empty glob would make everything above pass."""
    assert len(CASES) >= 120
    assert len(MALFORMED) >= 60


@pytest.mark.parametrize("name", MALFORMED)
def test_a_malformed_input_gives_one_message_with_file_line_and_remedy(name: str, tmp_path: Path) -> None:
    """The message begins with file and line, says what is wrong in its own words, and what to do about it."""
    case = MALFORMED[name]
    with planted(tmp_path, name, case), pytest.raises(RequirementsError) as caught:
        load_inputs(
            InputRequest(
                case.get("sources", ["requirements.txt"]),
                packages=case.get("packages"),
                extras=case.get("extras", ()),
                groups=case.get("groups", ()),
                overrides=case.get("overrides", ()),
            ),
            environ=os.environ,
            reader=FileReader(),
        )

    error = caught.value
    assert str(error).startswith(f"{case['at']}: "), str(error)
    assert case["says"] in error.problem, str(error)
    assert error.hint
    assert "\n" not in str(error)
    assert "hunter2" not in str(error)
