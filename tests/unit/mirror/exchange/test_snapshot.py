"""Snapshots: the same content gives the same bytes; a flipped bit is detected; untrusted snapshots are validated."""

from __future__ import annotations

import hashlib
import random

import pytest

from mirror.errors import Integrity
from mirror.exchange.snapshot import Selection, export, read_snapshot
from mirror.exchange.snapshot_import import import_snapshot
from mirror.exchange.snapshot_store import SnapshotStore
from mirror.records.dependency_sets import DependencySet
from mirror.records.file_columns import expand, squeeze
from mirror.records.file_view import digest_of, pack, read_slice
from mirror.records.freshness import FreshnessRecord
from mirror.records.model import FileKind
from mirror.records.release_view import Absence, ReleaseView, decode, encode, encode_absence
from mirror.records.version_keys import version_key
from tests.support.dict_store import DictStore

INDEX = "0123456789ab"
VERSIONS = ["1.0", "1.1", "2.0"]


def slices(name: str) -> list[tuple[bytes, ...]]:
    """Return file objects with digests, by release."""
    return [
        (
            b'{"filename":"%b-%b-py3-none-any.whl","url":"../%b","hashes":{"sha256":"%b"}}'
            % (name.encode(), version.encode(), name.encode(), hashlib.sha256(version.encode()).hexdigest().encode()),
        )
        for version in VERSIONS
    ]


def view(name: str, order: int = 0, fetched: float = 1000.5) -> ReleaseView:
    """Return a view of three releases; ``order`` is the order in which its dependency sets are added."""
    file_kinds = [FileKind("py3-none-any", ">=3.8"), FileKind("py3-none-any", None)]
    release_view = ReleaseView(
        name=name,
        freshness=FreshnessRecord(fetched, 600.0, '"tag"'),
        versions=VERSIONS,
        keys=[version_key(version) or "" for version in VERSIONS],
        prereleases=0,
        classified=0,
        file_kinds=file_kinds if order == 0 else file_kinds[::-1],
        uploads_text=["10", "20+5", "30"],
    )
    first, second = (0, 1) if order == 0 else (1, 0)
    release_view.add_kind_set((second,), 0)
    release_view.add_kind_set((first,), 1)
    release_view.add_kind_set((first,), 2)
    learned = [
        (1, first, DependencySet(["lib>=1", "x ; extra == 'e'"])),
        (2, first, DependencySet(["lib>=2"], ">=3.8")),
    ]
    for release, file_kind, dependency_set in learned if order == 0 else learned[::-1]:
        release_view.learn(release, file_kind, dependency_set)
    return release_view


def store(order: int = 0, fetched: float = 1000.5) -> DictStore:
    """Return a store with two projects and one that its index does not have."""
    items: dict[str, bytes] = {"m/secret": b"machine", "c/1": b"{}", f"n/{INDEX}": b"http://index.example/simple"}
    for name in ("app", "lib"):
        release_view = view(name, order, fetched)
        packed = pack(slices(name))
        release_view.digest = digest_of(packed)
        items |= {f"v/{INDEX}/{name}": encode(release_view), f"f/{INDEX}/{name}": packed}
    items[f"v/{INDEX}/ghost"] = encode_absence(Absence(FreshnessRecord(1000.0)))
    return DictStore(items)


@pytest.mark.parametrize("files", ["all", "chosen", "none"])
def test_the_order_of_writes_does_not_matter(files: str) -> None:
    """Two stores with the same facts, added in another order, export the same bytes."""
    assert export(store(0), Selection(files=files)) == export(store(1), Selection(files=files))


def test_a_flipped_bit_is_detected_wherever_it_is() -> None:
    """Every byte of the file is covered."""
    data = export(store(), Selection(files="all"))
    for offset in range(len(data)):
        damaged = bytearray(data)
        damaged[offset] ^= 1 << offset % 8
        with pytest.raises(Integrity):
            read_snapshot(bytes(damaged))


def test_a_truncated_file_and_nonsense_are_refused() -> None:
    """Only the digest is read."""
    data = export(store(), Selection())
    for bad in (b"", b"PPSNAP1\n", data[:-1], data[:40], b"x" * 1000):
        with pytest.raises(Integrity):
            read_snapshot(bad)


