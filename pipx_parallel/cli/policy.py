"""The policy of a command, as what filters the files of projects."""

from __future__ import annotations

import time
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from mirror.policy.page_filter import PageFilter
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

    return PageFilter(rules, StoredKnowledge(lambda key: store.get_many((key,)).get(key)))
