"""One graph in every output: tree, why, DOT, JSON, pylock, SBOM, report and annotations agree on the edges, extras included."""

from __future__ import annotations

import json
import re
import tomllib
from collections.abc import Iterator
from itertools import pairwise

import pytest
from packaging.requirements import Requirement

from pipx_parallel.emitters.registry import emitter_for
from pipx_parallel.locks.tree import render_inverted, render_tree, render_why, tree_dot, tree_json, why_json
from pipx_parallel.model import Resolution
from tests.support.resolutions import context
from tests.support.scenarios import SOURCE, resolve_texts

USER = ""
Edges = set[tuple[str, str]]  # (project, its dependency); the user is ""

# Requirements in the shapes of real projects: extras that require other projects' extras, extras of their own project, a base that
# requires an extra, extras in circles, and extras that add nothing.
PROJECTS: dict[str, list[str]] = {
    "webapi": [
        "schema>=2",
        "server-core",
        "webapi-cli[standard]>=0.1; extra == 'standard'",
        "server[standard]>=0.12; extra == 'standard'",
        "email-check; extra == 'standard'",
        "webapi[standard]; extra == 'all'",
        "jsonlib; extra == 'all'",
    ],
    "webapi-cli": ["server>=0.15", "typer", "webapi-cloud; extra == 'standard'", "server[standard]; extra == 'standard'"],
    "webapi-cloud": ["httpc>=0.27", "schema[email]>=2"],
    "server": ["click", "h11", "loop; extra == 'standard'", "watch; extra == 'standard'", "yaml; extra == 'standard'"],
    "server-core": ["anyio"],
    "schema": ["schema-core==2.0", "typing-ext", "email-check>=2; extra == 'email'"],
    "schema-core": ["typing-ext"],
    "email-check": ["dnslib", "idna"],
    "httpc": ["certs", "httpcore", "anyio", "h2; extra == 'http2'", "brotli; extra == 'brotli'", "click; extra == 'cli'"],
    "httpcore": ["h11", "certs", "h2; extra == 'http2'"],
    "http-client": ["charset", "idna", "urls", "certs", "socks-lib; extra == 'socks'", "chardet; extra == 'chardet'"],
    "orm": ["typing-ext", "green; extra == 'asyncio'", "orm[asyncio]; extra == 'aiolite'", "lite; extra == 'aiolite'"],
    "tasks": ["broker[pool]>=5", "click", "broker[redis]; extra == 'redis'", "msgpack; extra == 'msgpack'"],
    "broker": ["amqp", "redis-lib; extra == 'redis'", "pool-lib; extra == 'pool'", "typing-ext"],
    "frame": [
        "click", "yaml", "partd",
        "array-lib; extra == 'array'",
        "frame[array]; extra == 'dataframe'",
        "table; extra == 'dataframe'",
        "frame[array,dataframe,distributed]; extra == 'complete'",
        "lz4; extra == 'complete'",
        "frame-cluster==1.0; extra == 'distributed'",
    ],
    "frame-cluster": ["frame", "loop", "msgpack"],
    "partd": ["locket"],
    "cloudmock": ["cloud-sdk", "http-client", "yaml; extra == 's3'", "parser; extra == 's3'", "docker-lib; extra == 'db'"],
    "cloud-sdk": ["cloud-core[crt]", "urls"],
    "cloud-core": ["urls", "crt-lib; extra == 'crt'"],
    "formatter": ["click", "notebook-core; extra == 'jupyter'", "anyio; extra == 'd'", "httpc[http2]; extra == 'd'"],
    "notebook-core": ["yaml", "notebook-core[html]"],  # a base that requires an extra of its own
    "flow": ["orm[asyncio]", "flow-celery; extra == 'celery'", "typer"],
    "flow-celery": ["flow", "tasks[redis,msgpack]"],
    "circle": ["circle[a]; extra == 'b'", "circle[b]; extra == 'a'", "lz4; extra == 'a'", "yaml; extra == 'b'"],
    "plugin": ["plugin-host[plugin]"],
    "plugin-host": ["plugin; extra == 'plugin'"],
    "empty-extra": ["idna", "win-only; extra == 'x' and sys_platform == 'win32'"],
}  # fmt: skip
LEAVES = (
    "anyio typer click h11 loop watch yaml jsonlib typing-ext dnslib idna certs h2 brotli charset urls socks-lib chardet green "
    "lite amqp redis-lib pool-lib msgpack array-lib table lz4 locket parser docker-lib crt-lib win-only"
)
LISTS = (
    ["http-client[socks,chardet]"],
    ["webapi[standard]", "orm[asyncio]"],
    ["tasks[redis,msgpack]", "orm", "http-client[socks]"],
    ["frame[complete]"],
    ["cloudmock[s3,db]", "cloud-sdk"],
    ["formatter[jupyter,d]", "schema[email]"],
    ["webapi[all]", "frame[dataframe]"],
    ["flow[celery]"],
    ["httpc[http2,cli,brotli]", "server[standard]", "circle[a]"],
    ["plugin", "empty-extra[x]", "orm[aiolite]", "circle[b]", "circle"],
)


