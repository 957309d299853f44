"""Attestations (PEP 740): releases that lost theirs are refused, and a lock records who published the others."""

from __future__ import annotations

import json
import tomllib
from collections.abc import Iterator
from pathlib import Path

import pytest
from packaging.pylock import Pylock

from tests.support.dists import Dist, wheel
from tests.support.index_server import LoopbackIndex
from tests.support.workspace import Workspace

PUBLISHER = {
    "kind": "GitHub",
    "repository": "acme/app",
    "workflow": "release.yml",
    "environment": None,
    "claims": {"ref": "refs/tags/2"},
}


def attested(name: str, version: str, year: int, *, has: bool = True) -> Dist:
    """Return a wheel that names a provenance object, or none."""
    dist = wheel(name, version, upload_time=f"{year}-01-01T00:00:00Z")
    return dist._replace(provenance=f"../../files/{name}/{name}-{version}.provenance") if has else dist


def provenance(name: str, version: str, *publishers: object) -> Dist:
    """Return a provenance object, as a file that no rule reads as a release."""
    bundles = [{"publisher": publisher, "attestations": [{"version": 1}]} for publisher in publishers]
    body = json.dumps({"version": 1, "attestation_bundles": bundles}).encode()
    return Dist(name, version, f"{name}-{version}.provenance", body)


@pytest.fixture
def index() -> Iterator[LoopbackIndex]:
    """Serve app, attested since 2.0 and no more since 2.2, with a back-port; plain, never attested; broken, with a bad object."""
    projects = {
        "app": [
            attested("app", "1.0", 2020, has=False),
            attested("app", "2.0", 2022),
            attested("app", "2.1", 2023),
            attested("app", "1.1", 2024, has=False),
            attested("app", "2.2", 2025, has=False),
            provenance("app", "2.1", PUBLISHER, PUBLISHER, {"kind": "GitLab", "repository": "acme/app"}),
        ],
        "plain": [wheel("plain", "1.0")],
        "broken": [attested("broken", "1.0", 2020), provenance("broken", "1.0", "nobody")],
    }
    with LoopbackIndex(projects) as served:
        yield served


@pytest.fixture
def workspace(tmp_path: Path, index: LoopbackIndex) -> Workspace:
    """Make a workspace that refuses downgrades."""
    workspace = Workspace(tmp_path, index.url)
    workspace.environment["PIPX_PARALLEL_PROVENANCE"] = "no-downgrade"
    return workspace


def test_a_release_that_lost_its_attestation_is_refused(workspace: Workspace) -> None:
    """The newest attested one is taken, a pin to the other is refused with the reason, and a back-port to an old line passes."""
    assert workspace.lock("app").code == 0
    assert workspace.pins() == {"app": "2.1"}
    ran = workspace.lock("app==2.2")
    assert ran.code == 1, ran.err
    assert "has no attestation (PEP 740), and 2.0 before it had one (policy: provenance)" in ran.err
    for version in ("1.1", "1.0"):
        assert workspace.lock(f"app=={version}").code == 0
        assert workspace.pins() == {"app": version}


def test_a_lock_records_who_published(workspace: Workspace, index: LoopbackIndex) -> None:
    """One request for each attested pin, once; the lock is valid for packaging; offline the mirror has them."""
    flag = "--attestation-identities"
    assert workspace.lock("app", "plain", flags=[flag]).code == 0
    table = tomllib.loads(workspace.read("pylock.toml").decode())
    packages = {str(package.name): package for package in Pylock.from_dict(table).packages}
    assert packages["app"].attestation_identities == [
        {"kind": "GitHub", "repository": "acme/app", "workflow": "release.yml"},
        {"kind": "GitLab", "repository": "acme/app"},
    ]
    assert packages["plain"].attestation_identities is None
    assert len(index.paths("*.provenance")) == 1

    before = workspace.read("pylock.toml")
    assert workspace.run("lock", "r.txt", "-o", "pylock.toml", flag, "--check").code == 0
    assert workspace.lock("app", "plain", flags=[flag, "--offline"]).code == 0
    assert workspace.read("pylock.toml") == before
    assert len(index.paths("*.provenance")) == 1
    assert workspace.lock("app", "plain").code == 0
    assert b"attestation-identities = [" not in workspace.read("pylock.toml")


def test_an_object_that_cannot_be_read_is_a_warning(workspace: Workspace) -> None:
    """The lock is written without its identities."""
    ran = workspace.lock("broken", flags=["--attestation-identities"])

    assert ran.code == 0, ran.err
    assert "broken 1.0 has no attestation identities in the lock: no provenance object" in ran.err
