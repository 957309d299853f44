"""``inspect``: what was understood of the input."""

from __future__ import annotations

import json
from typing import TYPE_CHECKING

from pipx_parallel.cli import locks
from pipx_parallel.cli.context import begin
from pipx_parallel.cli.output import show
from pipx_parallel.cli.request import pip_settings, read_request
from pipx_parallel.config.layers import several
from pipx_parallel.config.option import Option
from pipx_parallel.config.options import CHOICE, INDEX, INPUT, INPUT_FILE, NETWORK, SOURCES, TARGET
from pipx_parallel.requirements.urls import mask_secrets

if TYPE_CHECKING:
    from collections.abc import Iterator, Mapping

    from pipx_parallel.cli.request import LockRequest
    from pipx_parallel.config.layers import Chosen

FORMAT = Option(("--format",), "Format of standard output.", metavar="FORMAT", choices=("text", "json"))
OPTIONS = (FORMAT, *INPUT, INPUT_FILE, *INDEX, *NETWORK, *CHOICE, *TARGET)
ARGUMENTS = (SOURCES,)


def run(values: Mapping[str, object]) -> int:
    """Show how the SOURCES are read: every requirement, option and target, with file and line.

    No network is used. Secrets are masked.
    """
    from pipx_parallel.requirements.describe import describe  # this command's own

    context = begin(values, OPTIONS)
    request = read_request(context)
    facts = describe(request.inputs)
    facts["settings"] = dict(locks.context_of(request).settings)
    facts["indexes"] = _indexes(request)
    facts["targets"] = [
        {
            "label": target.label,
            "python": target.python_full_version,
            "markers": dict(target.markers),
            "tags": len(target.tags),
            "origin": _target_origin(context.chosen),
        }
        for target in request.targets
    ]
    if context.chosen.text("format") == "json":
        show(json.dumps(facts, indent=2) + "\n")
    else:
        show("\n".join(text_lines(facts)) + "\n")
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
        yield from (f"  {_told(one)}" for one in value)


def _told(one: object) -> str:
    if not isinstance(one, dict):
        return str(one)
    called = one.get("url") or one.get("path") or one["label"]
    return f"{called}  {one['origin']}" if "origin" in one else str(called)


def _target_origin(chosen: Chosen) -> str:
    """Return what a target was made of: how the options are called, where they were given, that describe it."""
    given = [name for name in ("python_version", "platform", "implementation", "abi") if chosen.texts(name)]
    return ", ".join(chosen.called(name) for name in given) or "the running Python"


def _indexes(request: LockRequest) -> list[dict[str, str]]:
    """Return every place that will be looked in, in order, without secrets, and where it was written."""
    settings = request.settings
    index = settings.indexes
    rows = [("index_url", index.index_url or ""), *[("extra_index_url", url) for url in index.extra_index_urls]]
    rows += [("find_links", location) for location in index.find_links]
    found: dict[str, str] = {}
    for name, value in rows:
        if value:
            found.setdefault(mask_secrets(value), _origin(request, name, value))
    return [{"url": url, "origin": origin} for url, origin in found.items()]


def _origin(request: LockRequest, name: str, value: str) -> str:
    """Return where an index was written: a flag, a variable, a file with its line as far as it is known."""
    chosen = request.context.chosen
    layer = next((one for one in chosen.layers if value in several(one.values.get(name))), None)
    if layer is None:
        pip = pip_settings()
        return str(pip.origins.get(name)) if value in pip.texts(name) else "pip's default"
    option = f"--{name.replace('_', '-')}"
    if layer.place == "input":
        lines = [one.origin for one in request.inputs.written if one.name == option and one.value == value]
        return str(lines[0]) if lines else "an input file"
    return {"environment": f"PIPX_PARALLEL_{name.upper()}", "project": layer.path}.get(layer.place, option)
