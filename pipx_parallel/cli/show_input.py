"""``inspect``: what was understood of the input."""

from __future__ import annotations

import json
from typing import TYPE_CHECKING

from pipx_parallel.cli import job, locks
from pipx_parallel.cli.options import CHOICE, INDEX, INPUT, INPUT_FILE, SOURCES, TARGET, Option

if TYPE_CHECKING:
    from collections.abc import Iterator, Mapping

FORMAT = Option(("--format",), "What is written to stdout.", metavar="FORMAT", choices=("text", "json"))
OPTIONS = (FORMAT, *INPUT, INPUT_FILE, *INDEX, *CHOICE, *TARGET)
ARGUMENTS = (SOURCES,)


def run(values: Mapping[str, object]) -> int:
    """Show what is understood of the SOURCES: every requirement, option and target, and where it was written.

    No network is asked. Secrets are masked.
    """
    from pipx_parallel.requirements.describe import describe  # this command's own

    stage = job.begin(values, OPTIONS)
    work = job.read(stage)
    facts = describe(work.inputs)
    facts["settings"] = dict(locks.context_of(work).settings)
    facts["indexes"] = job.indexes_shown(work)
    facts["targets"] = [
        {
            "label": target.label,
            "python": target.python_full_version,
            "markers": dict(target.markers),
            "tags": len(target.tags),
        }
        for target in work.targets
    ]
    if stage.chosen.text("format") == "json":
        job.show(json.dumps(facts, indent=2) + "\n")
    else:
        job.show("\n".join(text_lines(facts)) + "\n")
    return 0


def text_lines(facts: Mapping[str, object]) -> Iterator[str]:
    """Yield the facts for a person: requirements with their origins first, then everything else that is not empty."""
    for title in ("roots", "constraints", "overrides"):
        found = facts[title]
        if isinstance(found, list) and found:
            yield f"{title}:"
            width = max(len(root["text"]) for root in found)
            yield from (f"  {root['text'].ljust(width)}  {root['origin']}" for root in found)
    written = facts["written"]
    if isinstance(written, list) and written:
        yield "options:"
        yield from (f"  {one['option']} {one['value']}  {one['origin']}" for one in written)
    for title in ("excludes", "settings", "indexes", "requires-python", "files", "targets"):
        yield from _section(title, facts[title])


def _section(title: str, value: object) -> Iterator[str]:
    if not value:
        return
    if isinstance(value, str):
        yield f"{title}: {value}"
        return
    yield f"{title}:"
    if isinstance(value, dict):
        yield from (f"  {name}: {one}" for name, one in value.items())
    elif isinstance(value, list):
        yield from (f"  {one.get('path') or one['label'] if isinstance(one, dict) else one}" for one in value)
