"""The public port of a mirror: what it offers, and how it is grouped."""

from __future__ import annotations

import inspect

import pytest

from mirror.session.index_lookup import IndexLookup
from mirror.session.mirror import Mirror
from mirror.session.release_files import ReleaseFiles
from mirror.session.services import MirrorAdmin, MirrorRecords, RunReport
from tests.support.scenarios import memory_mirror


def _public(instance: object) -> list[str]:
    return [name for name in dir(instance) if not name.startswith("_")]


def test_the_port_has_at_most_fourteen_members() -> None:
    """What is asked more rarely belongs to a collaborator: ``files``, ``records``, ``report`` or ``admin``."""
    with memory_mirror({}) as mirror:
        members = _public(mirror)

    assert len(members) <= 14, members


@pytest.mark.parametrize("service", [MirrorAdmin, MirrorRecords, ReleaseFiles, RunReport])
def test_a_collaborator_has_a_small_interface(service: type) -> None:
    """Each of them less than the mirror itself."""
    assert 1 <= len(_public(service)) <= 10


@pytest.mark.parametrize("service", [IndexLookup, Mirror, MirrorAdmin, MirrorRecords, ReleaseFiles, RunReport])
def test_a_service_takes_at_most_eight_parameters(service: type) -> None:
    """A part that needs more takes the record of the session's parts."""
    assert len(inspect.signature(service).parameters) <= 8


def test_what_one_run_stores_another_reads() -> None:
    """Records and derived values are apart, whatever their keys are."""
    with memory_mirror({"app": {"1.0": []}}) as mirror:
        mirror.records.write("u/note", b"one")
        mirror.records.write_derived("note", b"two")
        mirror.admin.checkpoint()

        assert mirror.records.read("u/note") == b"one"
        assert mirror.records.read("u/other") is None


def test_a_project_that_is_forgotten_is_asked_for_again() -> None:
    """Runs that never end drop what failed."""
    with memory_mirror({"app": {"1.0": []}}) as mirror:
        mirror.project("ghost")
        before = mirror.report.counts()["requests"]
        mirror.admin.forget("ghost")

        assert mirror.peek("ghost") is None
        mirror.project("ghost")
        assert mirror.report.counts()["requests"] == before + 1
        assert [failure.project for failure in mirror.report.failures()] == ["ghost"]
