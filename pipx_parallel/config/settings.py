"""How a lock is made: every setting, typed, from the nearest place that says something.

Which place wins is written in ``pipx_parallel.config.layers``. Nothing here reads a file, a clock or the environment: ``cli/``
does and hands the values in.
"""

from __future__ import annotations

import re
from typing import TYPE_CHECKING, NamedTuple

from pipx_parallel.config.schemes import check_schemes
from pipx_parallel.errors import UsageError
from pipx_parallel.format_control import ALL
from pipx_parallel.model import IndexOptions
from pipx_parallel.requirements.options import choose_names

if TYPE_CHECKING:
    from collections.abc import Mapping

    from mirror.settings import MirrorSettings
    from pipx_parallel.config.layers import Chosen

MOST_WORKERS = 50
AUTO_WORKERS = 0  # the fetcher sizes itself: the default, since it won every measurement (python -m benchmarks)
TRANSPORTS = ("auto", "curl", "requests", "aiohttp")
KEYRINGS = ("auto", "disabled", "import", "subprocess")  # pip's names
STRATEGIES = ("first-index", "best-match")
RESOLUTIONS = ("highest", "lowest", "lowest-direct")


class ResolveSettings(NamedTuple):
    """Everything that says where to look, what to choose and for whom. Names are normalised, values checked."""

    index_url: str | None = None  # None: only with no_index, or where pip has no default either
    extra_index_urls: tuple[str, ...] = ()
    find_links: tuple[str, ...] = ()
    no_index: bool = False
    trusted_hosts: tuple[str, ...] = ()
    cert: str | None = None
    client_cert: str | None = None
    proxy: str | None = None
    timeout: float = 15.0  # seconds of silence before an attempt counts as failed
    retries: int = 5
    max_workers: int = AUTO_WORKERS  # or 1 to 50
    mirror: str = ""  # a folder, or the URL of a shared mirror
    transport: str = "auto"
    index_strategy: str = "first-index"
    offline: bool = False
    refresh: bool = False
    keep_whole: bool = False  # warming: of every page keep all files
    pre: bool = False
    all_releases: tuple[str, ...] = ()  # pre-releases allowed for these; ":all:" for all
    only_final: tuple[str, ...] = ()
    prefer_binary: bool = False
    only_binary: tuple[str, ...] = ()  # normalised names, or ":all:"
    no_binary: tuple[str, ...] = ()
    require_hashes: bool = False
    no_deps: bool = False
    no_build: bool = False  # take what is known without running a build backend, or fail
    no_build_isolation: bool = False
    build_timeout: float = 600.0  # seconds that one build may take
    keyring_provider: str = "auto"
    routes: tuple[tuple[str, str], ...] = ()  # (normalised name, index): where these projects come from, and only there
    uploaded_prior_to: str | None = None  # "2026-11-01T00:00:00Z"
    uploaded_prior_to_packages: Mapping[str, str | None] = {}  # another moment for these; None: no cutoff
    resolution: str = "highest"
    python_version: str | None = None
    platforms: tuple[str, ...] = ()
    implementation: str | None = None
    abis: tuple[str, ...] = ()
    upgrade: bool = False
    upgrade_packages: tuple[str, ...] = ()
    keep_going: bool = False
    no_advice: bool = False  # an impossible list is not looked at for a way out
    preferred: Mapping[str, str] = {}  # existing pins that are kept where they still fit


