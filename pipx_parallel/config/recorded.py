"""What a lock records of the options it was made with."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from pipx_parallel.config.options import FILE_OPTIONS, OPTIONS
from pipx_parallel.model import IndexOptions

if TYPE_CHECKING:
    from pipx_parallel.config.layers import Chosen
    from pipx_parallel.config.option import Option
    from pipx_parallel.config.settings import ResolveSettings


def index_options(chosen: Chosen, settings: ResolveSettings) -> IndexOptions:
    """Return the options a requirements file repeats, so far as ``chosen`` gives them.

    Leave pip's own settings out of ``chosen``: who installs has settings of their own, and an index URL that nobody asked for
    does not belong in a lock. What the settings of pip select (formats, pre-releases) is recorded.
    """
    values: dict[str, Any] = {}
    for option in FILE_OPTIONS:
        record, _, field = option.setting.partition(".")
        if field not in IndexOptions._fields:
            continue
        if record == "selection":
            values[field] = getattr(settings.selection, field, False)
        elif record == "pip":
            continue
        elif option.multiple:
            values[field] = chosen.texts(option.dest)
        elif option.kind != "flag":
            values[field] = chosen.text(option.dest)
    if settings.indexes.no_index:
        values |= {"no_index": True, "index_url": None, "extra_index_urls": ()}
    return IndexOptions(**values)


def answer_settings(chosen: Chosen, settings: ResolveSettings) -> dict[str, str]:
    """Return, by option name, the settings that change the pins and are not at their default.

    A cutoff stays as written: "P7D" must not make the same command yield different bytes each day.
    """
    texts = {option.key: _text(option, chosen, settings) for option in OPTIONS.values() if option.in_lock}
    # Constraints are the last of the recorded files: their number tells them from requirements, and their paths are private.
    texts["constraint"] = str(len(chosen.texts("constraint")) or "")
    return {name: text for name, text in texts.items() if text}


def _text(option: Option, chosen: Chosen, settings: ResolveSettings) -> str:
    record, _, field = option.setting.partition(".")
    if not record or option.value in {"moment", "moments"}:
        read = chosen.texts if option.multiple else chosen.flag if option.kind == "flag" else chosen.text
        value: object = read(option.dest)
    else:
        value = getattr(getattr(settings, record), field)
    if isinstance(value, tuple):
        return ",".join(value)
    if isinstance(value, bool):
        return "true" if value else ""
    return "" if value is None or value == option.default else str(value)
