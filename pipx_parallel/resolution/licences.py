"""The licences of pins, and what a policy says of them.

A licence selects no release: an older one would be installed for its licence alone, after reading the metadata of every newer one.
The answer is refused instead, with the path to what is refused.
"""

from __future__ import annotations

from typing import TYPE_CHECKING

from mirror.records.model import FetchFailure
from mirror.records.version_keys import version_key
from pipx_parallel.errors import NoSolution
from pipx_parallel.locks.tree import chains

if TYPE_CHECKING:
    from collections.abc import Iterator, Sequence

    from mirror.policy.decide import Admission
    from mirror.policy.rules import PolicyRules
    from mirror.records.project import Project
    from mirror.session.mirror import Mirror
    from pipx_parallel.model import Pin, Resolution


def with_licences(resolutions: Sequence[Resolution], mirror: Mirror) -> tuple[Resolution, ...]:
    """Return the resolutions with the licence of each pin whose project is available; METADATA that the mirror lacks is fetched."""
    rows: dict[tuple[str, str], tuple[Project, int]] = {}
    for pin in [pin for resolution in resolutions for pin in resolution.pins if pin.url is None]:
        project = mirror.peek(pin.name)
        if project is not None and not isinstance(project, FetchFailure):
            release = project.view.index_of(version_key(pin.version) or "")
            if release is not None:
                rows[pin.name, pin.version] = (project, release)
    licences = dict(zip(rows, mirror.records.licences(list(rows.values())), strict=True))

    def licensed(pin: Pin) -> Pin:
        return pin._replace(licence=licences.get((pin.name, pin.version), pin.stated_licence or pin.licence))

    return tuple([resolution.with_pins(licensed) for resolution in resolutions])


def refuse_licences(resolutions: Sequence[Resolution], rules: PolicyRules, now: float) -> None:
    """Raise ``NoSolution`` if the policy refuses the licence of a pin; direct references are the user's own choice."""
    lines = dict.fromkeys(line for resolution in resolutions for line in _refusals(resolution, rules, now))
    if lines:
        raise NoSolution(tuple(lines))


def _refusals(resolution: Resolution, rules: PolicyRules, now: float) -> Iterator[str]:
    for pin in resolution.pins:
        if pin.url is not None:
            continue
        refusal = licence_refusal(pin.name, pin.version, pin.licence, rules, now)
        if refusal is not None:
            yield f"{pin.name} {pin.version} {refusal.words}"
            yield from [f"  {chain}" for chain in chains(resolution, pin.name)]
            yield f'  to admit it: --policy-exception "{pin.name}=={pin.version} licences"'


def licence_refusal(name: str, version: str, licence: str | None, rules: PolicyRules, now: float) -> Admission | None:
    """Return why the policy refuses the licence of a release (None: not known); None if it does not."""
    from mirror.policy.decide import FileFacts, ProjectFacts, ProjectPolicy, ReleaseFacts  # only with a policy
    from mirror.policy.rules import PolicyRules  # as above

    of_licences = PolicyRules(
        allowed_licences=rules.allowed_licences,
        denied_licences=rules.denied_licences,
        unknown_licences=rules.unknown_licences,
        exceptions=rules.exceptions,
    )
    policy = ProjectPolicy(of_licences, ProjectFacts(name), now)
    admission = policy.decide(ReleaseFacts(version, licence=licence), FileFacts())
    return None if admission.admitted else admission