def resolve_settings(chosen: Chosen, mirror: str, now: float) -> ResolveSettings:
    """Return the typed, checked settings.

    ``mirror`` is its default location; ``now`` (seconds since the epoch) gives ages like ``P7D`` a meaning.
    Raises ``UsageError``, naming option, value and remedy.
    """
    no_index = chosen.flag("no_index")
    check_schemes(chosen)
    all_releases, only_final = _names(chosen, "all_releases", "only_final")
    only_binary, no_binary = _names(chosen, "only_binary", "no_binary")
    return ResolveSettings(
        index_url=None if no_index else chosen.text("index_url"),
        extra_index_urls=() if no_index else chosen.texts("extra_index_url"),
        find_links=chosen.texts("find_links"),
        no_index=no_index,
        trusted_hosts=chosen.texts("trusted_host"),
        cert=chosen.text("cert"),
        client_cert=chosen.text("client_cert"),
        proxy=chosen.text("proxy"),
        timeout=_seconds(chosen, "timeout", 15.0),
        retries=_whole(chosen, "retries", 5, most=100),
        max_workers=_workers(chosen),
        mirror=chosen.text("mirror") or mirror,
        transport=_one_of(chosen, "transport", TRANSPORTS),
        index_strategy=_one_of(chosen, "index_strategy", STRATEGIES),
        offline=_offline(chosen),
        refresh=chosen.flag("refresh"),
        pre=chosen.flag("pre"),
        all_releases=all_releases,
        only_final=only_final,
        prefer_binary=chosen.flag("prefer_binary"),
        only_binary=only_binary,
        no_binary=no_binary,
        require_hashes=chosen.flag("require_hashes"),
        no_deps=chosen.flag("no_deps"),
        no_build=chosen.flag("no_build"),
        no_build_isolation=chosen.flag("no_build_isolation"),
        build_timeout=_seconds(chosen, "build_timeout", 600.0),
        routes=tuple(
            [(normalise(name), url) for name, _, url in (text.partition("=") for text in chosen.texts("sources"))]
        ),
        keyring_provider=_one_of(chosen, "keyring_provider", KEYRINGS),
        uploaded_prior_to=_moment(chosen, "uploaded_prior_to", now),
        uploaded_prior_to_packages=_moments(chosen, "uploaded_prior_to_package", now),
        resolution=_one_of(chosen, "resolution", RESOLUTIONS),
        python_version=chosen.text("python_version"),
        platforms=chosen.texts("platform"),
        implementation=chosen.text("implementation"),
        abis=chosen.texts("abi"),
        upgrade=chosen.flag("upgrade"),
        upgrade_packages=chosen.texts("upgrade_package"),
        keep_going=chosen.flag("keep_going"),
    )


def index_options(chosen: Chosen, settings: ResolveSettings) -> IndexOptions:
    """Return in pip's words where this lock looked, as far as ``chosen`` says it.

    Leave pip's own settings out of ``chosen``: whoever installs has his own, and an index URL that nobody asked for has no
    place in a lock.
    """
    return IndexOptions(
        index_url=None if settings.no_index else chosen.text("index_url"),
        extra_index_urls=() if settings.no_index else chosen.texts("extra_index_url"),
        find_links=chosen.texts("find_links"),
        no_index=settings.no_index,
        pre=settings.pre,
        prefer_binary=settings.prefer_binary,
        only_binary=settings.only_binary,
        no_binary=settings.no_binary,
        require_hashes=settings.require_hashes,
        trusted_hosts=chosen.texts("trusted_host"),
        all_releases=settings.all_releases,
        only_final=settings.only_final,
    )


def mirror_settings(settings: ResolveSettings) -> MirrorSettings:
    """Return what the mirror is opened with: URLs without their credentials, and these as a callable beside them."""
    from mirror.settings import MirrorSettings  # half a millisecond that a fresh --check does not need

    urls = (settings.index_url, *settings.extra_index_urls) if settings.index_url else settings.extra_index_urls
    from mirror.http.credentials import Credentials  # 1 ms that a fresh --check does not need

    credentials = Credentials(keyring=settings.keyring_provider)
    return MirrorSettings(
        location=settings.mirror,
        indexes=tuple(dict.fromkeys(credentials.learn(_as_url(url)) for url in urls)),
        find_links=tuple(dict.fromkeys(credentials.learn(place) for place in settings.find_links)),
        offline=settings.offline,
        refresh=settings.refresh,
        keep_whole=settings.keep_whole,
        classify_all=needs_all_releases(settings),
        workers=settings.max_workers,
        timeout=settings.timeout,
        retries=settings.retries,
        transport=settings.transport,
        verify=settings.cert or True,
        client_cert=settings.client_cert,
        proxy=settings.proxy,
        trusted_hosts=settings.trusted_hosts,
        credentials=credentials,
        strategy=settings.index_strategy,
        routes=tuple([(name, credentials.learn(_as_url(url))) for name, url in settings.routes]),
    )


