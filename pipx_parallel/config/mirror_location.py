"""What the mirror is opened with, and where it is by default."""

from __future__ import annotations

from typing import TYPE_CHECKING

from pipx_parallel.version import VERSION

if TYPE_CHECKING:
    from collections.abc import Mapping

    from mirror.settings import MirrorSettings
    from pipx_parallel.config.settings import ResolveSettings


def mirror_settings(settings: ResolveSettings) -> MirrorSettings:
    """Return what the mirror is opened with: URLs without their credentials, and these as a callable beside them."""
    from mirror.http.credentials import Credentials  # 1 ms that a fresh --check does not need
    from mirror.settings import Depth, MirrorSettings, TlsSettings  # half a millisecond, as above

    index, network, access = settings.indexes, settings.network, settings.mirror
    needs_all = settings.selection.needs_all_releases or not (settings.policy is None or settings.policy.cuts_only)
    urls = (index.index_url, *index.extra_index_urls) if index.index_url else index.extra_index_urls
    credentials = Credentials(keyring=network.keyring_provider)
    return MirrorSettings(
        location=access.location,
        indexes=tuple(dict.fromkeys(credentials.learn(_as_url(url)) for url in urls)),
        find_links=tuple(dict.fromkeys(credentials.learn(location) for location in index.find_links)),
        offline=access.offline,
        refresh=access.refresh,
        keep_whole=access.keep_whole,
        depth=Depth(needs_all, _epoch_seconds(settings.selection.uploaded_prior_to)),
        workers=network.max_workers,
        timeout=network.timeout,
        retries=network.retries,
        budget=access.budget,
        transport=network.transport,
        tls=TlsSettings(network.cert or True, network.client_cert, network.trusted_hosts),
        proxy=network.proxy,
        credentials=credentials,
        strategy=index.index_strategy,
        user_agent=f"pipx-parallel/{VERSION} (metadata mirror; Python)",
        routes=tuple([(name, credentials.learn(_as_url(url))) for name, url in index.routes]),
    )


def _epoch_seconds(moment: str | None) -> int:
    """Return an ISO 8601 time as epoch seconds; 0 for None."""
    if moment is None:
        return 0
    from mirror.records.listing_views import epoch_seconds  # few locks have a cutoff

    return epoch_seconds(moment)


def default_mirror(environ: Mapping[str, str], platform: str, home: str) -> str:
    """Return the default folder of a user's mirror; ``platform`` is ``sys.platform``, ``home`` the user's home.

    It is a folder for data, not for caches: what was warmed must survive cleaning a cache.
    """
    if platform == "win32":
        root = environ.get("LOCALAPPDATA") or f"{home}\\AppData\\Local"
        return f"{root}\\pipx-parallel\\mirror"
    if platform == "darwin":
        return f"{home}/Library/Application Support/pipx-parallel/mirror"
    return f"{environ.get('XDG_DATA_HOME') or f'{home}/.local/share'}/pipx-parallel/mirror"


def _as_url(location: str) -> str:
    """Return an index as a URL: one may be given as a path."""
    if "://" in location or location.startswith("file:"):
        return location
    from mirror.urls import url_of  # few indexes are folders

    return url_of(location)
