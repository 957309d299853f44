"""``audit``: which advisories of the mirror concern the pins of locks."""

from __future__ import annotations

import json
from typing import TYPE_CHECKING

from pipx_parallel.cli import VIOLATED
from pipx_parallel.cli.context import begin
from pipx_parallel.cli.output import show, show_json
from pipx_parallel.cli.request import settings_of
from pipx_parallel.config.option import POLICY, Argument, Option, format_option, rare
from pipx_parallel.config.options import BUILDS, INDEX, MIRROR, NETWORK, OUTPUT, SELECTION, TARGET
from pipx_parallel.errors import UsageError
from pipx_parallel.version import VERSION

if TYPE_CHECKING:
    from collections.abc import Mapping, Sequence

    from pipx_parallel.locks.audit import Vulnerability
    from pipx_parallel.locks.lock_reader import Lock
    from pipx_parallel.locks.paint import Paint

FORMAT = format_option("text", "json", "sarif", "cyclonedx")
FIX = Option(("--fix",), "Solve the lock again without them, and show what moves; -o writes it.", "flag")
_NAME_A_LOCK = "name a pylock.toml or a locked requirements file"
OPTIONS = (FORMAT, FIX, OUTPUT[0], *MIRROR, *POLICY, *rare(*INDEX, *NETWORK, *SELECTION, *BUILDS, *TARGET))
ARGUMENTS = (Argument("locks", "LOCK", many=True),)


def run(values: Mapping[str, object]) -> int:
    """Show the advisories that concern the pins of LOCKs (pylock.toml, requirements, JSON reports, uv.lock). Needs no network.

    Without a LOCK, pylock.toml of this folder is read. The advisories are those that `mirror advisories update` stored; withdrawn
    ones do not count. Exit code 7 if any concerns a pin.

    --fix solves one lock again with the fewest moved pins, and shows what moves; -o FILE writes the result. What cannot be fixed
    stays, and the exit code is 7; if only the policy hides a fix, the exception that admits exactly it is named.
    """
    from pipx_parallel.cli.auditing import audited  # here and below: only what this command needs
    from pipx_parallel.locks.audit import render_json, render_sarif, render_text

    given = values.get("locks") or ("pylock.toml",)
    paths = given if isinstance(given, tuple) else (str(given),)
    context = begin(values, OPTIONS)
    locks = [(str(path), _lock(str(path))) for path in paths]
    vulnerabilities = audited(locks, settings_of(context))
    if context.chosen.flag("fix"):
        return _fix(locks, vulnerabilities, values, context.paint)
    match context.chosen.text("format"):
        case "json":
            show_json(render_json(vulnerabilities))
        case "cyclonedx":
            from pipx_parallel.emitters.vex import render_vex

            show(render_vex(vulnerabilities))
        case "sarif":
            show_json(render_sarif(vulnerabilities, VERSION))
        case _:
            show(render_text(vulnerabilities, context.paint))
    return VIOLATED if vulnerabilities else 0


def _fix(
    locks: Sequence[tuple[str, Lock]],
    vulnerabilities: Sequence[Vulnerability],
    values: Mapping[str, object],
    paint: Paint,
) -> int:
    from pipx_parallel.cli.auditing import fixed, render_fix, render_fix_json  # as above

    if len(locks) != 1:
        raise UsageError("--fix takes one LOCK")
    if values.get("format") not in {None, "text", "json"}:
        raise UsageError("--fix writes text or JSON: --format text, --format json")
    path = locks[0][0]
    if not vulnerabilities:
        show("no advisories concern these pins\n")
        return 0
    given = {name: value for name, value in values.items() if value and name not in {"locks", "fix", "format"}}
    result = fixed(path, _text(path), vulnerabilities, given)
    if values.get("format") == "json":
        show(json.dumps(render_fix_json(result), indent=2) + "\n")
    else:
        show(render_fix(result, paint))
    return VIOLATED if result.left else 0


def _lock(path: str) -> Lock:
    from pipx_parallel.locks.lock_reader import read_lock  # as above

    return read_lock(_text(path), path)


def _text(path: str) -> str:
    try:
        with open(path, encoding="utf-8") as file:
            return file.read()
    except FileNotFoundError:
        from pipx_parallel.requirements.files import FileReader  # here and below: only on the way to an error
        from pipx_parallel.requirements.wrong_files import meant

        raise UsageError(f"{path}: file not found", meant(path, FileReader().beside(path)) or _NAME_A_LOCK) from None
    except (OSError, UnicodeDecodeError) as error:
        raise UsageError(f"{path}: cannot be read as a lock ({error})", _NAME_A_LOCK) from None
