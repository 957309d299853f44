"""What a command does while a published mirror answers."""

from __future__ import annotations

import threading
from pathlib import Path

import pytest

from mirror.settings import MirrorSettings
from mirror.store.read_only import ReadOnlyStore
from mirror.store.shared import SharedStore
from pipx_parallel.cli.mirror_opening import ready_beside
from tests.cli.conftest import Run
from tests.support.dict_store import DictStore


def test_targets_are_found_while_a_published_mirror_answers() -> None:
    """In another thread, and the caller can wait for it."""
    finders: list[threading.Thread] = []
    wait = ready_beside(
        MirrorSettings("https://mirror.example", ()), lambda: finders.append(threading.current_thread())
    )

    wait()

    assert len(finders) == 1
    assert finders[0] is not threading.current_thread()


def test_a_failure_there_is_left_to_the_caller(capfd: pytest.CaptureFixture[str]) -> None:
    """Who does the same again, and reports it."""

    def fail() -> None:
        raise ValueError("no target")

    ready_beside(MirrorSettings("https://mirror.example", ()), fail)()

    assert capfd.readouterr() == ("", "")


@pytest.mark.parametrize(
    "settings",
    [
        MirrorSettings("/srv/mirror", ()),
        MirrorSettings("redis://mirror.example/0", ()),
        MirrorSettings("https://mirror.example", (), find_links=("https://index.example/links/",)),
    ],
)
def test_nothing_is_done_beside_other_mirrors(settings: MirrorSettings) -> None:
    """A process may be forked for them, in which what another thread loads would stay locked."""
    targets: list[str] = []

    ready_beside(settings, lambda: targets.append("target"))()

    assert targets == []


def test_stores_that_cannot_be_written_say_so(tmp_path: Path, home: Path, run: Run) -> None:
    """So that nothing is prepared for them; also through what delegates to them."""
    (home / "r.txt").write_text("lib\n", encoding="utf-8")
    run("lock", "r.txt", "-o", str(tmp_path / "lock.txt"))
    store = ReadOnlyStore(str(home.parent / "mirror"))
    try:
        assert (store.discards, SharedStore(store).discards, DictStore().discards) == (True, True, False)
    finally:
        store.close()
