"""``why-not``: what would have to change for a project to be at another release, or why it cannot be."""

from __future__ import annotations

import json
from typing import TYPE_CHECKING

from pipx_parallel.cli import DONE, NO_SOLUTION
from pipx_parallel.cli.context import begin
from pipx_parallel.cli.output import show
from pipx_parallel.cli.request import read_request
from pipx_parallel.cli.session import resolved, resolving
from pipx_parallel.cli.shown_lock import refuse_version
from pipx_parallel.config.option import Argument, format_option
from pipx_parallel.config.options import INPUT_FILE, RESOLVE, SOURCES
from pipx_parallel.errors import NoSolution, Suggestions, UsageError
from pipx_parallel.model import Origin

if TYPE_CHECKING:
    from collections.abc import Mapping

    from pipx_parallel.locks.lock_diff import PinChange
    from pipx_parallel.locks.paint import Paint
    from pipx_parallel.model import Resolution, RootRequirement

FORMAT = format_option("text", "json")
OPTIONS = (FORMAT, INPUT_FILE, *RESOLVE)
ARGUMENTS = (Argument("wanted", "REQUIREMENT"), SOURCES)
_ORIGIN = "the command line"


def run(values: Mapping[str, object]) -> int:
    """Resolve the SOURCES with REQUIREMENT ("NAME>=X") added, and show what changes, or why it is not possible.

    Other pins change only if they must. Nothing is written. The exit code is 1 if it is not possible.
    """
    context = begin(values, OPTIONS)
    refuse_version(str(values["wanted"]), context.sources)
    wanted = _wanted(str(values["wanted"]))
    request = read_request(context)
    before = resolved(request)
    pins = {pin.name: pin.version for resolution in before for pin in resolution.pins}
    with_it = request._replace(
        inputs=request.inputs._replace(roots=(wanted, *request.inputs.roots)),
        settings=request.settings._replace(selection=request.settings.selection._replace(preferred=pins)),
    )
    as_json = context.chosen.text("format") == "json"
    paint = context.paint
    context.progress.explains = False  # this command prints the explanation itself
    try:
        with resolving(with_it) as after:
            rows = [row for old, new in zip(before, after, strict=True) for row in _changes(old, new)]
    except NoSolution as error:
        own = f"--override {wanted.name}"
        offers = [offer for offer in error.suggestions if offer.origin != _ORIGIN and not offer.after.startswith(own)]
        error = NoSolution(error.explanation, Suggestions(tuple(offers)), error.facts)
        show(
            _result_text(error.to_json(), possible=False)
            if as_json
            else f"{wanted.text} is not possible:\n{_indented(_explained(error, paint))}"
        )
        return NO_SOLUTION
    show(_report(wanted, rows, None if as_json else paint))
    return DONE


def _explained(error: NoSolution, paint: Paint) -> str:
    hints = [f"{paint('hint', 'hint:')} {offer}" for offer in error.suggestions]
    return "\n".join((*error.explanation, *hints, *([error.note] if error.note else ())))


def _wanted(text: str) -> RootRequirement:
    from pipx_parallel.requirements.files import FileReader  # this command's own
    from pipx_parallel.requirements.requirement_lines import parse_text  # as above

    root = parse_text(text, Origin(_ORIGIN), FileReader())
    if root.url is not None or not root.name:
        raise UsageError(f"why-not: {text!r} names no release", 'write it as "name>=2"')
    return root


def _changes(before: Resolution, after: Resolution) -> tuple[PinChange, ...]:
    from pipx_parallel.locks.lock_diff import compare, facts_of  # this command's own
    from pipx_parallel.locks.lock_reader import Lock, LockedPackage  # as above

    old, new = (
        Lock("json", tuple(LockedPackage(pin.name, pin.version) for pin in resolution.pins))
        for resolution in (before, after)
    )
    rows = {
        name: facts._replace(required_by=tuple([row for row in facts.required_by if row != _ORIGIN]))
        for name, facts in facts_of(after).items()
    }
    return compare(old, new, rows)


def _report(wanted: RootRequirement, rows: list[PinChange], paint: Paint | None) -> str:
    """Return the changes as text, or as JSON if nothing paints it."""
    from pipx_parallel.locks.lock_diff import render_json, render_text  # this command's own

    if paint is None:
        return _result_text(render_json(rows), possible=True)
    if not rows:
        return f"{wanted.text} is already satisfied\n"
    return f"{wanted.text} is possible; changes:\n{_indented(render_text(rows, paint))}"


def _result_text(fields: Mapping[str, object], *, possible: bool) -> str:
    return json.dumps({"possible": possible, **fields}, indent=2) + "\n"


def _indented(text: str) -> str:
    return "".join(f"  {line}\n" for line in text.splitlines())
