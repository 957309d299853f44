"""The keys of the store: one table of all kinds of records, and the normalised URL and short id of an index.

Every reader and writer of the store takes its keys from ``KINDS``. docs/mirror-format.md has the same table.
"""

from __future__ import annotations

import hashlib

from mirror.equality import NamedTuple


class SimpleIndex(NamedTuple):
    """One index with the Simple API (PEP 503). ``url`` has no slash at its end and holds no credentials."""

    url: str
    id: str

    def page(self, name: str) -> str:
        """Return the URL of a project's page; ``name`` is normalised."""
        return f"{self.url}/{name}/"


def simple_index(url: str) -> SimpleIndex:
    """Return the index at a URL; a URL with and without a slash at its end is the same index."""
    plain = url.rstrip("/")
    return SimpleIndex(plain, hashlib.blake2s(plain.encode(), digest_size=6).hexdigest())


class RecordKind(NamedTuple):
    """One kind of record: the prefix of its keys."""

    prefix: str

    def key(self, *parts: str) -> str:
        """Return the key of a record of this kind."""
        return self.prefix + "/".join(parts)

    def owns(self, key: str) -> bool:
        """Return whether a key is of this kind."""
        return key.startswith(self.prefix)

    def name(self, key: str) -> str:
        """Return a key of this kind without its prefix."""
        return key[len(self.prefix) :]


VIEWS = RecordKind("v/")  # records.release_view.ReleaseView or Absence
FILES = RecordKind("f/")  # records.file_view (packed)
TEXTS = RecordKind("t/")  # records.metadata_texts (packed): METADATA of wheels
FACTS = RecordKind("i/")  # metadata.index_facts.IndexFacts
ADDRESSES = RecordKind("n/")  # the index's URL
ATTESTATIONS = RecordKind("c/")  # exchange.attestation.Attestation
BUILDS = RecordKind("b/")  # METADATA that a build backend gave
FAILED_BUILDS = RecordKind("x/")  # why a build failed: JSON
LINKED_FILES = RecordKind("w/")  # METADATA of a file of a find-links page
LINK_PAGES = RecordKind("l/")  # a find-links page on the web: freshness, URL, file objects
REFERENCES = RecordKind("u/")  # what a direct reference leads to, or the commit of a git revision
ADVISORIES = RecordKind("a/")  # records.advisories (JSON) of a project; of no project: when they were updated
PUBLISHERS = RecordKind("p/")  # records.provenance (JSON): who published a file, by its SHA-256 or URL
FIRST_SEEN = RecordKind("s/")  # records.first_seen (JSON): when files without upload time were first listed, by SHA-256
DERIVED = RecordKind("m/")  # a value that can be computed again at any time
VALIDATORS = RecordKind("http:")  # validators of the requests transport, by URL

KINDS = (
    VIEWS, FILES, TEXTS, FACTS, ADDRESSES, ATTESTATIONS, BUILDS, FAILED_BUILDS, LINKED_FILES, LINK_PAGES, REFERENCES, ADVISORIES,
    PUBLISHERS, FIRST_SEEN, DERIVED, VALIDATORS,
)  # fmt: skip

USE_KEY = DERIVED.key("use")  # counts of requests and of listings read from the store, on this machine only


def kind_of(key: str) -> RecordKind | None:
    """Return the kind of a key, or None if this program does not write such keys."""
    return next((kind for kind in KINDS if kind.owns(key)), None)


def view_key(index_id: str, name: str) -> str:
    """Return the store key of a project's release view."""
    return VIEWS.key(index_id, name)


def files_key(index_id: str, name: str) -> str:
    """Return the store key of a project's file view."""
    return FILES.key(index_id, name)


def files_key_of(view_key: str) -> str:
    """Return the key of the file view that belongs to a release view."""
    return FILES.key(VIEWS.name(view_key))


def view_key_of(files_key: str) -> str:
    """Return the key of the release view that a file view belongs to."""
    return VIEWS.key(FILES.name(files_key))


def project_of(key: str) -> str:
    """Return the project that a key of a release view or file view names."""
    return key.rpartition("/")[2]


def texts_key(index_id: str, name: str) -> str:
    """Return the store key of METADATA of a project's wheels."""
    return TEXTS.key(index_id, name)


def texts_key_of(view_key: str) -> str:
    """Return the key of METADATA that belongs to a release view."""
    return TEXTS.key(VIEWS.name(view_key))


def facts_key(index_id: str) -> str:
    """Return the store key of the facts about an index."""
    return FACTS.key(index_id)


def address_key(index_id: str) -> str:
    """Return the store key of an index's URL: the URL cannot be computed from the id."""
    return ADDRESSES.key(index_id)
