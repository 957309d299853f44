"""The policy of a command, as what filters the files of projects."""

from __future__ import annotations

import time
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from collections.abc import Callable

    from mirror.policy.page_filter import PageFilter
    from mirror.policy.rules import PolicyRules
    from mirror.policy.upload_times import UploadTimes
    from mirror.ports import Store
    from pipx_parallel.config.settings import ResolveSettings


def governed(settings: ResolveSettings, store: Store) -> Store:
    """Return a store that shows what the settings' policy admits of another; the same store if nothing is restricted."""
    page_filter = page_filter_of(settings, store)
    if page_filter is None:
        return store
    from mirror.exchange.policy_store import PolicyStore  # only with a policy

    return PolicyStore(store, page_filter, time.time)


def page_filter_of(settings: ResolveSettings, store: Store | None = None) -> PageFilter | None:
    """Return the filter of the settings' policy, formats included; None if nothing is restricted.

    ``store`` has the advisories; None: there are none.
    """
    rules, selection = settings.policy, settings.selection
    if rules is None and not selection.only_binary:
        return None
    from mirror.policy.page_filter import PageFilter  # only with a policy
    from mirror.policy.rules import PolicyRules  # as above

    rules = rules or PolicyRules()
    rules = rules._replace(only_binary=selection.only_binary, no_binary=selection.no_binary)
    if store is None:
        return PageFilter(rules)
    from mirror.policy.stored_knowledge import StoredKnowledge  # as above

    def read(key: str) -> bytes | None:
        return store.get_many((key,)).get(key)

    return PageFilter(rules, StoredKnowledge(read, _times(settings, rules, read)))


def _times(settings: ResolveSettings, rules: PolicyRules, read: Callable[[str], bytes | None]) -> UploadTimes | None:
    """Return the upload times of files whose index states none; None if no rule reads them, or nothing can know them."""
    if not rules.reads_times:
        return None
    from pipx_parallel.config.mirror_location import mirror_settings  # as above

    indexes = mirror_settings(settings)
    if not rules.first_seen and len(indexes.indexes) < 2:
        return None
    from mirror.policy.upload_times import stored_times  # few indexes state no upload times

    return stored_times(read, indexes.indexes_of, first_seen=rules.first_seen)
