"""The documentation names files, folders and pages that exist."""

from __future__ import annotations

import re
from pathlib import Path

import pytest

from tests.support.checkout import CHECKOUT, source_files

PAGES = [
    CHECKOUT / name
    for name in source_files()
    if name.endswith(".md") and (name.startswith("docs/") or name in {"README.md", "CONTRIBUTING.md"})
]
_LINK = re.compile(r"\]\(([^)#\s]*)(?:#([^)\s]+))?\)")
_PATH = re.compile(r"`((?:[a-z_]+/)*[a-z_]+\.py|(?:(?:mirror|pipx_parallel|tests|benchmarks|docs)/)(?:[a-z_]+/)*)`")
_NOT_OURS = ("script.py", "install.py")  # a script of the reader, a file of a bundle
_ROOTS = ("", "pipx_parallel/", "mirror/")  # where a path that a page shortens may begin


def test_there_are_pages() -> None:
    """An empty list would make every test here pass."""
    assert {"README.md", "architecture.md", "lock.md"} <= {page.name for page in PAGES}


@pytest.mark.parametrize("page", PAGES, ids=lambda page: page.name)
def test_every_link_leads_to_a_file_and_a_heading(page: Path) -> None:
    """Relative links only: the documentation needs no network."""
    broken = [
        f"{target}#{anchor}"
        for target, anchor in _LINK.findall(page.read_text(encoding="utf-8"))
        if not target.startswith("http") and not _leads_somewhere(page.parent / target if target else page, anchor)
    ]

    assert broken == []


@pytest.mark.parametrize("page", PAGES, ids=lambda page: page.name)
def test_every_named_module_and_folder_exists(page: Path) -> None:
    """A path may be shortened to the part below a package, or to the name of one module."""
    files = source_files()
    missing = [
        path
        for path in _PATH.findall(page.read_text(encoding="utf-8"))
        if not any(name.startswith(root + path) for root in _ROOTS for name in files)
        and ("/" in path or not any(name.endswith(f"/{path}") for name in files))
    ]

    assert [path for path in missing if path not in _NOT_OURS] == []


def _leads_somewhere(target: Path, anchor: str) -> bool:
    """Return whether a page or folder exists, and the page has a heading that the anchor names (as the forges make anchors)."""
    if not target.exists() or not anchor:
        return target.exists()
    headings = re.findall(r"^#+ (.*)$", target.read_text(encoding="utf-8"), re.MULTILINE)
    return anchor in {re.sub(r"[^\w -]", "", heading).strip().lower().replace(" ", "-") for heading in headings}
