"""The layer law of this project, and proof that the test of it can fail.

A new module belongs to the row of its folder (``FOLDERS``). A new third-party package needs one home (``HOMES``). A module that
touches files, the environment, the clock, output, the network, processes or threads is named in ``EDGES``.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping
from pathlib import Path

import pytest

import mirror
import pipx_parallel
from tests.support.boundaries import Folder, Law, read_modules, violations

# One row a folder: its modules, and the folders it may import. A row names only rows above it, so no circle can form.
# Type-only imports count. ``mirror`` names no folder of the tool, and the solver names nothing.
FOLDERS = (
    Folder(
        "mirror",
        (
            "mirror",
            "mirror.equality",
            "mirror.errors",
            "mirror.keys",
            "mirror.limits",
            "mirror.names",
            "mirror.ports",
            "mirror.settings",
            "mirror.urls",
        ),
        (),
    ),
    Folder("mirror.records", ("mirror.records*",), ("mirror",)),
    Folder("mirror.policy", ("mirror.policy*",), ("mirror", "mirror.records")),
    Folder("mirror.metadata", ("mirror.metadata*",), ("mirror", "mirror.records")),
    Folder("mirror.http", ("mirror.http*",), ("mirror", "mirror.records")),
    Folder("mirror.store", ("mirror.store*",), ("mirror", "mirror.records")),
    Folder(
        "mirror.exchange",
        ("mirror.exchange*",),
        ("mirror", "mirror.records", "mirror.policy", "mirror.http", "mirror.store"),
    ),
    Folder("mirror.session", ("mirror.session*",), ("mirror", "mirror.[rmhse]*")),
    Folder("mirror.server", ("mirror.server*",), ("mirror", "mirror.[rmhsep]*")),
    Folder(
        "foundations",
        tuple(
            f"pipx_parallel{name}"
            for name in (
                "",
                ".direct_url",
                ".errors",
                ".format_control",
                ".model",
                ".nearest_names",
                ".version",
            )
        ),
        ("mirror", "mirror.records"),
    ),
    Folder("resolver", ("pipx_parallel.resolver*",), ()),
    Folder("options", ("pipx_parallel.config.option*",), ()),
    Folder("locks", ("pipx_parallel.locks*",), ("mirror", "mirror.records", "mirror.store", "foundations", "options")),
    Folder("requirements", ("pipx_parallel.requirements*",), ("mirror", "foundations", "options", "locks")),
    Folder(
        "config",
        ("pipx_parallel.config", "pipx_parallel.config.[!o]*"),
        ("mirror", "mirror.records", "mirror.policy", "mirror.http", "foundations", "options", "requirements"),
    ),
    Folder("targets", ("pipx_parallel.targets*",), ("mirror", "mirror.records", "foundations", "config")),
    Folder("setuptools_plugin", ("pipx_parallel.setuptools_plugin",), ("foundations", "locks")),
    Folder("emitters", ("pipx_parallel.emitters*",), ("mirror", "mirror.records", "foundations", "locks")),
    Folder("builds", ("pipx_parallel.builds*",), ("mirror", "mirror.metadata", "foundations")),
    Folder("direct", ("pipx_parallel.direct*",), ("mirror*", "foundations", "config", "targets", "builds")),
    Folder("bundle", ("pipx_parallel.bundle*",), ("mirror*", "foundations", "emitters")),
    Folder("console", ("pipx_parallel.console", "pipx_parallel.progress"), ("mirror", "resolver")),
    Folder(
        "resolution",
        ("pipx_parallel.resolution*",),
        ("mirror*", "foundations", "resolver", "requirements", "config", "targets", "locks", "emitters", "direct"),
    ),
    Folder(
        "cli",
        (
            "pipx_parallel.cli",
            "pipx_parallel.cli.[!c]*",
            "pipx_parallel.cli.c[!o]*",
            "pipx_parallel.cli.command_table",
            "pipx_parallel.cli.context",
        ),
        ("*",),
    ),
    Folder("commands", ("pipx_parallel.cli.commands*", "pipx_parallel.__main__"), ("*",)),
)
# What a row alone cannot say: (importer, imported, the rule in words).
FORBIDDEN = (
    ("pipx_parallel.resolver*", "packaging*", "the solver knows no packaging rules"),
    ("pipx_parallel.locks.locked_extra", "mirror*", "a build needs no mirror"),
)
# Where each third-party package lives. `packaging` is the standards' own code: anywhere but where FORBIDDEN says so.
HOMES: Mapping[str, tuple[str, ...]] = {
    "aiohttp": ("mirror.http.aiohttp_transport",),
    "packaging": ("mirror*", "pipx_parallel*"),
    "click": ("pipx_parallel.cli*", "pipx_parallel.console", "pipx_parallel.progress"),
    "cyclonedx": ("pipx_parallel.emitters.sbom", "pipx_parallel.emitters.vex"),
    "cryptography": ("mirror.exchange.minisign",),
    "diskcache": ("mirror.store.disk_cache",),
    "packageurl": ("pipx_parallel.emitters.sbom", "pipx_parallel.emitters.vex"),
    # Records off the warm path are structs: they compare by type and validate. On the warm path loading it (25 ms) would cost more
    # than it saves (0.06 ms for each of 128 classes).
    "msgspec": (
        "mirror.records.simple_parse",
        "mirror.exchange.advisory_update",
        "mirror.exchange.attestation",
        "mirror.exchange.diff",
        "mirror.exchange.maintenance",
        "mirror.exchange.publish",
        "mirror.exchange.snapshot_import",
        "mirror.server.*",
        "pipx_parallel.bundle.*",
        "pipx_parallel.locks.audit",
        "pipx_parallel.locks.outdated",
    ),
    "installer": ("pipx_parallel.builds.wheel_install",),
    "jinja2": ("mirror.server.site_render",),
    "pip_requirements_parser": ("pipx_parallel.requirements.grammar",),
    "pyproject_hooks": ("pipx_parallel.builds.builder",),
    "pycurl": ("mirror.http.curl_transport",),
    "requests": ("mirror.http.requests_transport",),
    "requests_cache": ("mirror.http.requests_transport",),
    "urllib3": ("mirror.http.requests_transport",),
    "obstore": ("mirror.exchange.object_store",),
    "redis": ("mirror.store.redis*", "mirror.store.shared_work"),
    "uvicorn": ("mirror.server.run",),
    "yarl": ("mirror.http.aiohttp_transport",),
    # One compresses for reading a slice, the other for carrying.
    "zstandard": ("mirror.records.file_view", "mirror.records.compression"),
}
# Who may touch the world. Everybody else takes values and gives values.
EDGES: Mapping[str, tuple[str, ...]] = {
    "files": (
        "mirror.server.sent_file",  # a file of a folder that is served
        "mirror.server.site_render",  # templates and style sheet
        "mirror.store.atomic",
        "mirror.http.tls",
        "mirror.http.credentials",  # is there a netrc?
        "mirror.http.local_files",
        "mirror.http.body",  # a temporary file for a large body
        "mirror.metadata.sdist_metadata",  # a temporary file for what a large archive unpacks to
        "mirror.session.local_index",
        "pipx_parallel.builds.*",
        "pipx_parallel.direct.git",
        "mirror.http.curl_transport",  # is the CA bundle a folder?
        "mirror.store.disk",
        "mirror.store.repair",
        "mirror.store.new",
        "mirror.exchange.publish_target",
        "mirror.exchange.shard_file",
        "mirror.exchange.published_cache",
        "mirror.exchange.publish_memo",
        "mirror.store.read_only",
        "mirror.exchange.snapshot_store",
        "mirror.session.open_store",  # is it a snapshot?
        "pipx_parallel.bundle.archive",
        "pipx_parallel.bundle.wheel_builds",
        "pipx_parallel.bundle.downloads",
        "pipx_parallel.cli*",
        "pipx_parallel.requirements.files",
        "pipx_parallel.setuptools_plugin",
    ),
    "environment": (
        "mirror.http.proxies",  # HTTP_PROXY
        "mirror.http.tls",  # SSL_CERT_FILE and its kin
        "mirror.http.credentials",  # NETRC, and credentials by host
        "pipx_parallel.__main__",
        "pipx_parallel.builds.supervisor",  # a program of its own, which hands on what it was given
        "pipx_parallel.cli*",
        "pipx_parallel.config.pip_settings",  # to run pip without the settings that are already known
        "pipx_parallel.setuptools_plugin",
        "pipx_parallel.targets.targets",  # Windows tells the machine's architecture there
    ),
    "clock": (
        "pipx_parallel.resolution.lock_solver",
        "mirror.session.mirror",
        "mirror.server.site_facts",
        "mirror.server.site_render",  # how long ago is a check?
        "mirror.server.worker",
        "pipx_parallel.bundle.downloads",
        "pipx_parallel.cli*",
        "pipx_parallel.resolution.lock_service",
    ),
    "timer": (
        "pipx_parallel.resolution.lock_solver",
        "mirror.http.curl_transfer",  # when the last byte arrived
        "mirror.http.curl_transport",  # transfers that stop in the middle
        "mirror.store.redis",
        "mirror.store.shared_work",
        "mirror.exchange.signed_source",  # waits for a signature that is being written
        "mirror.server.app",
        "mirror.server.receiving_process",  # how long ago did a worker report?
        "mirror.server.responses",  # how long ago was a page checked?
        "mirror.server.supervisor",
        "pipx_parallel.cli*",
        "pipx_parallel.resolution.lock_service",
        "pipx_parallel.resolution.resolve",
        "pipx_parallel.resolution.target_search",
    ),
    "output": (
        "pipx_parallel.__main__",  # flushes both streams before the process ends
        "pipx_parallel.cli*",
        "pipx_parallel.requirements.files",  # reads standard input
    ),
    "network": (
        "mirror.http.aiohttp_transport",
        "mirror.http.tls",
        "mirror.http.curl_transport",
        "mirror.http.requests_transport",
        "mirror.http.page_transport",  # a pair of sockets to its own process
        "mirror.server.arrivals",
        "mirror.server.listening",
        "mirror.server.receiving_process",
        "mirror.server.reception",
        "pipx_parallel.cli.commands.mirror_serve",  # hands the listening socket to its workers
    ),
    "processes": (
        "mirror.server.receiving_process",  # answers /healthz and passes connections on
        "mirror.server.supervisor",  # the workers of a server
        "pipx_parallel.resolution.lock_service",  # a solve is killed at its limit
        "mirror.http.credentials",  # a keyring
        "mirror.http.forked",
        "mirror.http.page_transport",  # reads pages in a process of its own
        "pipx_parallel.builds.processes",
        "pipx_parallel.builds.environments",
        "pipx_parallel.builds.builder",
        "pipx_parallel.builds.sandbox",
        "pipx_parallel.builds.supervisor",
        "pipx_parallel.direct.git",
        "pipx_parallel.bundle.wheel_builds",
        "pipx_parallel.cli.commands.benchmark",
        "pipx_parallel.cli.commands.mirror_serve",  # the main function of a worker
        "pipx_parallel.config.pip_settings",
    ),
    "threads": (
        "mirror.store.shared_work",  # says that it is alive
        "mirror.http.tls",
        "mirror.http.aiohttp_transport",
        "mirror.http.credentials",
        "mirror.http.routing",
        "pipx_parallel.builds.builder",
        "pipx_parallel.builds.environments",
        "pipx_parallel.builds.processes",
        "pipx_parallel.builds.supervisor",
        "pipx_parallel.cli.context",  # redraws while a build runs
        "pipx_parallel.cli.mirror_opening",  # builds that start side by side share one builder
        "pipx_parallel.direct.git",
        "mirror.http.curl_transport",
        "mirror.http.fetcher",
        "mirror.http.requests_transport",
        "mirror.store.disk",
        "mirror.store.new",
        "mirror.http.page_transport",
        "mirror.http.worker_pool",
        "mirror.server.arrivals",  # the event loop
        "mirror.server.receiving_process",  # likewise
        "mirror.server.run",  # waits for the end of a pipe
        "mirror.server.sent_file",
        "mirror.server.store_watch",
        "mirror.server.worker",
        "mirror.records.project",
        "mirror.server.app",
        "mirror.server.connections",  # timers of the event loop
        "mirror.server.reception",  # the event loop
        "mirror.server.bulk",
        "mirror.server.responses",
        "mirror.server.site",
        "mirror.server.site_facts",
        "mirror.server.policy_gate",
        "mirror.store.shared",
        "mirror.exchange.object_store",  # uploads at once
        "mirror.exchange.web_requests",
        "mirror.store.write_behind",
        "pipx_parallel.resolution.lock_service",
    ),
}
# Modules that exist to load others only when they are needed; everywhere else a late import says why, in a comment.
LATE = (
    "mirror.session.open_store",  # the store that is named
    "mirror.session.mirror",  # a warm or offline run loads no HTTP stack
    "mirror.store.new",  # the database is made while the first requests are on their way
    "mirror.http.transports",  # the transport that is there
    "pipx_parallel.cli*",  # a command loads what it uses
    "pipx_parallel.emitters.registry",  # the formats that are asked for
    "pipx_parallel.setuptools_plugin",  # nothing, for a project without its table
)
LAW = Law(FOLDERS, FORBIDDEN, HOMES, EDGES, LATE)
PACKAGES = [Path(package.__file__ or "").parent for package in (mirror, pipx_parallel)]


def test_the_tree_keeps_the_layer_law() -> None:
    """Every import goes down, every third-party package has one home, and the world is touched where the table says."""
    broken = violations(PACKAGES, LAW)

    assert broken == [], "\n" + "\n".join(map(str, broken))


def test_the_tree_is_really_read() -> None:
    """An empty glob would make the law hold for nothing."""
    modules = read_modules(PACKAGES)

    assert {"mirror.records.model", "pipx_parallel.model"} <= modules.keys()
    assert [
        imported.target
        for imported in modules["pipx_parallel.model"].imports
        if imported.target == "mirror.records.model"
    ]


def test_tests_of_the_mirror_know_nothing_of_the_tool() -> None:
    """What is tested without the tool can be used without the tool."""
    here = Path(__file__).parent / "unit" / "mirror"
    modules = read_modules([here])

    assert modules
    named = [f"{name}: {imported.target}" for name, module in modules.items() for imported in module.imports]
    assert [line for line in named if "pipx_parallel" in line] == []


# --- the test of the test: each rule, broken once in a small tree -----------------------------------------------------------

SMALL_LAW = Law(
    folders=(
        Folder("low", ("sample.low",), ()),
        Folder("middle", ("sample.mid*",), ("low",)),
        Folder("high", ("sample", "sample.high"), ("middle",)),
    ),
    forbidden=(("sample.middle", "sample.low", "kept apart"),),
    homes={"diskcache": ("sample.low",)},
    edges={"files": ("sample.low",)},
)
GOOD = {
    "low.py": "import diskcache\nopen('x')\n",
    "middle.py": "import json\n",
    "high.py": "from sample.middle import x\n",
}

Build = Callable[[Mapping[str, str]], Path]


@pytest.fixture
def sample(tmp_path: Path) -> Build:
    """Write a package called ``sample`` with the given files over the good ones."""

    def build(changes: Mapping[str, str]) -> Path:
        folder = tmp_path / "sample"
        folder.mkdir()
        for name, text in {"__init__.py": "", **GOOD, **changes}.items():
            (folder / name).write_text(text, encoding="utf-8")
        return folder

    return build


def test_a_good_tree_has_no_violation(sample: Build) -> None:
    """The law is silent where it is kept."""
    assert violations([sample({})], SMALL_LAW) == []


@pytest.mark.parametrize(
    ("file", "text", "message"),
    [
        ("low.py", "import sample.high\n", "may not import"),
        ("low.py", "from sample import high\n", "may not import"),
        ("low.py", "from . import high\n", "may not import"),
        ("low.py", "from .high import x\n", "may not import"),
        (
            "low.py",
            "from typing import TYPE_CHECKING\nif TYPE_CHECKING:\n    from sample.high import x\n",
            "may not import",
        ),
        ("middle.py", "from sample.low import x\n", "kept apart"),
        ("middle.py", "import diskcache\n", "whose home is sample.low"),
        ("middle.py", "import requests.adapters\n", "no home"),
        ("middle.py", "def f():\n    return open('x')\n", "touches files"),
        ("middle.py", "from pathlib import Path\nPath('x').write_text('')\n", "touches files"),
        ("middle.py", "import os\nX = os.environ.get('X')\n", "touches environment"),
        ("middle.py", "import os\nX = os.environ['X']\n", "touches environment"),
        ("middle.py", "import time\nX = time.time()\n", "touches clock"),
        ("middle.py", "from time import time\n", "touches clock"),
        ("middle.py", "print('x')\n", "touches output"),
        ("middle.py", "import sys\nX = sys.stdout\n", "touches output"),
        ("middle.py", "import socket\nsocket.socket()\n", "touches network"),
        ("middle.py", "import pickle\npickle.loads(b'')\n", "touches danger"),
        ("middle.py", "def f():\n    import json\n", "without a comment"),
        ("middle.py", "def f():\n    import json  # noqa: PLC0415\n", "without a comment"),
        ("middle.py", "def f():\n    # noqa: PLC0415\n    import json\n", "without a comment"),
        ("middle.py", "def f(queue):\n    queue.append(1)\n", None),
        ("mid2.py", "import sample.middle\n", None),
        ("other.py", "", "in no folder"),
        ("high.py", "import sample.low\n", "'high' may not import 'low'"),
    ],
)
def test_a_broken_rule_is_named(sample: Build, file: str, text: str, message: str | None) -> None:
    """Each rule, broken once, gives one violation in words."""
    broken = violations([sample({file: text})], SMALL_LAW)

    assert len(broken) == (1 if message else 0), broken
    assert message is None or message in str(broken[0])


@pytest.mark.parametrize(
    "text",
    [
        "def f():\n    # costs 45 ms\n    import json\n",
        "def f():\n    import json  # costs 45 ms\n",
        "def f():\n    import json  # noqa: PLC0415 - costs 45 ms\n",
        "def f():\n    # costs 45 ms, both\n    import json\n\n    import re\n",
    ],
)
def test_a_late_import_with_a_reason_is_right(sample: Build, text: str) -> None:
    """The reason may stand above the run of imports or on a line of it."""
    assert violations([sample({"middle.py": text})], SMALL_LAW) == []


def test_a_row_may_only_name_rows_above_it() -> None:
    """Folders cannot form a circle, whatever their modules import."""
    law = Law(folders=(Folder("low", ("a",), ("high",)), Folder("high", ("b",), ("low",))))

    assert "low:1: names 'high', which is no row above it" in [str(broken) for broken in violations([], law)]


def test_a_circle_is_found_within_a_folder(sample: Build) -> None:
    """Modules of one folder may import each other only as long as no circle closes."""
    folder = sample(
        {"middle.py": "import sample.mid2\n", "mid2.py": "import sample.mid3\n", "mid3.py": "import sample.middle\n"}
    )

    broken = violations([folder], SMALL_LAW)

    assert [str(imported) for imported in broken] == [
        "sample.mid3:1: closes a circle: sample.middle -> sample.mid2 -> sample.mid3 -> sample.middle"
    ]


def test_an_entry_that_names_nothing_is_found(sample: Build) -> None:
    """The table cannot keep names of modules that are gone."""
    (folder := sample({})).joinpath("high.py").unlink()

    broken = violations([folder], SMALL_LAW)

    assert [str(imported) for imported in broken] == ["sample.high:1: is named by the layer table and does not exist"]
