"""Word the solver's numbers for the user: lines of the inputs, releases, requirements, and why a release cannot be used."""

from __future__ import annotations

from typing import TYPE_CHECKING, cast

from mirror.records.version_keys import compile_specifier
from mirror.urls import shown
from pipx_parallel.requirements.urls import mask_secrets
from pipx_parallel.resolution.candidate import Candidate
from pipx_parallel.resolution.package_keys import is_extra
from pipx_parallel.resolver.masks import mask_from, mask_of, release_of, runs_of

if TYPE_CHECKING:
    from collections.abc import Hashable, Sequence

    from mirror.records.model import CompiledSpecifier
    from mirror.records.release_view import ReleaseView
    from pipx_parallel.model import RootRequirement
    from pipx_parallel.resolution.candidates import Candidates
    from pipx_parallel.resolver.ports import Edge

_ONLY_A_PIN = "only an exact pin (==) may take it"
_MOST_RUNS = 3  # runs of releases that are listed; of more, only the first and last release are named


class Wording:
    """Names for one list of requirements. Also a ``resolver.report.PackageWording``."""

    def __init__(
        self, candidates: Candidates, roots: Sequence[RootRequirement], constraints: Sequence[RootRequirement]
    ) -> None:
        """Take the facts, and the user's lines in the order of the solver's labels."""
        self.candidates = candidates
        self._roots = roots
        self._constraints = constraints

    def package(self, name: str) -> str:
        """Name a package, or an extra of one: ``requests[socks]``."""
        return name

    def releases(self, name: str, mask: int) -> str:
        """Name some releases of a package: ``urllib3 1.26.0 to 1.26.18``."""
        candidate = self.candidates.candidate(name)
        if not isinstance(candidate, Candidate):
            return name
        versions = candidate.project.view.versions
        runs = runs_of(mask, candidate.usable | mask)
        spans = [_span(versions[release_of(first)], versions[release_of(last)]) for first, last in runs]
        if len(spans) > _MOST_RUNS:
            spans = [
                f"{_span(versions[release_of(runs[0][0])], versions[release_of(runs[-1][1])])} ({mask.bit_count()} releases)"
            ]
        return f"{name} {', '.join(spans)}"

    def need(self, edge: Edge) -> str:
        """Return a requirement as it was written: ``urllib3<2``."""
        name, text = written(edge)
        return f"{name}{text}"

    def line(self, label: Hashable) -> RootRequirement:
        """Return the user's line of a label; constraints have labels from -1 down."""
        index = int(str(label))
        return self._roots[index] if index >= 0 else self._constraints[-1 - index]

    def root(self, label: Hashable) -> str:
        """Return the origin of a line: ``requirements.txt:12``."""
        return str(self.line(label).origin)

    def asked(self, label: Hashable) -> str:
        """Return a line as written, without marker and hashes: ``boto3>=1.40``."""
        return asked_text(self.line(label))

    def line_against(self, edge: Edge) -> str | None:
        """Word the line of the user that alone excludes all releases of a requirement; None if there is none."""
        name, text = written(edge)
        labels = [*range(len(self._roots)), *range(-1, -1 - len(self._constraints), -1)]
        for label in labels if text else ():
            line = self.line(label)
            if line.name == name and line.specifier:
                admitted = self.candidates.admitted(name, compile_specifier(line.specifier.replace(" ", "")))
                if not admitted & edge.mask:
                    verb = "asks for" if label >= 0 else "allows only"
                    return f"{self.root(label)} {verb} {self.asked(label)}"
        return None

    def unmet(self, edge: Edge) -> str:
        """Return why nothing satisfies a requirement: no such release, or none that the target can install."""
        name, text = written(edge)
        candidate = self.candidates.candidate(name)
        if not isinstance(candidate, Candidate):
            return str(candidate.error)
        view, specifier = candidate.project.view, compile_specifier(text)
        if not specifier.intervals:
            return f"no version can be {text.replace(',', ' and ')} at once"
        if not view.versions or not (text or candidate.usable):
            return self.candidates.policy.why_nothing_is_usable(view, self.candidates.rules)
        named = mask_of(view.keys, specifier.intervals)
        if not named:
            nearest, elsewhere = self._nearest(candidate, text), self._elsewhere(candidate, specifier)
            return f"no release of {name} is {text.replace(',', ' and ')} ({nearest}{elsewhere})"
        if name in self.candidates.hashes and self.candidates.admitted(name, specifier) & candidate.usable:
            return f"no file of {name} that can be installed has one of the hashes given for it"
        timely = named & self._in_time(candidate) or named
        bit = (timely & candidate.finals or timely).bit_length() - 1
        return f"{name} {view.versions[release_of(bit)]} {self.fault(name, bit)}"

    def _elsewhere(self, candidate: Candidate, specifier: CompiledSpecifier) -> str:
        """Word what the ignored indexes of a project have; "" if there is only one index."""
        report, name, index = self.candidates.mirror.report, candidate.project.view.name, candidate.project.index_url
        others = report.later_projects(name)
        lines = [f"{shown(url)}: {error}" for url, error in report.later_failures(name)]
        for later in others:
            mask = mask_of(later.view.keys, specifier.intervals)
            newest = f"has {later.view.versions[release_of(mask.bit_length() - 1)]}" if mask else "has none, either"
            lines.append(f"{later.index_url} {newest}")
        if not lines:
            return ""
        strategy = "with --index-strategy first-index the first index that has a project answers for all but exact pins"
        return f"; that is on {index}; {'; '.join(lines)}; {strategy}"

    def fault(self, name: str, bit: int) -> str:
        """Return why a release cannot be used, without its name: ``requires Python >=3.12``."""
        candidate = self.candidates.candidate(name)
        if not isinstance(candidate, Candidate):
            return str(candidate.error)
        candidate.project.classify(release_of(bit))
        if candidate.file_kind_of(release_of(bit)) is None or not candidate.usable >> bit & 1:
            policy, view, rules = self.candidates.policy, candidate.project.view, self.candidates.rules
            return policy.why_not_usable(view, release_of(bit), rules) + self.wheels_elsewhere(name, bit)
        if candidate.later >> bit & 1:
            index = candidate.project.index_of(release_of(bit))
            return f"is only on {index}, which comes after another index that has the project; {_ONLY_A_PIN}"
        if candidate.yanked >> bit & 1:
            return f"is yanked, and {_ONLY_A_PIN}"
        return "is a pre-release, which nothing asks for"

    def wheels_elsewhere(self, name: str, bit: int) -> str:
        """Return for which Pythons and platforms a release has wheels, if the target can install none of its files; else ""."""
        candidate = self.candidates.candidate(name)
        if not isinstance(candidate, Candidate) or candidate.project.reference is not None:
            return ""
        return self.candidates.policy.wheels_elsewhere(candidate.project.view, release_of(bit), self.candidates.rules)

    def newer_but_unfit(self, edge: Edge) -> str | None:
        """Word why the newest release of a requirement cannot be used, if it is newer than all that can; else None."""
        name, text = written(edge)
        if edge.package != name or is_extra(name):
            return None
        candidate = self.candidates.candidate(name)
        if not isinstance(candidate, Candidate):
            return None
        view = candidate.project.view
        named = mask_of(view.keys, compile_specifier(text).intervals)
        bit = (named & self._in_time(candidate) or named).bit_length() - 1
        if bit < (edge.mask & candidate.usable).bit_length() or view.prereleases >> release_of(bit) & 1:
            return None
        return f"{name} {view.versions[release_of(bit)]} {self.fault(name, bit)}"

    def _in_time(self, candidate: Candidate) -> int:
        """Return the releases that existed at the cutoff; later ones explain nothing."""
        view = candidate.project.view
        if candidate.project.reference is not None:
            return -1
        return mask_from(self.candidates.policy.within_cutoff(view, (1 << len(view.versions)) - 1))

    def _nearest(self, candidate: Candidate, text: str) -> str:
        """Word the releases that are nearest to a specifier that none satisfies."""
        view = candidate.project.view
        everything = mask_from((1 << len(view.versions)) - 1)
        existing = everything & self._in_time(candidate) or everything
        low, high = compile_specifier(text).intervals[0]
        below, above = mask_of(view.keys, [("", low)]) & existing, mask_of(view.keys, [(high, "~")]) & existing
        oldest, newest = _lowest(view, existing), _highest(view, existing)
        if oldest == newest:
            return f"its only release is {newest}"
        if not above:
            return f"its newest is {newest}"
        return (
            f"the nearest are {_highest(view, below)} and {_lowest(view, above)}"
            if below
            else f"its oldest is {oldest}"
        )


def written(edge: Edge) -> tuple[str, str]:
    """Return the name and the specifier of an edge, from its key."""
    return cast("tuple[str, str]", edge.key)


def asked_text(root: RootRequirement) -> str:
    """Return the requirement of a line as written, without marker and hashes."""
    return mask_secrets(root.text.partition(";")[0].partition(" --")[0].strip())


def _lowest(view: ReleaseView, mask: int) -> str:
    return view.versions[release_of((mask & -mask).bit_length() - 1)]


def _highest(view: ReleaseView, mask: int) -> str:
    return view.versions[release_of(mask.bit_length() - 1)]


def _span(first: str, last: str) -> str:
    return first if first == last else f"{first} to {last}"
