"""The figures of a benchmark: a fair order, medians, and what they are compared with."""

from __future__ import annotations

import json

import pytest

from pipx_parallel.cli.worker_figures import Run, WorkerFigures, as_json, as_table, measure, rows


def runs(*seconds: float, waiting: float = 0.0) -> list[Run]:
    """Return runs that took so long."""
    return [Run(duration, waiting) for duration in seconds]


def test_every_round_goes_the_other_way() -> None:
    """What drifts favours no end of the list."""
    order: list[int] = []

    def run(count: int) -> Run:
        order.append(count)
        return Run(float(len(order)), 0.0)

    assert measure(run, [1, 5, 10], 3) == {
        1: runs(1.0, 6.0, 7.0),
        5: runs(2.0, 5.0, 8.0),
        10: runs(3.0, 4.0, 9.0),
    }
    assert order == [1, 5, 10, 10, 5, 1, 1, 5, 10]


def test_rows_compare_medians_with_the_first_count() -> None:
    """Half the time is a speed-up of 2 and a saving of 50 %; slower is a negative saving."""
    figures = rows({1: runs(4.0, 1.0, 100.0, waiting=2.0), 5: runs(2.0, 2.0, waiting=0.5), 10: runs(8.0, waiting=3.0)})

    assert figures == (
        WorkerFigures(1, 4.0, 1.0, 100.0, 1.0, 0.0, 2.0, 0.0),
        WorkerFigures(5, 2.0, 2.0, 2.0, 2.0, 50.0, 0.5, 75.0),
        WorkerFigures(10, 8.0, 8.0, 8.0, 0.5, -100.0, 3.0, -50.0),
    )


@pytest.mark.parametrize("times", [{}, {1: runs(0.0)}])
def test_nothing_to_compare_is_no_error(times: dict[int, list[Run]]) -> None:
    """No run, or one that took no time."""
    assert [row.saving for row in rows(times)] == [0.0] * len(times)


def test_the_table_lines_up() -> None:
    """One header and one line a count, all equally wide."""
    lines = as_table(rows({1: runs(4.0, waiting=2.0), 20: runs(1.0, waiting=1.0)})).splitlines()

    assert len({len(line) for line in lines}) == 1
    assert lines[2].split() == ["20", "1.00", "s", "1.00", "s", "1.00", "s", "4.00x", "75%", "1.00", "s", "50%"]


def test_json_holds_the_rows_and_what_was_measured() -> None:
    """Seconds to the millisecond."""
    facts = json.loads(as_json(rows({1: runs(1.23456, waiting=0.5)}), {"rounds": 1}))

    assert facts == {
        "rounds": 1,
        "results": [
            {
                "workers": 1,
                "seconds": 1.235,
                "fastest": 1.235,
                "slowest": 1.235,
                "speedup": 1.0,
                "saving": 0.0,
                "waiting": 0.5,
                "waiting_saving": 0.0,
            }
        ],
    }
