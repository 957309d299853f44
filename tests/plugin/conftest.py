"""Real projects, really built: the plugin as its wheel installs it, the sample projects, and a wheelhouse."""

from __future__ import annotations

import zipfile
from pathlib import Path

import pytest

from tests.support import dists
from tests.support.own_wheel import build_own_wheel
from tests.support.project_builder import ProjectBuilder


@pytest.fixture(scope="session")
def plugin_site(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """Build our own wheel and unpack it, so that the plugin is found the way setuptools finds it: by its entry point."""
    built = build_own_wheel(tmp_path_factory.mktemp("ours"))
    site = tmp_path_factory.mktemp("site")
    with zipfile.ZipFile(built) as wheel:
        wheel.extractall(site)
    return site


@pytest.fixture
def builder(plugin_site: Path, tmp_path: Path) -> ProjectBuilder:
    """Return a project builder of this test's own."""
    return ProjectBuilder(plugin_site, tmp_path)


@pytest.fixture
def wheelhouse(tmp_path: Path) -> Path:
    """Return a folder with the packages of the lock, and a newer release of each that the lock must keep out."""
    folder = tmp_path / "wheelhouse"
    folder.mkdir()
    made = [
        dists.wheel("alpha", "1.4", ["gamma-core"]),
        dists.wheel("alpha", "1.9", ["gamma-core"]),
        dists.wheel("beta", "2.1"),
        dists.wheel("beta", "2.8"),
        dists.wheel("gamma-core", "0.9"),
        dists.wheel("gamma-core", "1.0"),
    ]
    for dist in made:
        (folder / dist.filename).write_bytes(dist.body)
    return folder
