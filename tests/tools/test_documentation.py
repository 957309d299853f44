"""The documentation: every command in it is run, from top to bottom, as a reader would."""

from __future__ import annotations

import datetime as dt
import json
import re
import shutil
import socket
import sys
import zipfile
from collections.abc import Callable
from pathlib import Path

import pytest

from tests.support.checkout import CHECKOUT, clean_copy
from tests.support.dists import wheel
from tests.support.examples import Example, examples
from tests.support.index_server import LoopbackIndex
from tests.support.s3_server import S3Server
from tests.support.sandbox import Sandbox, git_insteadof

pytestmark = pytest.mark.tools

DOCS = CHECKOUT / "docs"
README = CHECKOUT / "README.md"
PAGES = [README, CHECKOUT / "CONTRIBUTING.md", *sorted(DOCS.rglob("*.md"))]
FOLLOWED = (
    "README",
    "air-gap",
    "ci",
    "coming-from",
    "exit-codes",
    "extras-and-groups",
    "fleet",
    "http",
    "pipx",
    "policy",
    "setuptools",
    "targets",
)
RUN_BY = {
    ("fleet", "nginx"): "tests/acceptance/test_nginx.py",
    ("mirror-format", "python"): "tests/unit/mirror/exchange/test_publish.py",
}
EXAMPLES = [example for page in PAGES for example in examples(page)]
SETTINGS = [example for example in EXAMPLES if example.language == "toml" and not example.file]


def test_every_example_is_run_or_says_why_not() -> None:
    """An example that nobody runs is wrong one day. A picture is no example."""
    left = [
        f"{example.page.name}: {example.language}: {example.text[:60]}"
        for example in EXAMPLES
        if not (
            example.not_run
            or example.is_picture
            or example in SETTINGS
            or (example.page.stem in FOLLOWED and (example.language == "console" or example.file))
            or (example.page.stem, example.language) in RUN_BY
        )
    ]

    assert len(EXAMPLES) > 40
    assert left == []
    for (page, _), test in RUN_BY.items():
        assert f'"{page}.md"' in (CHECKOUT / test).read_text(encoding="utf-8")


def test_a_console_has_a_prompt() -> None:
    """Two lines of the README have none: they are commands for a checkout, and run as a whole by .ci/run."""
    first_lines = [example.text.splitlines()[0] for example in EXAMPLES if example.language == "console"]

    assert [line for line in first_lines if not line.startswith("$ ")] == quick_commands()


@pytest.mark.parametrize("example", SETTINGS, ids=lambda example: example.page.stem)
def test_settings_can_be_used(tmp_path: Path, example: Example) -> None:
    """Each table of settings, in a project that has what it names; no warning is printed."""
    project = """
[project]
name = "app"
version = "1.0"
requires-python = ">=3.11"
dependencies = ["requests"]
optional-dependencies = { cpu = [], gpu = [] }

[dependency-groups]
dev = []
"""
    with LoopbackIndex({"requests": [wheel("requests", "2.9", headers=["License-Expression: MIT"])]}) as index:
        sandbox = Sandbox(tmp_path, index.url)
        _advisories(sandbox)
        sandbox.write("pyproject.toml", project + example.text)

        done = sandbox.must("pipx-parallel", "lock")

    assert "warning" not in done.err, done.err


def test_the_first_command_of_the_readme(sandbox: Sandbox) -> None:
    """On a machine with only Python and pip, in a checkout: one line sets everything up and locks a real list.

    The second line runs all tests, this one too: that is .ci/run's business.
    """
    sandbox.folder = clean_copy(sandbox.folder / "checkout")

    sandbox.must("bash", "-c", quick_commands()[0])

    assert 'name = "celery"' in sandbox.read("pylock.toml")


def test_the_example_of_the_readme(sandbox: Sandbox) -> None:
    """From requirements.in to an environment, and why."""
    commands = sandbox.follow(README)

    assert len(commands) == 7
    for subfolder in ("env", "packages"):
        assert list((sandbox.folder / subfolder).rglob("flask-3.1.0.dist-info"))


def quick_commands() -> list[str]:
    """Return the two lines with which the README begins."""
    lines = re.findall(r"^```console\n([^$\n].*)\n```$", README.read_text(encoding="utf-8"), re.MULTILINE)
    assert len(lines) == 2
    return lines


def test_setuptools(sandbox: Sandbox) -> None:
    """docs/setuptools.md, built in isolation."""
    commands = sandbox.follow(DOCS / "setuptools.md")

    assert len(commands) == 4
    installed = {path.name for path in (sandbox.folder / "env").rglob("*.dist-info")}
    assert {"app-1.0.dist-info", "flask-3.1.0.dist-info"} <= installed
    assert any(
        name.startswith("markupsafe-3.0.") for name in installed
    )  # this tool needs it too: the real one is there


def test_air_gap(sandbox: Sandbox) -> None:
    """docs/air-gap.md."""
    commands = sandbox.follow(DOCS / "air-gap.md")

    assert len(commands) == 16
    assert (sandbox.folder / "env" / "bin" / "python").exists()


def test_pipx(sandbox: Sandbox, our_wheel: Path, needs_tool: Callable[..., None]) -> None:
    """docs/pipx.md, with real pipx: run it, install with our lock, lock a script."""
    needs_tool("pipx")
    shutil.copy(our_wheel, sandbox.folder / "pipx_parallel-0.1.0-py3-none-any.whl")

    commands = sandbox.follow(DOCS / "pipx.md")

    assert len(commands) == 6
    installed = Path(sandbox.environment["PIPX_BIN_DIR"]) / "cowsay"
    assert sandbox.must(str(installed)).out == "cowsay 6.1\n"
    assert {"pylock.toml", "pylock.cowsay.toml", "pylock.script.toml"} <= {
        path.name for path in sandbox.folder.iterdir()
    }


