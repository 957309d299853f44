"""``inspect``: how the input is read."""

from __future__ import annotations

from typing import TYPE_CHECKING

from pipx_parallel.cli import locks
from pipx_parallel.cli.context import begin
from pipx_parallel.cli.output import show, show_json
from pipx_parallel.cli.request import pip_settings, read_request
from pipx_parallel.config.layers import several
from pipx_parallel.config.option import format_option
from pipx_parallel.config.options import CHOICE, INDEX, INPUT, INPUT_FILE, NETWORK, SOURCES, TARGET
from pipx_parallel.requirements.urls import mask_secrets

if TYPE_CHECKING:
    from collections.abc import Iterator, Mapping

    from pipx_parallel.cli.request import LockRequest
    from pipx_parallel.config.layers import Chosen

FORMAT = format_option("text", "json")
OPTIONS = (FORMAT, *INPUT, INPUT_FILE, *INDEX, *NETWORK, *CHOICE, *TARGET)
ARGUMENTS = (SOURCES,)


def run(values: Mapping[str, object]) -> int:
    """Show how the SOURCES are read: every requirement, option and target, with file and line.

    No network is used. Secrets are masked.
    """
    from pipx_parallel.requirements.describe import describe  # only for this command

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
        show_json(facts)
    else:
        show("\n".join(text_lines(facts)) + "\n")
    return 0


def text_lines(facts: Mapping[str, object]) -> Iterator[str]:
    """Yield the facts for a person: requirements with their origins first, then everything else that is not empty."""
    for title in ("roots", "constraints", "overrides"):
        rows = facts[title]
        if isinstance(rows, list) and rows:
            yield f"{title}:"
            width = max(len(root["text"]) for root in rows)
            yield from (f"  {root['text'].ljust(width)}  {root['origin']}" for root in rows)
    written = facts["written"]
    if isinstance(written, list) and written:
        yield "options:"
        yield from (f"  {option['option']} {option['value']}  {option['origin']}" for option in written)
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
        yield from (f"  {name}: {item}" for name, item in value.items())
    elif isinstance(value, list):
        yield from (f"  {_row_text(item)}" for item in value)


def _row_text(row: object) -> str:
    if not isinstance(row, dict):
        return str(row)
    called = row.get("url") or row.get("path") or row["label"]
    return f"{called}  {row['origin']}" if "origin" in row else str(called)


def _target_origin(chosen: Chosen) -> str:
    """Return the options that describe the target, as their sources name them."""
    given = [name for name in ("python_version", "platform", "implementation", "abi") if chosen.texts(name)]
    return ", ".join(chosen.called(name) for name in given) or "the running Python"


def _indexes(request: LockRequest) -> list[dict[str, str]]:
    """Return every index and find-links location in order, without secrets, with its origin."""
    settings = request.settings
    index = settings.indexes
    rows = [("index_url", index.index_url or ""), *[("extra_index_url", url) for url in index.extra_index_urls]]
    rows += [("find_links", location) for location in index.find_links]
    origins: dict[str, str] = {}
    for name, value in rows:
        if value:
            origins.setdefault(mask_secrets(value), _origin(request, name, value))
    return [{"url": url, "origin": origin} for url, origin in origins.items()]


def _origin(request: LockRequest, name: str, value: str) -> str:
    """Return the origin of an index: a flag, a variable, or a file with its line if available."""
    chosen = request.context.chosen
    layer = next((layer for layer in chosen.layers if value in several(layer.values.get(name))), None)
    if layer is None:
        pip = pip_settings()
        return str(pip.origins.get(name)) if value in pip.texts(name) else "pip's default"
    option = f"--{name.replace('_', '-')}"
    if layer.source == "input":
        lines = [line.origin for line in request.inputs.written if line.name == option and line.value == value]
        return str(lines[0]) if lines else "an input file"
    return {"environment": f"PIPX_PARALLEL_{name.upper()}", "project": layer.path}.get(layer.source, option)
