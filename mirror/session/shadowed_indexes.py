"""The indexes that come after the one that has a project: asked aside, for releases that are pinned and for the warnings."""

from __future__ import annotations

from typing import TYPE_CHECKING

from mirror.errors import MirrorError
from mirror.records.project import Project

if TYPE_CHECKING:
    from collections.abc import Callable, Generator, Iterable, Mapping, Sequence

    from mirror.http.fetcher import Fetcher
    from mirror.ports import Exchange, Intervals, Request
    from mirror.records.model import FetchFailure
    from mirror.session.results import Results


class ShadowedIndexes:
    """What later indexes have of projects that an earlier one answers for (no dependency confusion)."""

    def __init__(self, fetcher: Fetcher, warn: Callable[[str], None]) -> None:
        """Nothing is asked yet."""
        self._fetcher = fetcher
        self._warn = warn
        self._found: dict[str, list[Project]] = {}
        self._failures: dict[
            str, list[tuple[str, MirrorError]]
        ] = {}  # project -> (URL of an index, why it has no answer)
        self._asking = 0

    def ask(self, name: str, steps: Generator[Request, Exchange, None]) -> None:
        """Run the steps that look for a project in the indexes passed over, behind everything else."""

        def ended(_: None, error: Exception | None) -> None:
            self._asking -= 1
            if error is not None:
                raise error

        self._asking += 1
        self._fetcher.submit("x/" + name, steps, ended)

    def wait(self, pump: Callable[[], bool]) -> None:
        """Wait for all that was asked; ``pump`` takes in what has arrived."""
        while self._asking and pump():
            pass

    def add(self, name: str, project: Project) -> None:
        """Take a project as an index that was passed over has it."""
        self._found.setdefault(name, []).append(project)

    def add_failure(self, name: str, index_url: str, error: MirrorError) -> None:
        """Record why it is not known what a later index has of a project."""
        self._failures.setdefault(name, []).append((index_url, error))

    def of(self, name: str) -> Sequence[Project]:
        """Return a project as each later index has it, as far as they have answered."""
        return self._found.get(name, ())

    def failures(self, name: str) -> Sequence[tuple[str, MirrorError]]:
        """Return the later indexes of which it is not known what they have of a project, and why."""
        return self._failures.get(name, ())

    def admit(self, pins: Mapping[str, Sequence[Intervals]], results: Results, pump: Callable[[], bool]) -> bool:
        """Add to projects the releases of later indexes that a pin names and no earlier index has; return whether there were any.

        The projects that gain a release are replaced, with other release numbers: ``pump`` first takes in what is under way.
        """
        self.wait(pump)
        gains = {name: keys for name, admits in pins.items() if (keys := self._gain(name, admits, results))}
        while gains and pump():
            pass
        added = False
        for name, keys in gains.items():
            ours = results.projects[name]
            if isinstance(ours, Project):
                added = self._extend(ours, keys, results) or added
        return added

    def _gain(self, name: str, admits: Sequence[Intervals], results: Results) -> frozenset[str]:
        """Return the sort keys of the releases that only later indexes have and that one of the pins names."""
        ours = results.projects.get(name)
        if name not in self._found or not isinstance(ours, Project) or ours.reference is not None:
            return frozenset()
        keys = {key for other in self._found[name] for key in other.view.keys}.difference(ours.view.keys)
        return frozenset(
            key for key in keys if any(low <= key < high for intervals in admits for low, high in intervals)
        )

    def _extend(self, ours: Project, keys: frozenset[str], results: Results) -> bool:
        from mirror.session.merged_project import MergedProject  # only if a later index has what is pinned

        name = ours.view.name
        later = self._found[name]
        try:
            project = MergedProject([p for p in ours.sources() if p not in later], later, ours.later_keys | keys)
        except MirrorError as error:  # offline, and the mirror has not all that is needed
            self.add_failure(name, self._found[name][0].index_url, error)
            return False
        results.forget(name)
        results.wanted.add(name)
        results.projects[name] = project
        return True

    def projects(self) -> list[Project]:
        """Return all that was found, to be stored like anything else."""
        return [project for found in self._found.values() for project in found]

    def tell(
        self, names: Iterable[str], answers: Mapping[str, Project | FetchFailure], pump: Callable[[], bool]
    ) -> None:
        """Warn of every project of which an index passed over has a higher release; ``pump`` waits for those still asked."""
        self.wait(pump)
        for name in names:
            ours = answers.get(name)
            for other in self._found.get(name, ()):
                if isinstance(ours, Project) and other.view.keys and other.view.keys[-1] > (ours.view.keys or [""])[-1]:
                    self._warn(
                        f"{name}: {other.view.versions[-1]} of {other.index_url} was ignored, because {ours.index_url} "
                        "comes first and has the project (--index-strategy best-match takes the best of all)"
                    )
