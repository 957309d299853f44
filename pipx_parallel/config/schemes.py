"""Which kinds of URL each setting can be: one that nothing here speaks would be taken for the name of a folder."""

from __future__ import annotations

from typing import TYPE_CHECKING

from pipx_parallel.requirements.urls import mask_secrets

if TYPE_CHECKING:
    from pipx_parallel.config.layers import Chosen

_INDEX = (("http", "https", "file"), "an http:, https: or file: URL, or a folder")
_RULES = {
    "index_url": _INDEX,
    "extra_index_url": _INDEX,
    "mirror": (
        ("http", "https", "redis", "rediss", "unix"),
        "a folder, a snapshot, or a redis:, unix:, http: or https: URL",
    ),
    "proxy": (("http", "https", "socks4", "socks4a", "socks5", "socks5h"), "an http:, https: or socks5: URL"),
}


def check_schemes(chosen: Chosen) -> None:
    """Raise ``UsageError`` for an index, mirror or proxy at a URL of a kind that cannot be used."""
    for name, (known, wanted) in _RULES.items():
        for place in chosen.texts(name):
            scheme, mark, _ = place.partition("://")
            if mark and scheme.lower() not in known:
                raise chosen.refuse(name, mask_secrets(place), wanted)
