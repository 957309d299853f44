"""Typed settings of a run, made from the option table and the layers.

Which layer wins is decided in ``config.layers``. Nothing here reads a file, a clock or the environment: ``cli/`` does and
passes the values in.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from mirror.equality import NamedTuple
from mirror.names import normalize_name
from pipx_parallel.config.checks import check_offline, check_schemes, checked, moment_text
from pipx_parallel.config.option import POLICY
from pipx_parallel.config.options import OPTIONS

if TYPE_CHECKING:
    from collections.abc import Mapping

    from mirror.limits import RequestBudget
    from mirror.policy.rules import PolicyRules
    from pipx_parallel.config.layers import Chosen
    from pipx_parallel.model import KeptPin


class IndexSettings(NamedTuple):
    """Which indexes there are."""

    index_url: str | None = None  # None: only with no_index, or if pip has no default either
    extra_index_urls: tuple[str, ...] = ()
    find_links: tuple[str, ...] = ()
    no_index: bool = False
    index_strategy: str = "first-index"
    routes: tuple[tuple[str, str], ...] = ()  # (normalised name, index): the only index of these projects


class NetworkSettings(NamedTuple):
    """How indexes are reached."""

    trusted_hosts: tuple[str, ...] = ()
    cert: str | None = None
    client_cert: str | None = None
    proxy: str | None = None
    keyring_provider: str = "auto"
    timeout: float = 15.0  # seconds
    retries: int = 4
    max_workers: int = 0  # 0: the fetcher adapts it
    transport: str = "auto"


class MirrorAccess(NamedTuple):
    """Which mirror is used, and how."""

    location: str = ""  # a folder, a snapshot, or the URL of a shared mirror
    offline: bool = False
    refresh: bool = False
    keep_whole: bool = False  # keep all files of every page, for warming
    budget: RequestBudget | None = None  # the limits of the run


class SelectionSettings(NamedTuple):
    """Which releases and files may be chosen. Project names are normalised; ":all:" stands for every project."""

    resolution: str = "highest"
    pre: bool = False
    all_releases: tuple[str, ...] = ()  # pre-releases allowed
    only_final: tuple[str, ...] = ()  # pre-releases refused
    prefer_binary: bool = False
    only_binary: tuple[str, ...] = ()
    no_binary: tuple[str, ...] = ()
    require_hashes: bool = False
    no_deps: bool = False
    uploaded_prior_to: str | None = None  # "2026-11-01T00:00:00Z"
    uploaded_prior_to_packages: Mapping[str, str | None] = {}  # another time for these; None: no cutoff
    preferred: Mapping[str, str] = {}  # existing pins, kept if they fit
    preferred_by_marker: tuple[KeptPin, ...] = ()  # of projects with several releases, or only for some targets
    fork: str = "fewest"  # or "newest": which releases several targets get
    suggest_seconds: float = 2.0  # how long changes are tried that make an impossible list possible

    @property
    def has_cutoff(self) -> bool:
        """Return whether upload times decide which releases may be chosen."""
        return any((self.uploaded_prior_to, *self.uploaded_prior_to_packages.values()))

    @property
    def needs_all_releases(self) -> bool:
        """Return whether file kinds or upload times of all releases decide which may be chosen.

        With one cutoff for all projects, those of the newest before it do.
        """
        return self.prefer_binary or any(self.uploaded_prior_to_packages.values())


class BuildSettings(NamedTuple):
    """Whether and how build backends are run."""

    no_build: bool = False
    no_build_isolation: bool = False
    no_build_network: bool = False
    build_env: tuple[str, ...] = ()  # names of variables
    build_timeout: float = 600.0  # seconds for one build


class TargetSettings(NamedTuple):
    """The environments to lock for, as far as options describe them; nothing: the running Python."""

    python_versions: tuple[str, ...] = ()
    platforms: tuple[str, ...] = ()
    implementation: str | None = None
    abis: tuple[str, ...] = ()
    targets: tuple[str, ...] = ()  # "3.13 windows"
    universal: bool = False
    requires_python: str | None = None  # the range of ``universal``
    glibc: str = "2.28"  # the oldest that short platform names stand for
    macos: str = "13.0"  # as above

    @property
    def is_stated(self) -> bool:
        """Return whether any option describes a target."""
        return any((self.python_versions, self.platforms, self.implementation, self.abis, self.targets, self.universal))


class ResolveSettings(NamedTuple):
    """Everything that decides where to look, what to choose and for which environment. All values are checked."""

    indexes: IndexSettings = IndexSettings()
    network: NetworkSettings = NetworkSettings()
    mirror: MirrorAccess = MirrorAccess()
    selection: SelectionSettings = SelectionSettings()
    builds: BuildSettings = BuildSettings()
    target: TargetSettings = TargetSettings()
    keep_going: bool = False  # leave out projects that are missing
    policy: PolicyRules | None = None  # cutoffs included; None: none is set
    now: float = 0.0  # epoch seconds that ages of the policy count from

    @property
    def has_policy(self) -> bool:
        """Return whether a policy can refuse a pin of an existing lock."""
        return self.policy is not None or self.selection.has_cutoff or bool(self.selection.only_binary)

    def with_time(self, now: float) -> ResolveSettings:
        """Return the settings at another time: ages of the policy count from there."""
        if self.policy is None:
            return self
        whole, rows = self.policy.cutoff, self.policy.cutoffs
        cutoffs = {name: row and moment_text(row.at(now)) for name, row in rows.items()}
        selection = self.selection._replace(
            uploaded_prior_to=whole and moment_text(whole.at(now)), uploaded_prior_to_packages=cutoffs
        )
        return self._replace(selection=selection, now=now)


def resolve_settings(chosen: Chosen, mirror: str, now: float) -> ResolveSettings:
    """Return the typed, checked settings.

    Args:
        chosen: the layers.
        mirror: the default location of the mirror.
        now: seconds since the epoch, which ages such as ``P7D`` count from.

    Raises:
        UsageError: naming the option, its value and a remedy.

    """
    check_schemes(chosen)
    check_offline(chosen)
    records: dict[str, dict[str, Any]] = {name: {} for name in _RECORDS}
    for option in OPTIONS.values():
        record, _, field = option.setting.partition(".")
        if field in _FIELDS.get(record, ()):
            records[record][field] = checked(chosen, option, now)
    made = {name: record(**records[name]) for name, record in _RECORDS.items()}
    settings = ResolveSettings(**made, keep_going=chosen.flag("keep_going"))
    access = settings.mirror._replace(location=settings.mirror.location or mirror)
    settings = settings._replace(mirror=access, indexes=_index(settings.indexes, chosen))
    policy = _policy(chosen)
    return settings if policy is None else settings._replace(policy=policy, now=now)


def _policy(chosen: Chosen) -> PolicyRules | None:
    if not any(chosen.place_of(name) for name in _OF_POLICY):
        return None
    from pipx_parallel.config.policy_values import policy_rules  # most locks have no policy, and do not load it

    return policy_rules(chosen)


def _index(index: IndexSettings, chosen: Chosen) -> IndexSettings:
    routes = [
        (normalize_name(name.strip()), url)
        for name, _, url in (text.partition("=") for text in chosen.texts("sources"))
    ]
    if index.no_index:
        index = index._replace(index_url=None, extra_index_urls=())
    return index._replace(routes=tuple(routes))


_OF_POLICY = ("uploaded_prior_to", "uploaded_prior_to_package", *(option.dest for option in POLICY))
_RECORDS: Mapping[str, Any] = {
    "indexes": IndexSettings,
    "network": NetworkSettings,
    "mirror": MirrorAccess,
    "selection": SelectionSettings,
    "builds": BuildSettings,
    "target": TargetSettings,
}
_FIELDS = {name: frozenset(record._fields) for name, record in _RECORDS.items()}