def _expected(lines: list[str]) -> Edges:
    """Walk the requirements as PEP 508 defines them: an oracle that shares no code with the product."""
    edges: Edges = set()
    queue = [(USER, Requirement(line)) for line in lines]
    seen: set[tuple[str, str]] = set()
    for parent, requirement in queue:  # grows during the loop
        if parent != requirement.name:
            edges.add((parent, requirement.name))
        for extra in ("", *requirement.extras):
            if (requirement.name, extra) not in seen:
                seen.add((requirement.name, extra))
                below = map(Requirement, PROJECTS.get(requirement.name, ()))
                queue += [(requirement.name, row) for row in below if _holds(row, extra)]
    return edges


def _holds(requirement: Requirement, extra: str) -> bool:
    if requirement.marker is None:
        return not extra
    return requirement.marker.evaluate({"extra": extra, "sys_platform": "linux"})


@pytest.fixture(scope="module", params=LISTS, ids=",".join)
def resolved(request: pytest.FixtureRequest) -> tuple[Resolution, Edges]:
    """Return the resolution of a list, and the edges that it must have."""
    projects = {**PROJECTS, **{name: [] for name in LEAVES.split()}}
    versions = {"schema": "2.1", "schema-core": "2.0", "email-check": "2.2", "broker": "5.4"}
    universe = {name: {versions.get(name, "1.0"): rows} for name, rows in projects.items()}
    outcome = resolve_texts({SOURCE: "\n".join(request.param)}, universe)
    assert outcome.resolution is not None, outcome.error
    return outcome.resolution, _expected(request.param)


def _emitted(name: str, resolution: Resolution) -> str:
    return emitter_for(name).render(name, [resolution], context())[0].text


def _report(resolution: Resolution) -> Iterator[tuple[str, str]]:
    for edge in json.loads(_emitted("report.json", resolution))["targets"][0]["edges"]:
        yield (edge["parent"] or "").partition("[")[0], edge["child"]


def _pylock(resolution: Resolution) -> Iterator[tuple[str, str]]:
    for package in tomllib.loads(_emitted("pylock.toml", resolution))["packages"]:
        yield from ((package["name"], row["name"]) for row in package.get("dependencies", ()))


def _sbom(resolution: Resolution) -> Iterator[tuple[str, str]]:
    def name(reference: str) -> str:
        return USER if reference == "lock" else reference.partition("/")[2].partition("@")[0]

    for row in json.loads(_emitted("lock.cdx.json", resolution))["dependencies"]:
        yield from ((name(row["ref"]), name(child)) for child in row.get("dependsOn", ()))


