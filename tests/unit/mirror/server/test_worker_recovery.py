"""The worker of a server outlives failures of its store, and says meanwhile what is wrong."""

from __future__ import annotations

import time
from collections.abc import Callable, Mapping

import pytest

from mirror.errors import StoreError
from mirror.records.model import FetchFailure
from mirror.records.project import Project
from mirror.server import worker as worker_module
from mirror.server.worker import MirrorWorker
from mirror.session.mirror import Mirror
from mirror.settings import MirrorSettings
from tests.support.dict_store import DictStore
from tests.support.memory_index import ROOT, MemoryIndex


class FailingStore(DictStore):
    """A store that cannot be written for a while."""

    fails = True

    def update(self, changes: Mapping[str, Callable[[bytes | None], bytes | None]]) -> None:
        """Fail, or write."""
        if self.fails:
            raise StoreError("the disk is full")
        super().update(changes)


def _wait_for(met: Callable[[], bool]) -> None:
    until = time.monotonic() + 30
    while not met():
        assert time.monotonic() < until
        time.sleep(0.01)


def test_a_store_that_fails_is_opened_anew(monkeypatch: pytest.MonkeyPatch) -> None:
    """Pages are answered again once it works, and what they held is stored."""
    monkeypatch.setattr(worker_module, "_RETRY", 0.05)
    monkeypatch.setattr(worker_module, "_CHECKPOINT", 0.05)
    store, index = FailingStore(), MemoryIndex({"app": {"1.0": []}})
    worker = MirrorWorker(lambda: Mirror(MirrorSettings("", (ROOT,), keep_whole=True), store, lambda: index))
    try:
        assert isinstance(worker.project("app").result(30), Project)
        _wait_for(lambda: worker.store_error == "the disk is full")
        store.fails = False
        _wait_for(lambda: worker.store_error is None)

        answers = [worker.project("app").result(30)]
        while isinstance(answers[-1], FetchFailure):
            answers.append(worker.project("app").result(30))
        _wait_for(lambda: any(key.startswith("v/") for key, _ in store.scan()))
    finally:
        worker.close()