def test_changes_with_a_right_digest_are_refused_or_valid() -> None:
    """Any change gives ``Integrity`` or a valid snapshot, nothing else."""
    data = export(store(), Selection(files="all"))[:-32]
    chance = random.Random(5)  # noqa: S311 - repeatable, not secret
    for _ in range(400):
        damaged = bytearray(data)
        for _ in range(chance.randint(1, 4)):
            damaged[chance.randrange(8, 200)] = chance.randrange(256)
        body = bytes(damaged)
        try:
            snapshot = read_snapshot(body + hashlib.sha256(body).digest())
            for key in snapshot.views:
                snapshot.slices(key)
            import_snapshot(snapshot, DictStore())
        except Integrity:
            continue


def test_derived_and_private_records_are_not_exported() -> None:
    """Neither attestations nor values of this machine."""
    served = SnapshotStore(read_snapshot(export(store(), Selection(files="all"))))

    assert {key[:2] for key, _ in served.scan()} == {"v/", "f/", "n/"}


def test_an_import_into_an_empty_store_exports_the_same_bytes() -> None:
    """Nothing is lost and nothing is added."""
    for files in ("all", "chosen", "none"):
        data = export(store(), Selection(files=files))
        other = DictStore()
        import_snapshot(read_snapshot(data), other)

        assert export(other, Selection(files=files)) == data


def test_a_snapshot_serves_views_and_files_as_a_store_does() -> None:
    """The view has the digest of its files."""
    served = SnapshotStore(read_snapshot(export(store(), Selection(files="all"))))
    values = served.get_many([f"v/{INDEX}/app", f"f/{INDEX}/app"])
    release_view = decode(values[f"v/{INDEX}/app"])

    assert isinstance(release_view, ReleaseView)
    assert digest_of(values[f"f/{INDEX}/app"]) == release_view.digest
    assert read_slice(values[f"f/{INDEX}/app"], 1) == b"[" + slices("app")[1][0] + b"]"


def test_only_chosen_files_are_exported() -> None:
    """The releases with dependency sets, or the given ones."""
    looked = read_snapshot(export(store(), Selection()))
    named = read_snapshot(export(store(), Selection(chosen={"app": 1})))

    assert [bool(piece) for piece in looked.slices(f"v/{INDEX}/app") or []] == [False, True, True]
    assert [bool(piece) for piece in named.slices(f"v/{INDEX}/app") or []] == [True, False, False]
    assert named.slices(f"v/{INDEX}/lib") is None


def test_a_newer_listing_wins_and_older_dependency_sets_stay() -> None:
    """In both directions."""
    data = export(store(fetched=2000.0), Selection(files="all"))
    older, newer = store(fetched=1000.0), store(fetched=3000.0)

    assert import_snapshot(read_snapshot(data), older).replaced == 2
    assert import_snapshot(read_snapshot(data), newer).retained == 3 - 1 + 1
    taken = decode(older.items[f"v/{INDEX}/app"])
    assert isinstance(taken, ReleaseView)
    assert taken.freshness.fetched_at == 2000.0


def test_a_view_with_a_shell_in_its_version_is_refused() -> None:
    """A version is written into scripts, so text that is not a version is not imported."""
    bad = view("app")
    bad.versions = ["1.0", "1.1", "2.0;rm"]
    evil = store()
    evil.items[f"v/{INDEX}/app"] = encode(bad)
    snapshot = read_snapshot(export(evil, Selection(files="none")))

    other = DictStore()
    with pytest.raises(Integrity):
        import_snapshot(snapshot, other)
    assert other.items == {}


def test_the_compact_form_is_expanded_to_the_same_slices() -> None:
    """Whatever the slices are."""
    digest = hashlib.sha512(b"x").hexdigest().encode()
    cases = [[b""], [b"a", b"", b'"%b" %b' % (digest, digest[:33])], [digest * 3, b"0" * 31], ["é\x01".encode()]]
    for case in cases:
        assert expand(squeeze(case)) == case