def _annotations(resolution: Resolution) -> Iterator[tuple[str, str]]:
    child = ""
    for line in _emitted("requirements.txt", resolution).splitlines():
        if line[:1].isalnum():
            child = re.split(r"[\[=]", line)[0]
        words = re.sub(r"^ +#( via)? *", "", line) if line.startswith(" ") and "#" in line else ""
        if words:
            yield USER if words.startswith("-r ") else words, child


def _json(resolution: Resolution) -> Iterator[tuple[str, str]]:
    tree = tree_json(resolution)
    for package in json.loads(json.dumps(tree))["packages"]:
        yield from ((package["name"], row["name"]) for row in package["dependencies"])


def _json_up(resolution: Resolution) -> Iterator[tuple[str, str]]:
    for package in json.loads(json.dumps(tree_json(resolution)))["packages"]:
        yield from ((row["name"], package["name"]) for row in package["required-by"])


def _dot(resolution: Resolution) -> Iterator[tuple[str, str]]:
    yield from re.findall(r'^ +"([^"]+)" -> "([^"]+)"', tree_dot(resolution), re.MULTILINE)


def _tree(resolution: Resolution) -> Iterator[tuple[str, str]]:
    """Read the edges from the indentation."""
    stack: list[str] = [USER]
    for line in render_tree(resolution).splitlines():
        if not line.startswith("(*)"):
            start = next(number for number, letter in enumerate(line) if letter.isalnum())
            stack[start // 4 + 1 :] = [re.split(r"[\[ ]", line[start:])[0]]
            yield stack[-2], stack[-1]


WITH_ROOTS = (_report, _sbom, _annotations, _tree)
WITHOUT_ROOTS = (_pylock, _json, _json_up, _dot)


@pytest.mark.parametrize("edges_of", [*WITH_ROOTS, *WITHOUT_ROOTS])
def test_every_output_has_the_same_edges(resolved: tuple[Resolution, Edges], edges_of: object) -> None:
    """Those of the requirements, and so every pin can be reached from a line of the user."""
    resolution, expected = resolved
    assert callable(edges_of)
    if edges_of is _sbom:
        pytest.importorskip("cyclonedx")

    edges = {(parent, child) for parent, child in edges_of(resolution) if parent != child}

    assert edges == (expected if edges_of in WITH_ROOTS else {row for row in expected if row[0] != USER})
    assert {child for _, child in expected} == {pin.name for pin in resolution.pins}


def test_why_leads_from_a_line_of_the_user_to_each_pin(resolved: tuple[Resolution, Edges]) -> None:
    """Each step is an edge, and the text has the chains of the JSON."""
    resolution, expected = resolved
    for pin in resolution.pins:
        chains = json.loads(json.dumps(why_json(resolution, pin.name)))["chains"]

        assert chains, pin.name
        assert render_why(resolution, pin.name).count(f"{SOURCE}:") == len(chains)
        for row in chains:
            names = [USER, *(re.split(r"[\[<>=!~; ]", text)[0] for text in row["chain"])]
            steps = list(pairwise(names))
            assert all(step in expected or step[0] == step[1] for step in steps)
            assert names[-1] == pin.name


def test_the_inverted_tree_ends_at_lines_of_the_user(resolved: tuple[Resolution, Edges]) -> None:
    """Nothing in it is missing, its second level is who requires the pin, and each line without a line above it is the user's."""
    resolution, expected = resolved
    for pin in resolution.pins:
        lines = render_inverted(resolution, pin.name).splitlines()

        parents = {re.split(r"[\[ ]", line[4:])[0] for line in lines[1:] if line[:4] in {"├── ", "└── "}}
        assert parents == {parent for parent, child in expected if child == pin.name and parent}
        depths = [next(number for number, letter in enumerate(line) if letter.isalnum()) for line in lines]
        for line, depth, below in zip(lines, depths, [*depths[1:], 0], strict=True):
            assert "(missing)" not in line
            assert below > depth or SOURCE in line or line.endswith("(*)") or line.startswith("(*)")
