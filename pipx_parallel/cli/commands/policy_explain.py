"""``policy explain``: which rule admits or refuses each release of a project."""

from __future__ import annotations

from typing import TYPE_CHECKING

from pipx_parallel.cli.context import begin
from pipx_parallel.cli.mirror_opening import opened
from pipx_parallel.cli.output import show, show_json
from pipx_parallel.cli.request import settings_of
from pipx_parallel.config.option import Argument, format_option
from pipx_parallel.config.options import CHOICE, INDEX, MIRROR, NETWORK
from pipx_parallel.errors import UsageError

if TYPE_CHECKING:
    from collections.abc import Mapping, Sequence

    from mirror.policy.explain import Explained

FORMAT = format_option("text", "json")
OPTIONS = (FORMAT, *INDEX, *NETWORK, *MIRROR, *CHOICE)
ARGUMENTS = (Argument("name", "NAME[==VERSION]"),)


def run(values: Mapping[str, object]) -> int:
    """Show for each release of NAME, newest first, whether the policy admits it, and by which rule it is refused."""
    from mirror.names import is_project_name, normalize_name  # here and below: only what this command needs
    from mirror.policy.explain import explain, listed_releases
    from mirror.policy.page_filter import PageFilter
    from mirror.policy.rules import PolicyRules
    from mirror.records.model import FetchFailure
    from pipx_parallel.resolution.known_times import knowledge_of

    given = str(values["name"])
    name, _, version = given.partition("==")
    if not is_project_name(name.strip()):
        raise UsageError(f"{given!r} is no project", "give NAME or NAME==VERSION")
    context = begin(values, OPTIONS)
    settings = settings_of(context)
    settings = settings._replace(mirror=settings.mirror._replace(keep_whole=True))
    selection = settings.selection
    rules = (settings.policy or PolicyRules())._replace(
        only_binary=selection.only_binary, no_binary=selection.no_binary
    )
    with opened(settings, context.progress) as mirror:
        project = mirror.project(normalize_name(name.strip()))
        if isinstance(project, FetchFailure):
            raise project.error
        page_filter = PageFilter(rules, knowledge_of(mirror, rules))
        rows = explain(project.view, listed_releases(project), page_filter, settings.now)
    if version:
        rows = [row for row in rows if row.version == version.strip()]
        if not rows:
            raise UsageError(f"{given}: the index lists no such release")
    if context.chosen.text("format") == "json":
        show_json({"name": project.view.name, "releases": [_json(row) for row in rows]})
    else:
        show(_text(rows))
    return 0


def _text(rows: Sequence[Explained]) -> str:
    width = max((len(row.version) for row in rows), default=0)
    return "".join(f"{row.version:{width}}  {row.words}\n" for row in rows)


def _json(row: Explained) -> dict[str, object]:
    return {
        "version": row.version,
        "admitted": row.admitted,
        "files": row.files,
        "refused-files": row.refused,
        "rule": row.rule,
        "reason": row.reason,
        "exception-until": row.until,
        "only-variants": row.only_variants,
        "upload-time-source": row.dated,
    }
