"""Choose the next package to decide: direct packages first, in the order written; then the others, by conflict activity.

The dependencies of a release are loaded before it is chosen, so a release whose dependencies cannot be satisfied is excluded
without a decision. After such a rejection its neighbours are loaded too, in growing batches: releases with the same
dependency are excluded together.
"""

from __future__ import annotations

from typing import TYPE_CHECKING

from pipx_parallel.resolver.dependency_table import ON
from pipx_parallel.resolver.fact_loader import load_dependencies
from pipx_parallel.resolver.interpolation import interpolate, probes
from pipx_parallel.resolver.ports import ABSENT
from pipx_parallel.resolver.soft_constraints import inherit, inherit_all
from pipx_parallel.resolver.state import NOTHING

if TYPE_CHECKING:
    from pipx_parallel.resolver.state import SearchState

FIRST_BATCH = 4
LARGEST_BATCH = 256
CLOSE_LOOKS = 2  # rejections after which the releases of a long history are sampled (see ``interpolation``)


def step(state: SearchState) -> bool:
    """Load the dependencies of a release or decide a package; return False if every package is decided."""
    if state.wanted:
        _hint(state)
    if state.bound is not None and state.bound.exceeded():
        return True
    decision_queue, current = state.decision_queue, state.trail.current
    while state.pointer < len(decision_queue):
        package = decision_queue[state.pointer]
        mask = current[package]
        if not mask & ABSENT and _work_on(state, package, mask):
            return True
        state.pointer += 1
    return inherit_all(state) or (state.bound is not None and state.bound.leave_out())


def reorder(state: SearchState) -> None:
    """Sort the indirect packages by conflict activity; ties in order of discovery."""
    direct = len(state.direct)
    activity = state.activity
    rest = sorted(state.decision_queue[direct:], key=lambda package: (-activity[package], package))
    state.decision_queue[direct:] = rest
    for index, package in enumerate(rest, direct):
        state.queue_index[package] = index
    state.pointer = 0


def _work_on(state: SearchState, package: int, mask: int) -> bool:
    """Do the next step for a required package; return False if there is none."""
    base = state.base[package]
    if base != NOTHING:
        release = state.trail.current[base]
        return not release & (release - 1) and _load_extra(state, base, release, package)
    if not mask & (mask - 1):
        return _load_chosen(state, package, mask)
    bit = state.source.choose(state.names[package], mask)
    if inherit(state, package, bit):
        return True
    _count_rejection(state, package, bit)
    if bit not in state.dependencies[package]:
        _load(state, package, bit, mask)
        return True
    release = 1 << bit
    for switch in state.switches[package]:
        if state.trail.current[switch] == ON and _load_extra(state, package, release, switch):
            return True
    state.decisions += 1
    state.trail.open_level()
    state.narrow(package, release, None)
    state.observer.decided(state.names[package], bit)
    return True


def _load_chosen(state: SearchState, package: int, release: int) -> bool:
    """Load what is not loaded yet of the only release that a package can have."""
    bit = release.bit_length() - 1
    if bit not in state.dependencies[package]:
        if inherit(state, package, bit):
            return True
        _count_rejection(state, package, bit)
        _load(state, package, bit, release)
        return True
    return any(
        state.trail.current[switch] == ON and _load_extra(state, package, release, switch)
        for switch in state.switches[package]
    )


def _load_extra(state: SearchState, base: int, release: int, switch: int) -> bool:
    bit = release.bit_length() - 1
    if release & ABSENT or bit in state.dependencies[switch]:
        return False
    load_dependencies(state, base, [bit], switch)
    return True


def _count_rejection(state: SearchState, package: int, bit: int) -> None:
    if state.tried[package] not in (NOTHING, bit):
        state.rejections[package] += 1
    state.tried[package] = bit


def _load(state: SearchState, package: int, bit: int, mask: int) -> None:
    """Load the dependencies of a release and, after rejections, of more releases that may be tried next."""
    far: list[int] = []
    if state.rejections[package] > CLOSE_LOOKS:
        far = probes(state, package, bit, mask | _behind(state, package, bit))
    load_dependencies(state, package, far or _batch(state, package, bit, mask))
    if far:
        for switch in state.switches[package]:
            if state.trail.current[switch] == ON:
                load_dependencies(state, package, [it for it in far if it not in state.dependencies[switch]], switch)
        interpolate(state, package)


def _batch(state: SearchState, package: int, bit: int, mask: int) -> list[int]:
    """Return the releases to load: ``bit``, and after rejections more releases that may be tried next."""
    rejections = state.rejections[package]
    if not rejections:
        return [bit]
    size = min(FIRST_BATCH << rejections - 1, LARGEST_BATCH)
    loaded = state.dependencies[package]
    name, choose = state.names[package], state.source.choose
    batch = [bit]
    pools = [mask & ~(1 << bit)]
    if rejections > 1:  # the bound that allows only these releases may be dropped next: load those behind it as well
        pools.append(_behind(state, package, bit) & ~mask)
    for pool in pools:
        rest = pool
        while rest and len(batch) < size:
            nearest = choose(name, rest)
            rest &= ~(1 << nearest)
            if nearest not in loaded:
                batch.append(nearest)
    return batch


def _behind(state: SearchState, package: int, bit: int) -> int:
    """Return the releases less preferred than ``bit`` that are not excluded at level 0."""
    certain = state.trail.at_level(package, 0) & ~ABSENT
    below = certain & ((1 << bit) - 1)
    above = certain & ~((2 << bit) - 1)
    if not below or not above:
        return below
    nearest = (above & -above) | (1 << below.bit_length() - 1)
    prefers_newer = state.source.choose(state.names[package], nearest) >= bit
    return below if prefers_newer else above


def _hint(state: SearchState) -> None:
    """Announce the releases that will be loaded next, so that the source can fetch them in parallel."""
    for package in state.wanted:
        mask = state.trail.current[package]
        if state.hinted[package] or state.base[package] != NOTHING or mask & ABSENT:
            continue
        state.hinted[package] = True
        bit = state.source.choose(state.names[package], mask)
        if bit not in state.dependencies[package]:
            state.source.prepare_dependencies(state.names[package], [bit])
    state.wanted.clear()