def needs_all_releases(settings: ResolveSettings) -> bool:
    """Return whether kinds and upload times of all releases of a project decide which may be chosen, not of the newest alone."""
    cutoffs = (settings.uploaded_prior_to, *settings.uploaded_prior_to_packages.values())
    return settings.prefer_binary or any(cutoffs)


def default_mirror(environ: Mapping[str, str], platform: str) -> str:
    """Return where a user's mirror lives unless told otherwise; ``platform`` is ``sys.platform``.

    A place for data, not for caches: what was warmed must outlive a tidy-up.
    """
    home = environ.get("HOME") or environ.get("USERPROFILE") or ""
    if platform == "win32":
        root = environ.get("LOCALAPPDATA") or f"{home}\\AppData\\Local"
        return f"{root}\\pipx-parallel\\mirror"
    if platform == "darwin":
        return f"{home}/Library/Application Support/pipx-parallel/mirror"
    return f"{environ.get('XDG_DATA_HOME') or f'{home}/.local/share'}/pipx-parallel/mirror"


def answer_settings(chosen: Chosen, settings: ResolveSettings) -> dict[str, str]:
    """Return, by option name, the settings that change an answer and are not at their default, for the lock's header.

    ``uploaded-prior-to`` stays as written: "P7D" must not make the same command yield different bytes each day.
    """
    said = {
        "resolution": "" if settings.resolution == "highest" else settings.resolution,
        "pre": "true" if settings.pre else "",
        "uploaded-prior-to": chosen.text("uploaded_prior_to") or "",
        "uploaded-prior-to-package": ",".join(chosen.texts("uploaded_prior_to_package")),
        "prefer-binary": "true" if settings.prefer_binary else "",
        "only-binary": ",".join(settings.only_binary),
        "no-binary": ",".join(settings.no_binary),
        "all-releases": ",".join(settings.all_releases),
        "only-final": ",".join(settings.only_final),
        "no-deps": "true" if settings.no_deps else "",
        "python-version": settings.python_version or "",
        "platform": ",".join(settings.platforms),
        "implementation": settings.implementation or "",
        "abi": ",".join(settings.abis),
        "packages": ",".join(chosen.texts("packages")),
        "extra": ",".join(chosen.texts("extra")),
        "group": ",".join(chosen.texts("group")),
        "override": ",".join(chosen.texts("override")),
        "exclude": ",".join(chosen.texts("exclude")),
        "build-requires": "true" if chosen.flag("build_requires") else "",
        # How many of the files are constraints: they are the last ones, and their paths are nobody's business.
        "constraint": str(len(chosen.texts("constraint")) or ""),
    }
    return {name: value for name, value in said.items() if value}


def normalise(name: str) -> str:
    """Return the name as PEP 503 compares it."""
    return re.sub(r"[-_.]+", "-", name.strip()).lower()


def _as_url(place: str) -> str:
    """Return an index as a URL: one may be given as a path."""
    if "://" in place or place.startswith("file:"):
        return place
    from mirror.http.local_files import url_of  # few indexes are folders

    return url_of(place)