def test_ci(sandbox: Sandbox, tmp_path: Path, needs_tool: Callable[..., None]) -> None:
    """docs/ci.md, with real pre-commit, which clones this repository and installs it."""
    needs_tool("pre-commit", "git")
    shutil.copytree(DOCS / "recipes", sandbox.folder / "ci")
    sandbox.environment |= git_insteadof(
        "https://git.example/pipx-parallel", repository(sandbox, tmp_path / "repository")
    )

    commands = sandbox.follow(DOCS / "ci.md")

    assert len(commands) == 14
    assert "pylock.other.toml is out of date" in sandbox.read(".pipx-parallel/diff.md")


def test_exit_codes(sandbox: Sandbox) -> None:
    """docs/exit-codes.md: an error as it shows it."""
    assert len(sandbox.follow(DOCS / "exit-codes.md")) == 2


def test_coming_from(sandbox: Sandbox) -> None:
    """docs/coming-from.md: a command line of pip-compile."""
    assert len(sandbox.follow(DOCS / "coming-from.md")) == 2


def test_targets(sandbox: Sandbox) -> None:
    """docs/targets.md."""
    assert len(sandbox.follow(DOCS / "targets.md")) == 3


def test_extras_and_groups(sandbox: Sandbox) -> None:
    """docs/extras-and-groups.md, in an activated environment, as a reader would."""
    environment = activated(sandbox)

    assert len(sandbox.follow(DOCS / "extras-and-groups.md")) == 6

    assert {"requests", "flask"} <= packages_in(environment)


def test_fleet(sandbox: Sandbox, tmp_path: Path) -> None:
    """docs/fleet.md, with a server of S3's protocol."""
    pytest.importorskip("moto", reason="moto is not installed")
    environment = activated(sandbox)
    with S3Server(tmp_path) as server:
        sandbox.environment |= server.environment

        assert len(sandbox.follow(DOCS / "fleet.md")) == 4

    assert "obstore" in packages_in(environment)


def test_http(sandbox: Sandbox, needs_tool: Callable[..., None]) -> None:
    """docs/http.md: a server and its clients, on a free port."""
    needs_tool("curl")
    environment = activated(sandbox)
    with socket.socket() as free:
        free.bind(("127.0.0.1", 0))
        port = str(free.getsockname()[1])

    commands = sandbox.follow(DOCS / "http.md", stand_ins={"8765": port})

    assert len(commands) == 7
    assert "requests" in packages_in(environment)


def test_policy(tmp_path: Path) -> None:
    """docs/policy.md: the outputs that it shows, of an index with two invented projects."""
    now = dt.datetime.now(dt.UTC)
    new = (now - dt.timedelta(days=3)).strftime("%Y-%m-%dT00:00:00Z")
    projects = {
        "app": [
            wheel("app", "1.0"),
            wheel("app", "1.1"),
            wheel("app", "1.2", upload_time=new),
            wheel("app", "2.0")._replace(yanked="bad build"),
            wheel("app", "3.0", upload_time=new),
        ],
        "lib": [wheel("lib", "2.0"), wheel("lib", "2.1")],
    }
    with LoopbackIndex(projects) as index:
        sandbox = Sandbox(tmp_path, index.url)
        _advisories(sandbox)
        sandbox.write("requirements.in", "app\n")
        sandbox.write("old.in", "app==1.1\nlib==2.1\n")
        sandbox.must("pipx-parallel", "lock", "old.in", "-o", "pylock.toml")
        sandbox.write("locked.txt", "app==1.0\nlib==2.0\n")

        commands = sandbox.follow(DOCS / "policy.md", stand_ins={" &$": " --port 0 &"})

    assert len(commands) == 6


def _advisories(sandbox: Sandbox) -> None:
    """Write an export of advisories, all.zip, and take it into the mirror."""
    with zipfile.ZipFile(sandbox.folder / "all.zip", "w") as archive:
        for name, introduced, fixed, severity in (("app", "0", "1.2", "HIGH"), ("lib", "1.5", "2.1", "LOW")):
            events = [{"introduced": introduced}, {"fixed": fixed}]
            document = {
                "id": f"GHSA-{name}", "aliases": [f"CVE-{name}"], "summary": f"A hole in {name}",
                "database_specific": {"severity": severity},
                "affected": [{"package": {"ecosystem": "PyPI", "name": name},
                              "ranges": [{"type": "ECOSYSTEM", "events": events}]}],
            }  # fmt: skip
            archive.writestr(f"{name}.json", json.dumps(document))
    sandbox.must("pipx-parallel", "mirror", "advisories", "update", "all.zip")


def activated(sandbox: Sandbox) -> Path:
    """Make an environment that pip and uv of the sandbox install into, as if it were activated; return its folder."""
    folder = sandbox.folder / "env"
    sandbox.must(sys.executable, "-m", "venv", "--without-pip", str(folder))
    index = sandbox.environment["PIP_INDEX_URL"]
    sandbox.environment |= {
        "VIRTUAL_ENV": str(folder), "PIP_PYTHON": str(folder / "bin" / "python"), "UV_DEFAULT_INDEX": index,
    }  # fmt: skip
    return folder


def packages_in(environment: Path) -> set[str]:
    """Return the names of what is installed."""
    return {path.name.split("-")[0] for path in environment.rglob("*.dist-info")}


def repository(sandbox: Sandbox, folder: Path) -> Path:
    """Make a repository of the tree under test, with the tag that the documentation names."""
    clean_copy(folder)
    for command in (("init", "--quiet"), ("add", "."), ("commit", "--quiet", "-m", "all"), ("tag", "v0.1.0")):
        sandbox.must("git", "-C", str(folder), *command)
    return folder
