"""Indexes as the mirror names them: a URL in one spelling, a short id for keys, and where a project's page is."""

from __future__ import annotations

import hashlib
from typing import NamedTuple


class SimpleIndex(NamedTuple):
    """One place that speaks the Simple API (PEP 503). ``url`` ends without a slash and holds no credentials."""

    url: str
    id: str

    def page(self, name: str) -> str:
        """Return the address of a project's page; ``name`` is normalised."""
        return f"{self.url}/{name}/"


def simple_index(url: str) -> SimpleIndex:
    """Return the index at a URL; two spellings of one address are one index."""
    plain = url.rstrip("/")
    return SimpleIndex(plain, hashlib.blake2s(plain.encode(), digest_size=6).hexdigest())


def view_key(index_id: str, name: str) -> str:
    """Return the store key of a project's release view."""
    return f"v/{index_id}/{name}"


def files_key(index_id: str, name: str) -> str:
    """Return the store key of a project's file view."""
    return f"f/{index_id}/{name}"


def facts_key(index_id: str) -> str:
    """Return the store key of what was learned of an index."""
    return f"i/{index_id}"


def address_key(index_id: str) -> str:
    """Return the store key of an index's URL: an id alone does not say which index it was."""
    return f"n/{index_id}"


USE_KEY = "m/use"  # how often listings were at hand; derived, and this machine's own
