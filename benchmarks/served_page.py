"""Measure what a policy costs a served page that is built anew: ``python -m benchmarks served-page``.

One project of many releases is built as a page with and without a policy, in turns, in this process. Each page is built by new
parts, so that nothing is kept in memory. The table has the median CPU time of each, and its ratio to the page without a policy.
"""

from __future__ import annotations

import argparse
import asyncio
import gc
import json
import statistics
import time
from concurrent.futures import Future
from typing import TYPE_CHECKING

from mirror.exchange.advisory_set import HEADER
from mirror.keys import ADVISORIES, simple_index, texts_key
from mirror.policy.page_filter import PageFilter
from mirror.policy.rules import Action, Cutoff, Except, PolicyRules, ProvenanceMode, Rule
from mirror.policy.stored_knowledge import StoredKnowledge
from mirror.records.advisories import Advisory, encode
from mirror.records.file_view import digest_of, pack
from mirror.records.freshness import FreshnessRecord
from mirror.records.listing_views import build_views, classify
from mirror.records.metadata_texts import pack_texts
from mirror.records.project import Project
from mirror.records.simple_parse import parse_listing
from mirror.records.simple_serialize import JSON_TYPE
from mirror.server.policy_gate import PolicyGate
from mirror.server.responses import Pages

if TYPE_CHECKING:
    from collections.abc import Iterable, Mapping, Sequence

_URL = "https://index.example/simple"
_NOW = 1_790_000_000  # the newest upload is a day before
_WEEK = 7 * 86400
_TAGS = ("cp311-cp311-manylinux_2_17_x86_64", "cp311-cp311-macosx_11_0_arm64", "py3-none-any")
_FOUR = {"yanked": Action.REFUSE, "provenance": ProvenanceMode.NO_DOWNGRADE, "only_binary": (":all:",)}
_CUTOFF = Cutoff(age=_WEEK)
POLICIES: Mapping[str, PolicyRules | None] = {
    "none": None,
    "uploaded-prior-to": PolicyRules(cutoff=_CUTOFF),
    "uploaded-prior-to, half": PolicyRules(cutoff=Cutoff(_NOW - 1000 * 86400)),
    "four rules": PolicyRules(cutoff=_CUTOFF, **_FOUR),  # type: ignore[arg-type]  # fields of different types
    "four rules, exceptions": PolicyRules(
        cutoff=_CUTOFF,
        exceptions=(Except("app", "1.1999", frozenset({Rule.CUTOFF})), Except("app", "1.7", frozenset({Rule.YANKED}))),
        **_FOUR,  # type: ignore[arg-type]  # as above
    ),
    "minimum-project-age": PolicyRules(minimum_project_age=_WEEK),
    "only-from, status": PolicyRules(only_from=(("app", _URL),), statuses={"archived": Action.REFUSE}),
    "advisories": PolicyRules(advisories=Action.REFUSE),
    "licences": PolicyRules(denied_licences=("GPL-*", "AGPL-*")),
    "all": PolicyRules(
        cutoff=_CUTOFF,
        minimum_project_age=_WEEK,
        only_from=(("app", _URL),),
        statuses={"archived": Action.REFUSE},
        advisories=Action.REFUSE,
        denied_licences=("GPL-*", "AGPL-*"),
        **_FOUR,  # type: ignore[arg-type]  # as above
    ),
}


def main(arguments: Sequence[str]) -> int:
    """Print the table."""
    parser = argparse.ArgumentParser(prog="python -m benchmarks served-page", description=__doc__)
    parser.add_argument("--releases", type=int, default=2000)
    parser.add_argument("--rounds", type=int, default=15)
    given = parser.parse_args(arguments)
    project, records = project_of(given.releases)
    rows: dict[str, list[float]] = {name: [] for name in POLICIES}
    sizes = {}
    for _ in range(given.rounds):
        for name, rules in POLICIES.items():
            seconds, sizes[name] = built(project, records, rules)
            rows[name].append(seconds)
    plain = rows["none"]
    print(f"{given.releases} releases, {given.rounds} rounds in turns; ratio: median of the ratios of each round")
    for name, spent in rows.items():
        ratio = statistics.median(mine / base for mine, base in zip(spent, plain, strict=True))
        print(f"{name:24} {1000 * statistics.median(spent):7.1f} ms  x{ratio:.2f}  {sizes[name]:6} files")
    return 0


