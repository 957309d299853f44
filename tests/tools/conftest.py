"""Real tools against one index on loopback, which has what they install: ourselves, what we need, and a few small packages."""

from __future__ import annotations

import tomllib
from collections.abc import Callable, Iterator
from pathlib import Path

import pytest

from tests.support.checkout import CHECKOUT
from tests.support.dists import Dist, sdist, wheel
from tests.support.index_server import LoopbackIndex
from tests.support.own_wheel import build_own_wheel
from tests.support.sandbox import Sandbox
from tests.support.wheelhouse import installed


def small_packages() -> dict[str, list[Dist]]:
    """Return packages with names that documentation can use."""
    return {
        "flask": [wheel("flask", "3.1.0", ["werkzeug>=3", "click"]), wheel("flask", "3.0.0", ["werkzeug>=3", "click"])],
        "werkzeug": [wheel("werkzeug", "3.1.3", ["markupsafe"])],
        "markupsafe": [
            wheel("markupsafe", "3.0.2", tags="cp313-cp313-win_amd64"),
            wheel("markupsafe", "3.0.2", tags="cp313-cp313-macosx_11_0_arm64"),
            wheel("markupsafe", "3.0.2", tags="cp313-cp313-manylinux_2_17_x86_64"),
            wheel("markupsafe", "3.0.1"),
        ],
        "cowsay": [wheel("cowsay", "6.1", ["textlib"], scripts={"cowsay": "cowsay:main"})],
        "textlib": [wheel("textlib", "1.0"), wheel("textlib", "2.0")],
        "colorama": [wheel("colorama", "0.4.6")],
        "wintools": [wheel("wintools", "1.0", ["colorama; sys_platform == 'win32'"])],
        "plain": [sdist("plain", "1.0", static=True)],
        "docopt": [sdist("docopt", "0.6.2", static=True)],
        **{name: [wheel(name, "2.9")] for name in ("gunicorn", "pysocks", *_WEB)},
        "celery": [wheel("celery", "5.5", ["redis; extra == 'redis'"])],
    }


# What fixtures/requirements/web.in asks for besides.
_WEB = ("alembic", "jinja2", "pydantic", "python-dateutil", "redis", "sqlalchemy", "structlog")


@pytest.fixture(scope="session")
def our_wheel(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """Build our own wheel once."""
    return build_own_wheel(tmp_path_factory.mktemp("ours"))


@pytest.fixture(scope="session")
def everything(our_wheel: Path) -> dict[str, list[Dist]]:
    """Return every project of the index."""
    required = tomllib.loads((CHECKOUT / "pyproject.toml").read_text(encoding="utf-8"))["project"]["dependencies"]
    name, version, *_ = our_wheel.name.split("-")
    ours = Dist("pipx-parallel", version, our_wheel.name, our_wheel.read_bytes())
    assert name == "pipx_parallel"
    real, small = installed([*required, "setuptools", "wheel", "obstore"]), small_packages()
    # A project of both has the releases of both: ours needs the real jinja2, and wheels of this machine suit no other platform.
    both = {name: [*real.get(name, []), *small.get(name, [])] for name in {**real, **small}}
    return {**both, "pipx-parallel": [ours]}


@pytest.fixture
def index(everything: dict[str, list[Dist]]) -> Iterator[LoopbackIndex]:
    """Serve it."""
    with LoopbackIndex(everything) as served:
        yield served


@pytest.fixture
def sandbox(tmp_path: Path, index: LoopbackIndex) -> Sandbox:
    """Return a machine whose pip is configured for the loopback index."""
    return Sandbox(tmp_path, index.url)


@pytest.fixture
def needs_tool(sandbox: Sandbox) -> Callable[..., None]:
    """Return a function that skips the test where a tool is not here."""

    def need(*tools: str) -> None:
        for tool in tools:
            if not sandbox.has(tool):
                pytest.skip(f"{tool} is not installed here")

    return need
