"""Every snippet installs what real pip would install: the same projects, files, hashes, commits and folders, the same refusals.

pip is run in this suite, as ``pip install --dry-run --report``, against the same loopback indexes as we.
"""

from __future__ import annotations

import json
import os
import subprocess
import sys
import tomllib
from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path
from typing import Any, NamedTuple
from urllib.parse import unquote

import pytest

from pipx_parallel.__main__ import main
from tests.corpus.cases import HERE, Case, planted
from tests.corpus.world import World, plant_projects, read_installs, with_words, world

CASES = read_installs()
REFUSED = (1, 2, 5, 6)  # no solution, bad input, unreachable, a wrong hash; 4 and 70 would be mistakes of ours here


class Stage(NamedTuple):
    """The world, the snippets as they stand in it, and what pip made of each."""

    world: World
    cases: dict[str, Case]
    pips: dict[str, Any]
    root: Path


@pytest.fixture(scope="module")
def stage(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Stage]:
    """Open the world and let pip go through all cases."""
    root = tmp_path_factory.mktemp("installs")
    with world(root / "world") as made:
        cases = {name: with_words(case, made.words) for name, case in CASES.items()}
        yield Stage(made, cases, _ask_pip(root, made, cases), root)


@pytest.mark.parametrize("name", CASES)
def test_a_snippet_installs_what_pip_installs(
    name: str, stage: Stage, monkeypatch: pytest.MonkeyPatch, capfd: pytest.CaptureFixture[str]
) -> None:
    """Where we refuse what pip takes, or take what it refuses, the case says why (``differs``, ``takes``), and it must be so."""
    case = stage.cases[name]
    for variable in _of_machine():
        monkeypatch.delenv(variable)
    for variable, text in _environ(stage.root, stage.world).items():
        monkeypatch.setenv(variable, text)
    with planted(stage.root / "ours", name, case) as folder:
        plant_projects(folder, case)
        # pip makes one of all indexes; by default we do not, and say so.
        flags = ("--index-strategy", "best-match", *case.get("ours", case.get("flags", ())))
        code = main(["lock", "requirements.txt", "-o", "pylock.toml", "-o", "report.json", *flags])
        errors = capfd.readouterr().err
        lock = tomllib.loads(Path("pylock.toml").read_text(encoding="utf-8")) if code == 0 else {}
        report = json.loads(Path("report.json").read_text(encoding="utf-8")) if code == 0 else {}

    pips = stage.pips[name]
    if "differs" in case or "takes" in case:
        assert (code in REFUSED, "refused" in pips) == ("differs" in case, "takes" in case), (errors, pips)
    elif "refused" in pips:
        assert code in REFUSED, (errors, lock)
    else:
        assert code == 0, (errors, pips)
        packages = {package["name"]: package for package in lock["packages"]}
        wanted = {_name(item): item for item in pips["installs"]}
        assert _versions(report) == {key: item["metadata"]["version"] for key, item in wanted.items()}
        for key, item in wanted.items():
            _check_source(packages[key], item, folder, stage.root / "pips" / name.replace("/", "-"))


def test_the_installs_are_as_many_as_they_should_be() -> None:
    """An empty glob would make the comparison pass."""
    assert len(CASES) >= 120


def _ask_pip(root: Path, made: World, cases: dict[str, Case]) -> dict[str, Any]:
    """Plant every case for pip and return its answers."""
    jobs = {}
    for name, case in cases.items():
        with planted(root / "pips", name, case) as folder:
            plant_projects(folder, case)
        jobs[name] = {"folder": str(folder), "environ": case.get("env", {}), "flags": case.get("flags", [])}
    environment = {variable: text for variable, text in os.environ.items() if variable not in _of_machine()}
    names = list(jobs)
    halves = [{name: jobs[name] for name in names[start::2]} for start in (0, 1)]
    pips = [_start_pip(environment | _environ(root, made)) for _ in halves]
    answers: dict[str, Any] = {}
    with ThreadPoolExecutor() as pool:
        for pip_answer, _ in pool.map(
            lambda pair: pair[0].communicate(json.dumps(pair[1]), 600), zip(pips, halves, strict=True)
        ):
            answers |= json.loads(pip_answer)
    return answers


def _start_pip(environ: dict[str, str]) -> subprocess.Popen[str]:
    return subprocess.Popen(
        [sys.executable, "-W", "ignore", str(HERE / "run_pip.py")],
        env=environ, stdin=subprocess.PIPE, stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True,
    )  # fmt: skip


def _of_machine() -> list[str]:
    """Return the variables that say how this machine is set up."""
    return [name for name in os.environ if name.startswith(("PIP_", "PIPX_PARALLEL_", "XDG_"))]


def _environ(root: Path, made: World) -> dict[str, str]:
    """Return variables that know one index."""
    return {
        "HOME": str(root / "home"),
        "PIP_CONFIG_FILE": os.devnull,
        "PIP_INDEX_URL": made.index_url,
        "PIP_CACHE_DIR": str(root / "pip-cache"),
        "PIPX_PARALLEL_MIRROR": str(root / "mirror"),
    }


def _name(item: dict[str, Any]) -> str:
    return str(item["metadata"]["name"]).lower().replace("_", "-").replace(".", "-")


def _versions(report: dict[str, Any]) -> dict[str, str]:
    return {pin["name"]: pin["version"] for pin in report["targets"][0]["pins"]}


def _check_source(package: dict[str, Any], item: dict[str, Any], ours: Path, pips: Path) -> None:
    """Assert that a package of our lock comes from where pip takes it, and that the lock knows its hash or commit."""
    info = item["download_info"]
    if "vcs_info" in info:
        assert package["vcs"]["commit-id"] == info["vcs_info"]["commit_id"]
        assert package["vcs"].get("subdirectory") == info.get("subdirectory")
    elif "dir_info" in info:
        there = Path(unquote(info["url"].removeprefix("file://")))
        assert (ours / package["directory"]["path"]).resolve().relative_to(ours) == there.relative_to(pips)
        assert package["directory"].get("editable", False) == info["dir_info"].get("editable", False)
    elif item["is_direct"]:
        assert package["archive"]["hashes"]["sha256"] == info["archive_info"]["hashes"]["sha256"]
        assert package["archive"].get("subdirectory") == info.get("subdirectory")
    else:
        files = [*package.get("wheels", ()), *([package["sdist"]] if "sdist" in package else ())]
        digests = {file_table["hashes"]["sha256"] for file_table in files}
        assert info["archive_info"]["hashes"]["sha256"] in digests
