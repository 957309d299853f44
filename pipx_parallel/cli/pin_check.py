"""What has become of the pins of existing locks, and which the policy refuses: for ``lock --check`` and for kept pins."""

from __future__ import annotations

from typing import TYPE_CHECKING

from pipx_parallel.cli.notices import allowed_conditions
from pipx_parallel.emitters.plain_text import one_line
from pipx_parallel.errors import PolicyViolated, RequirementsError
from pipx_parallel.locks.lock_reader import read_lock
from pipx_parallel.locks.own_pylock import read_packages

if TYPE_CHECKING:
    from collections.abc import Callable, Sequence

    from mirror.session.mirror import Mirror
    from pipx_parallel.cli.changes import Before
    from pipx_parallel.cli.request import LockRequest
    from pipx_parallel.locks.lock_reader import LockedPackage
    from pipx_parallel.resolution.locked_pins import LockedPins

_REMEDY = "lock again without --check to replace what the policy refuses"


def tell_unresolved(request: LockRequest, before: Before) -> bool:
    """Tell of the pins of fresh locks what the mirror knows, without the network.

    Returns:
        Whether that is enough: False if there is a policy, and the mirror lacks what it asks for.

    Raises:
        PolicyViolated: The policy refuses pins.
    """
    from mirror.session.open_store import is_new  # here and below: what a check of anything else does not need

    settings = request.settings
    if is_new(settings.mirror.location):  # a checkout that never locked: nothing is known of the pins
        return not settings.has_policy
    from pipx_parallel.cli.mirror_opening import opened
    from pipx_parallel.resolution.locked_pins import state_of

    settings = settings._replace(mirror=settings.mirror._replace(offline=True, refresh=False))
    with opened(settings, request.context.progress) as mirror:
        state = state_of(_packages(before, sealed=True), mirror, settings)
    if state.unknown and settings.has_policy:
        return False
    allowed = allowed_conditions(request)
    for name, version, condition in state.conditions:
        if condition.kind.value not in allowed:
            request.context.printer.warn(one_line(f"{name} {version} {condition.text}"))
    _refuse(request, state)
    if request.context.chosen.text("diff_format") == "json":
        _show(state)
    return True


def inspector(request: LockRequest, before: Before, *, checks: bool) -> Callable[[Mirror], None]:
    """Return what looks at the pins of existing locks once their projects are known.

    With ``checks`` it raises ``PolicyViolated``, else it warns of each pin that the policy refuses.
    """

    def inspect(mirror: Mirror) -> None:
        from pipx_parallel.resolution.locked_pins import state_of  # only with a policy

        state = state_of(_packages(before), mirror, request.settings)
        if checks:
            _refuse(request, state)
        for pin in state.refused:
            request.context.printer.warn(one_line(f"the lock has {pin.name} {pin.version}, which {pin.reason}"))

    return inspect


def _refuse(request: LockRequest, state: LockedPins) -> None:
    """Raise ``PolicyViolated`` if the policy refuses pins; with ``--diff-format json`` they are on standard output, too."""
    if not state.refused:
        return
    if request.context.chosen.text("diff_format") == "json":
        _show(state)
    lines = [one_line(f"{pin.name} {pin.version} {pin.reason}; to admit it: {pin.remedy}") for pin in state.refused]
    raise PolicyViolated([*lines, _REMEDY], _rows(state))


def _show(state: LockedPins) -> None:
    from pipx_parallel.cli.output import show_json  # here and below: this format's own
    from pipx_parallel.locks.lock_diff import render_json

    show_json({**render_json((), state.conditions), "violations": _rows(state)})


def _rows(state: LockedPins) -> list[dict[str, object]]:
    return [{**pin._asdict(), "remedy": pin.remedy} for pin in state.refused]


def _packages(before: Before, *, sealed: bool = False) -> Sequence[LockedPackage]:
    """Return the entries of locks; ``sealed``: they are as this tool wrote them."""
    packages: list[LockedPackage] = []
    for name, text in before.items():
        if sealed and text is not None and text.startswith("lock-version = "):
            packages += read_packages(text)
            continue
        try:
            packages += read_lock(text or "", name).packages
        except RequirementsError:
            continue  # no lock: it has no pins, and that is said where it is replaced
    return packages