def _names(chosen: Chosen, *pair: str) -> tuple[tuple[str, ...], ...]:
    """Return normalised names out of comma-separated values, for two lists that exclude each other as pip's do."""
    names: dict[str, set[str]] = {name: set() for name in pair}
    for said in zip(*map(chosen.from_afar, pair), strict=True):
        words = [[word.strip() for word in ",".join(values).split(",") if word.strip()] for values in said]
        # Which was given first at one place is not known: ":all:" with exceptions is what makes sense.
        for name, other, listed in sorted(
            zip(pair, reversed(pair), words, strict=True), key=lambda row: ALL not in row[2]
        ):
            choose_names(listed, names[name], names[other])
    return tuple([tuple(sorted(names[name])) for name in pair])


def _whole(chosen: Chosen, name: str, default: int, most: int) -> int:
    value = chosen.text(name)
    if value is None:
        return default
    if not value.isdecimal() or int(value) > most:
        raise chosen.refuse(name, value, f"a whole number from 0 to {most} (default {default})")
    return int(value)


def _seconds(chosen: Chosen, name: str, default: float) -> float:
    value = chosen.text(name)
    if value is None:
        return default
    if not re.fullmatch(r"\d{1,6}(\.\d+)?", value) or not float(value):
        raise chosen.refuse(name, value, f"a number of seconds above 0 (default {default:g})")
    return float(value)


def _workers(chosen: Chosen) -> int:
    value = chosen.text("max_workers")
    if value is None or value == "auto":
        return AUTO_WORKERS
    if not value.isdecimal() or not 1 <= int(value) <= MOST_WORKERS:
        raise chosen.refuse("max_workers", value, f'1 to {MOST_WORKERS}, or "auto" (the default)')
    return int(value)


def _one_of(chosen: Chosen, name: str, allowed: tuple[str, ...]) -> str:
    value = chosen.text(name) or allowed[0]
    if value not in allowed:
        raise chosen.refuse(name, value, " or ".join(allowed))
    return value


def _offline(chosen: Chosen) -> bool:
    offline = chosen.flag("offline")
    if offline and chosen.flag("refresh"):
        refresh, offline_ = chosen.called("refresh"), chosen.called("offline")
        raise UsageError(f"{refresh} asks the network and {offline_} forbids it; give one of them")
    return offline


def _moments(chosen: Chosen, name: str, now: float) -> dict[str, str | None]:
    """Return the moments of ``NAME=WHEN`` by project; None for ``NAME=off``."""
    found: dict[str, str | None] = {}
    for value in chosen.texts(name):
        project, equals, when = value.partition("=")
        if not equals or not project.strip():
            raise chosen.refuse(name, value, "NAME=WHEN, or NAME=off for no cutoff")
        found[normalise(project)] = None if when.strip() in ("off", "false") else _parsed(chosen, name, when, now)
    return found


def _moment(chosen: Chosen, name: str, now: float) -> str | None:
    value = chosen.text(name)
    return None if value is None else _parsed(chosen, name, value, now)


def _parsed(chosen: Chosen, name: str, value: str, now: float) -> str:
    """Return an ISO 8601 date, time or age ("P7D": a week ago) as a moment in UTC; without a zone UTC is meant."""
    from datetime import UTC, datetime, timedelta  # 3 ms that most locks do not need

    age = re.fullmatch(r"P(?=.)(?:(\d{1,4})W)?(?:(\d{1,5})D)?(?:T(?=.)(?:(\d{1,5})H)?(?:(\d{1,5})M)?)?", value.upper())
    try:
        if age:
            weeks, days, hours, minutes = (int(part or 0) for part in age.groups())
            moment = datetime.fromtimestamp(now, UTC) - timedelta(weeks=weeks, days=days, hours=hours, minutes=minutes)
        else:
            moment = datetime.fromisoformat(value)
            moment = (moment if moment.tzinfo else moment.replace(tzinfo=UTC)).astimezone(UTC)
    except (ValueError, OverflowError):
        wanted = "a date (2026-11-01), a time (2026-11-01T12:00:00Z) or an age (P7D)"
        raise chosen.refuse(name, value, wanted) from None
    return moment.strftime("%Y-%m-%dT%H:%M:%SZ")
