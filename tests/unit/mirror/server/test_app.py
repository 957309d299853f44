"""The ASGI application, called in this process: routes, pages, records, the form, limits, and figures."""

from __future__ import annotations

import asyncio
import json
import re
from collections.abc import Iterator, Mapping
from pathlib import Path
from typing import Any

import pytest

from mirror.keys import VIEWS
from mirror.records.compression import unpack_frame
from mirror.server.answers import Answer, text
from mirror.server.app import Call, Options, Server
from mirror.server.responses import Pages
from mirror.server.site import Site
from mirror.server.site_facts import Facts
from mirror.server.site_render import Renderer
from mirror.server.worker import MirrorWorker
from mirror.session.mirror import Mirror
from mirror.settings import MirrorSettings
from tests.support.dict_store import DictStore
from tests.support.memory_index import ROOT, MemoryIndex

DOCS = Path(__file__).parents[4] / "docs"
JSON = "application/vnd.pypi.simple.v1+json"
REPORT = {
    "targets": [
        {
            "label": "here",
            "edges": [
                {"parent": None, "child": "app", "requirement": "app"},
                {"parent": "app[x]", "child": "lib", "requirement": "lib>=1"},
                {"parent": "lib", "child": "app", "requirement": "app"},
            ],
            "pins": [
                {"name": "app", "version": "1.0", "latest": "2.0", "direct": True, "reason": "held"},
                {"name": "lib", "version": "1.0", "latest": "1.0", "direct": False, "reason": None},
            ],
        }
    ]
}


def lock(call: Call) -> Answer:
    """Answer as POST /lock does: by the format that is asked for."""
    if b"nothing" in call.body:
        return text(422, "there is no such project")
    return text(200, json.dumps(REPORT) if call.query.get("format") == "json" else "app==1.0\n")


class Client:
    """Sends requests to an application without a socket."""

    def __init__(self, server: Server) -> None:
        """Talk to ``server``."""
        self.server = server

    def ask(
        self, path: str, method: str = "GET", body: bytes = b"", **headers: str
    ) -> tuple[int, Mapping[str, str], str]:
        """Return status, headers and body."""
        path, _, query = path.partition("?")
        sent: list[dict[str, Any]] = []

        async def receive() -> dict[str, Any]:
            return {"type": "http.request", "body": body, "more_body": False}

        async def send(message: dict[str, Any]) -> None:
            sent.append(message)

        rows = [(name.replace("_", "-").encode(), value.encode()) for name, value in headers.items()]
        scope = {"type": "http", "method": method, "path": path, "query_string": query.encode(), "headers": rows}
        asyncio.run(self.server(scope, receive, send))
        received = {key.decode(): value.decode() for key, value in sent[0]["headers"]}
        return (
            sent[0]["status"],
            received,
            b"".join(message.get("body", b"") for message in sent[1:]).decode(errors="replace"),
        )


@pytest.fixture
def store() -> DictStore:
    """Return the store of the mirror."""
    return DictStore()


@pytest.fixture
def client(store: DictStore) -> Iterator[Client]:
    """Serve app and lib of an index in memory."""
    index = MemoryIndex({"app": {"1.0": ["lib"], "2.0": ["lib>=1"]}, "lib": {"1.0": []}})
    settings = MirrorSettings("", (ROOT,), keep_whole=True)
    worker = MirrorWorker(lambda: Mirror(settings, store, lambda: index))
    pages = Pages(store, worker, offline=False)
    site = Site(pages, Facts(store, pages.shows), Renderer(interactive=True, version="1"), offline=False)
    try:
        yield Client(Server(pages, Options(routes={"/lock": lock}, largest_body=100, site=site)))
    finally:
        worker.close()


def test_the_simple_api(client: Client) -> None:
    """Pages in both forms, moved to normal names, with a tag that spares a body; wrong types and names are refused."""
    status, headers, body = client.ask("/simple/app/", accept=JSON)
    assert (status, headers["content-type"], json.loads(body)["versions"]) == (200, JSON, ["1.0", "2.0"])
    assert client.ask("/simple/app/", accept=JSON, if_none_match=headers["etag"])[0] == 304
    assert client.ask("/simple/app/", "HEAD", accept=JSON)[2] == ""
    assert "app-2.0" in client.ask("/simple/app/")[2]
    assert client.ask("/simple/App/")[1]["location"] == "../app/"
    assert client.ask("/simple/app")[1]["location"] == "app/"  # relative: behind a proxy the path may have a prefix
    assert [client.ask(path)[0] for path in ("/simple/none/", "/simple/-/", "/nothing", "/files/app/none.whl")] == [
        404
    ] * 4
    assert client.ask("/simple/app/", accept="image/png")[0] == 406
    assert client.ask("/simple/app/", "PUT")[0] == 405
    file = json.loads(body)["files"][0]["filename"]
    assert client.ask(f"/files/app/{file}")[0] == 302


def test_records_in_bulk(client: Client, store: DictStore) -> None:
    """The index of records, and the same bytes for the same question."""
    client.ask("/simple/app/")
    client.server._pages._worker.close()  # stores what is new
    (key,) = [key for key, _ in store.scan(VIEWS.prefix) if key.endswith("/app")]
    index_id = key.split("/")[1]
    assert client.ask("/index.zst")[1]["content-type"] == "application/zstd"
    assert json.loads(unpack_frame(client.server._pages.bulk.mirror_index().body))["bulk"] is True
    paths = [f"/records?index={index_id}&names=app", f"/records?index={index_id}&names=app:2.0&files=1&reach=1"]
    for path in paths:
        status, headers, _ = client.ask(path)
        assert (status, client.ask(path)[1]["etag"]) == (200, headers["etag"])


