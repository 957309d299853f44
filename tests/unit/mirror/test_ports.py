"""The ports: every implementation has every member, and nobody asks whether it is there."""

from __future__ import annotations

import ast
from collections.abc import Iterator
from pathlib import Path

import pytest

from mirror import ports
from mirror.exchange.maintenance import check
from mirror.exchange.snapshot_store import SnapshotStore
from mirror.exchange.web_store import WebStore
from mirror.http.credentials import Credentials
from mirror.ports import Exchange, Request
from mirror.store.disk import DiskStore
from mirror.store.new import NewStore
from mirror.store.read_only import ReadOnlyStore
from mirror.store.shared import NotingStore, SharedStore
from mirror.urls import PublicUrl
from tests.support.dict_store import DictStore
from tests.support.scenarios import memory_mirror

STORES = (DictStore, DiskStore, NewStore, NotingStore, ReadOnlyStore, SharedStore, SnapshotStore, WebStore)
# What ``getattr`` with a default may read: attributes of exceptions and modules that are not ours.
FOREIGN = {
    "strerror",
    "reason",
    "message",
    "lineno",
    "errors",
    "abiflags",
    "O_BINARY",
    "O_NOFOLLOW",
    "__file__",
    "BuildBackendWarning",
    "traceback",
}


def members(port: type) -> set[str]:
    """Return the public members of a protocol."""
    return {name for name in vars(port) if not name.startswith("_")} | set(getattr(port, "__annotations__", {}))


def probes(package: str) -> Iterator[tuple[str, str]]:
    """Yield (file:line, name) of every ``getattr`` of one name with a default in the source of a package."""
    root = Path(ports.__file__).parents[1] / package
    modules = sorted(root.rglob("*.py"))
    assert modules
    for path in modules:
        for node in ast.walk(ast.parse(path.read_text(encoding="utf-8"))):
            match node:
                case ast.Call(ast.Name("getattr"), [_, ast.Constant(name), _]):
                    yield f"{path.relative_to(root.parent)}:{node.lineno}", str(name)


@pytest.mark.parametrize("store", STORES)
def test_a_store_has_every_member_of_the_port(store: type) -> None:
    """Those it does not need are inherited."""
    assert ports.Store in store.__mro__
    assert [name for name in members(ports.Store) if not hasattr(store, name)] == []


def test_credentials_are_a_source_of_credentials() -> None:
    """The protocol's defaults answer for a source that only knows pairs."""

    class Pairs(ports.CredentialSource):
        def __call__(self, url: str) -> tuple[str, str] | None:
            return ("me", url)

    source = Pairs()
    assert (source.challenged("u"), source.learn("u"), source.secrets()) == (False, "u", ())
    assert ports.CredentialSource in Credentials.__mro__


@pytest.mark.parametrize("package", ["mirror", "pipx_parallel"])
def test_no_member_of_ours_is_probed_for(package: str) -> None:
    """A member that may be missing is a contract that is not written down."""
    assert [probe for probe in probes(package) if probe[1] not in FOREIGN] == []


def test_probes_are_found() -> None:
    """The test above reads the tree."""
    assert "strerror" in {name for _, name in probes("mirror")}


def test_damage_of_a_read_only_mirror_is_found(tmp_path: Path) -> None:
    """Its file views are as they were written, so their digest counts."""
    with memory_mirror({"app": {"1.0": []}}) as session:
        session.project("app")
        store = session._parts.store
    records = {key: store.get_many((key,))[key] for key, _ in store.scan()}
    key = next(key for key in records if key.startswith("f/"))
    records[key] = records[key][:-1] + bytes([records[key][-1] ^ 1])
    writer = DiskStore(str(tmp_path))
    writer.put_many(records)
    writer.close()

    reader = ReadOnlyStore(str(tmp_path))
    damages = [damage.key for damage in check(reader)]
    reader.close()

    assert damages == [key]


def test_a_proxy_that_wants_credentials_is_called_a_proxy() -> None:
    """407 comes from the proxy (RFC 9110); the remedy names its option."""
    request = Request("http://index.example/simple/app/")

    trouble = Exchange(request, 407, {}, b"", PublicUrl(request.url)).trouble

    assert trouble.startswith("the proxy answered 407")
    assert "--proxy" in trouble
