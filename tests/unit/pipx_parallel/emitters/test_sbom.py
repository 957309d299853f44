"""The CycloneDX document: what it says, that it repeats, and that the tool reads it back."""

from __future__ import annotations

import json

import pytest

from pipx_parallel.emitters import sbom
from pipx_parallel.emitters.digest import input_digest
from pipx_parallel.locks.lock_reader import read_digest, read_lock
from tests.support.resolutions import context, web_resolution

pytest.importorskip("cyclonedx")


def _document() -> str:
    (artifact,) = sbom.render("bom.cdx.json", [web_resolution()], context())
    return artifact.text


def test_every_pin_is_a_component_with_its_files() -> None:
    """By package URL; hashes stand beside the URLs of the files."""
    document = json.loads(_document())

    pins = web_resolution().pins
    components = document["components"]
    assert [(component["name"], component["version"]) for component in components] == [
        (pin.name, pin.version) for pin in pins
    ]
    assert components[0]["purl"] == f"pkg:pypi/{pins[0].name}@{pins[0].version}"
    hashes = {reference["hashes"][0]["content"] for reference in components[0]["externalReferences"]}
    assert hashes == {dict(file.hashes)["sha256"] for file in pins[0].files}


def test_the_graph_starts_at_what_the_user_asked_for() -> None:
    """Each edge of the resolution is a dependency."""
    document = json.loads(_document())

    graph = {row["ref"]: row.get("dependsOn", []) for row in document["dependencies"]}
    asked = {edge.child for edge in web_resolution().edges if not edge.parent}
    assert {reference.partition("/")[2].partition("@")[0] for reference in graph["lock"]} == asked


def test_the_same_answer_gives_the_same_bytes() -> None:
    """No hour, no random number."""
    assert _document() == _document()


def test_it_is_read_back() -> None:
    """So that --check and kept pins work with it as with any lock."""
    text = _document()

    assert read_digest(text) == input_digest(context(), [web_resolution().target])
    assert read_lock(text, "bom.cdx.json").versions() == {pin.name: pin.version for pin in web_resolution().pins}
