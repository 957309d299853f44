"""Libyears count against the newest release that this interpreter could install."""

from __future__ import annotations

from benchmarks.quality import LockQuality, assess, newest_installable
from benchmarks.recording import RecordedFile, RecordedProject, Release

_YEAR = int(365.25 * 86_400)


def _release(
    version: str, year: int, *, requires: str | None = None, file: str = ".tar.gz", yanked: bool = False
) -> Release:
    return Release(version, requires, (RecordedFile(f"demo-{version}{file}", year * _YEAR, yanked),))


def test_age_is_the_time_between_the_two_uploads() -> None:
    """Direct requirements are summed apart; a pin of an unknown project is counted as unknown."""
    project = RecordedProject("demo", (_release("2.0", 12), _release("1.0", 9)))
    projects = {"demo": project, "other": project}

    quality = assess({"demo": "1.0", "other": "2.0", "new": "1"}, ["demo"], projects.get)

    assert quality == LockQuality(direct=3.0, total=3.0, older=1, unknown=1)


def test_what_this_interpreter_could_not_install_is_not_the_newest() -> None:
    """Another Python, another platform, yanked, a pre-release."""
    unusable = (
        _release("6.0", 9, requires=">=99"),
        _release("5.0", 9, file="-py3-none-plan9_x86_64.whl"),
        _release("4.0", 9, yanked=True),
        _release("3.0rc1", 9),
    )

    newest = newest_installable(RecordedProject("demo", (*unusable, _release("2.0", 5, requires="not a specifier"))))

    assert newest is not None
    assert newest.version == "2.0"


def test_a_pin_newer_than_the_newest_final_release_has_no_age() -> None:
    """A pre-release that was asked for is not old, nor is a back-port that was uploaded later."""
    project = RecordedProject("demo", (_release("3.0rc1", 1), _release("2.0", 2), _release("1.9.1", 3)))

    ages = [assess({"demo": version}, [], {"demo": project}.get).total for version in ("3.0rc1", "1.9.1")]

    assert ages == [0.0, 0.0]
