"""What of the inputs and of the existing pins concerns one set of extras and groups that can be installed together."""

from __future__ import annotations

from typing import TYPE_CHECKING

from pipx_parallel.errors import UsageError
from pipx_parallel.locks.parts import DEFAULT_GROUP, base_group, conflicting, forks_of
from pipx_parallel.locks.selection import decided
from pipx_parallel.model import Part, Parts
from pipx_parallel.resolution.shared_choices import SharedChoices

if TYPE_CHECKING:
    from collections.abc import Sequence

    from pipx_parallel.locks.parts import Fork
    from pipx_parallel.model import Inputs, KeptPin
    from pipx_parallel.resolution.target_search import SearchContext

MOST_FORKS = 64
_VARIABLES = ("extras", "dependency_groups")


def contexts_of(context: SearchContext) -> dict[Fork, SearchContext]:
    """Return what to search for each set of conflicting parts that can be installed together, the empty one first.

    Raises ``UsageError`` if there are too many.
    """
    parts, selection = context.inputs.parts, context.settings.selection
    forks = forks_of(parts)
    if len(forks) > MOST_FORKS:
        problem = f"the conflicts allow {len(forks)} different sets of extras and groups"
        raise UsageError(problem, f"lock fewer of them at once (at most {MOST_FORKS} sets)")
    shared = SharedChoices() if len(forks) > 1 else None
    contexts = {}
    for fork in forks:
        pins = _pins_of(selection.preferred_by_marker, parts or Parts(), fork)
        settings = context.settings._replace(selection=selection._replace(preferred_by_marker=pins))
        contexts[fork] = context._replace(inputs=inputs_of(context.inputs, fork), settings=settings, shared=shared)
    return contexts


def inputs_of(inputs: Inputs, fork: Fork) -> Inputs:
    """Return the inputs without the parts that are not in a fork."""
    if inputs.parts is None:
        return inputs
    absent = _absent(inputs.parts, fork)
    roots = tuple(root for root in inputs.roots if root.origin.part not in absent)
    return inputs._replace(roots=roots)


def _pins_of(pins: Sequence[KeptPin], parts: Parts, fork: Fork) -> tuple[KeptPin, ...]:
    """Return the pins of an existing lock; what their markers say of extras and groups is decided for a fork."""
    if not any(variable in (pin.marker or "") for pin in pins for variable in _VARIABLES):
        return tuple(pins)
    absent = _absent(parts, fork)
    groups = [name for name in parts.groups if Part("group", name) not in absent]
    groups.append(base_group(parts) or DEFAULT_GROUP)
    extras = [name for name in parts.extras if Part("extra", name) not in absent]
    return tuple(pin._replace(marker=decided(pin.marker, extras, groups)) if pin.marker else pin for pin in pins)


def _absent(parts: Parts, fork: Fork) -> set[Part]:
    return set(conflicting(parts)) - set(fork)