def test_the_form_of_the_pages(client: Client) -> None:
    """It shows pins, requirers without extras, what is outdated, a graph without an endless loop, and refusals."""
    form = b"requirements=app&python=3.12"
    status, _, page = client.ask("/ui/lock", "POST", form)
    assert status == 200
    assert "2 packages for here" in page
    assert "1 is not the newest" in page
    assert '<a href="#pin-app">app</a> <code>lib&gt;=1</code>' in page
    assert page.count("(see above)") == 1
    assert "app==1.0\n</textarea>" in page
    assert client.ask("/ui/lock", "POST", b"requirements=nothing")[0] == 422
    assert client.ask("/ui/lock", "POST", b"x" * 101, content_length="101")[0] == 413
    assert client.ask("/ui/lock", "POST", form, sec_fetch_site="cross-site")[0] == 403


def test_the_pages(client: Client) -> None:
    """The pages of a mirror that holds two projects, the second of which the first requires."""
    client.ask("/simple/app/")
    client.server._pages._worker.close()
    assert "<dd>2</dd>" in client.ask("/", host="mirror.example")[2]
    assert "http://mirror.example/simple/" in client.ask("/", host="mirror.example")[2]
    assert '<a href="app/">app</a>' in client.ask("/ui/projects/?q=AP")[2]
    assert [client.ask(path)[0] for path in ("/ui/projects/x/", "/ui/none", "/ui/style.css", "/ui/lock")] == [
        404,
        404,
        200,
        200,
    ]
    assert client.ask("/ui/projects/App/")[1]["location"] == "../app/"


def test_figures_count_requests_by_route(client: Client) -> None:
    """Each with its help and type."""
    assert "holds no project yet" in client.ask("/")[2]
    client.ask("/simple/app/")
    client.ask("/nothing")
    figures = client.ask("/metrics")[2]
    assert "# TYPE mirror_requests_total counter" in figures
    assert 'route="other"' in figures
    assert client.ask("/healthz")[0] == 200


def test_figures_tell_hits_misses_locks_and_the_index(client: Client) -> None:
    """A page is fetched once and then a hit; the second question for a page is no second request to the index."""
    before = _figures(client)
    client.ask("/simple/app/")
    client.ask("/simple/app/", accept=JSON)
    client.ask("/lock", "POST", b"app")
    after = _figures(client)

    assert before['mirror_lookups_total{result="miss"}'] == before['mirror_lookups_total{result="hit"}'] == 0
    assert after['mirror_lookups_total{result="miss"}'] >= 1
    assert after['mirror_lookups_total{result="hit"}'] >= 1
    assert after['mirror_locks_total{source="solved"}'] == 1
    assert after["mirror_locks_solving"] == after["mirror_waiting"] == 0
    assert after["mirror_healthy"] == 1
    requests = sum(value for name, value in after.items() if name.startswith("mirror_upstream_requests_total"))
    buckets = [value for name, value in after.items() if name.startswith("mirror_upstream_seconds_bucket")]
    assert after["mirror_upstream_seconds_count"] == buckets[-1] == requests >= 1
    assert buckets == sorted(buckets)


def test_the_dashboard_asks_for_figures_that_exist(client: Client) -> None:
    """Every name in every query of docs/recipes/grafana-dashboard.json, and every one in docs/http.md."""
    client.ask("/simple/app/")
    names = {name.partition("{")[0] for name in _figures(client)}
    dashboard = json.loads((DOCS / "recipes" / "grafana-dashboard.json").read_text(encoding="utf-8"))
    queries = [target["expr"] for panel in dashboard["panels"] for target in panel["targets"]]
    labels = set(re.findall(r"(\w+)=", " ".join(_figures(client))))

    assert len(queries) > 10
    assert {name for query in queries for name in re.findall(r"mirror_\w+", query)} <= names
    assert {
        name for query in queries for part in re.findall(r"\{(.*?)\}", query) for name in re.findall(r"(\w+)=", part)
    } <= labels
    table = set(re.findall(r"`(mirror_\w+)`", (DOCS / "http.md").read_text(encoding="utf-8")))
    assert {name.removesuffix("_bucket").removesuffix("_sum").removesuffix("_count") for name in names} == table


def _figures(client: Client) -> dict[str, float]:
    """Return the figures, each of which has its help and type before it."""
    described, figures = {"HELP": set[str](), "TYPE": set[str]()}, dict[str, float]()
    for line in client.ask("/metrics")[2].splitlines():
        if line.startswith("#"):
            _, word, name, _ = line.split(" ", 3)
            described[word].add(name)
        else:
            name, _, value = line.rpartition(" ")
            family = re.sub(r"_(bucket|sum|count)$", "", name.partition("{")[0])
            assert family in described["HELP"] & described["TYPE"]
            figures[name] = float(value)
    return figures


def test_a_route_takes_post_only(client: Client) -> None:
    """And says so."""
    assert client.ask("/lock")[0] == 405
    assert client.ask("/lock?format=requirements", "POST", b"app")[2] == "app==1.0\n"
