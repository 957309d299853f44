"""Writes ``fixtures/index``: the demonstration index as static files. Run it when ``demo_index`` changes.

python tests/support/write_index_fixtures.py
"""

from __future__ import annotations

import sys
from pathlib import Path

if __name__ == "__main__":  # run as a script: the repository's root is not on the path
    sys.path.append(str(Path(__file__).resolve().parents[2]))

from tests.support.demo_index import demo_projects
from tests.support.index_pages import MODERN, project_html, project_json, sidecar_of

FOLDER = Path(__file__).resolve().parents[2] / "fixtures" / "index"
BASE = "https://files.index.example/"


def fixture_files() -> dict[str, bytes]:
    """Return every file of the folder but its README, by path relative to it."""
    files: dict[str, bytes] = {}
    for name, dists in demo_projects().items():
        files[f"{name}/simple.json"] = project_json(name, dists, MODERN, f"{BASE}{name}/") + b"\n"
        files[f"{name}/simple.html"] = project_html(name, dists, MODERN, f"{BASE}{name}/")
        for dist in dists:
            if sidecar_of(dist, MODERN) != "none":
                files[f"{name}/{dist.filename}.metadata"] = dist.metadata or b""
    return files


def main() -> None:
    """Write the files."""
    for path, body in fixture_files().items():
        target = FOLDER / path
        target.parent.mkdir(parents=True, exist_ok=True)
        target.write_bytes(body)


if __name__ == "__main__":
    main()