def built(project: Project, records: Mapping[str, bytes], rules: PolicyRules | None) -> tuple[float, int]:
    """Return the CPU seconds that a page takes, and the number of its files."""
    gate = None
    if rules is not None:
        gate = PolicyGate(PageFilter(rules, StoredKnowledge(records.get)), lambda: _NOW)
    pages = Pages(_Records(records), _Worker(project), offline=False, gate=gate)  # type: ignore[arg-type]  # what a page needs
    gc.collect()
    began = time.process_time()
    answer = asyncio.run(pages.project(project.view.name, JSON_TYPE))
    seconds = time.process_time() - began
    return seconds, len(json.loads(answer.body)["files"])


class _Worker:
    """Has one project, as the thread that owns the mirror of a server has it."""

    def __init__(self, project: Project) -> None:
        self._project = project

    def project(self, _: str) -> Future[Project]:
        """Return the project at once."""
        future: Future[Project] = Future()
        future.set_result(self._project)
        return future


class _Records:
    """A store of a few records."""

    def __init__(self, records: Mapping[str, bytes]) -> None:
        self._records = records

    def get_many(self, keys: Iterable[str]) -> dict[str, bytes]:
        """Return those there are."""
        return {key: self._records[key] for key in keys if key in self._records}


def project_of(count: int) -> tuple[Project, dict[str, bytes]]:
    """Return a project of so many releases, four files each, one a day, and the records of its advisories and METADATA."""
    files, texts = [], {}
    for release in range(count):
        uploaded = time.strftime("%Y-%m-%dT%H:%M:%S.123456Z", time.gmtime(_NOW - 86400 * (count - release)))
        names = [f"app-1.{release}-{tags}.whl" for tags in _TAGS] + [f"app-1.{release}.tar.gz"]
        files += [_entry(name, uploaded, yanked=release % 97 == 0) for name in names]
        texts[names[2]] = (
            f"Metadata-Version: 2.4\nName: app\nVersion: 1.{release}\nLicense-Expression: MIT\n\n".encode()
        )
    listing = parse_listing(json.dumps({"files": files}).encode(), None, f"{_URL}/app/")
    view, positions = build_views(listing, "app", FreshnessRecord(_NOW, 600.0, "", ""))
    classify(view, 0, [[listing.files[position] for position in row] for row in positions[: view.classified]])
    packed = pack([[bytes(listing.raws[position]) for position in row] for row in positions])
    view.digest = digest_of(packed)
    index = simple_index(_URL)
    project = Project(view, index.id, _URL, f"{_URL}/app/", packed=packed)
    advisory = Advisory("PYSEC-1", (), "", "", (("0", "1.9", ""), ("1.50", "1.60", "")), ())
    records = {
        HEADER: b'{"updated":1}',
        ADVISORIES.key("app"): encode([advisory._replace(id=f"PYSEC-{number}") for number in range(20)]),
        texts_key(index.id, "app"): pack_texts(texts),
    }
    return project, records


def _entry(filename: str, uploaded: str, *, yanked: bool) -> dict[str, object]:
    digest = f"{hash(filename) & (1 << 256) - 1:064x}"
    return {
        "core-metadata": {"sha256": digest},
        "data-dist-info-metadata": {"sha256": digest},
        "filename": filename,
        "hashes": {"sha256": digest},
        "provenance": f"https://index.example/integrity/app/{filename}/provenance",
        "requires-python": ">=3.8",
        "size": 123456,
        "upload-time": uploaded,
        "url": f"https://files.example/packages/{digest[:2]}/{digest[2:4]}/{digest[4:]}/{filename}",
        "yanked": "a bad build" if yanked else False,
    }
