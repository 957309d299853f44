"""The indexes that are passed over because an earlier one has the project: asked aside, so that it can be told what they have."""

from __future__ import annotations

from typing import TYPE_CHECKING

from mirror.records.project import Project

if TYPE_CHECKING:
    from collections.abc import Callable, Generator, Iterable, Mapping

    from mirror.http.fetcher import Fetcher
    from mirror.ports import Exchange, Request
    from mirror.records.model import FetchFailure


class ShadowedIndexes:
    """What later indexes have of projects that an earlier one answers for (no dependency confusion)."""

    def __init__(self, fetcher: Fetcher, warn: Callable[[str], None]) -> None:
        """Nothing is asked yet."""
        self._fetcher = fetcher
        self._warn = warn
        self._found: dict[str, list[Project]] = {}
        self._asking = 0

    def ask(self, name: str, steps: Generator[Request, Exchange, None]) -> None:
        """Run the steps that look for a project in the indexes passed over, behind everything else."""

        def ended(_: None, error: Exception | None) -> None:
            self._asking -= 1
            if error is not None:
                raise error

        self._asking += 1
        self._fetcher.submit("x/" + name, steps, ended)

    def add(self, name: str, project: Project) -> None:
        """Take a project as an index that was passed over has it."""
        self._found.setdefault(name, []).append(project)

    def projects(self) -> list[Project]:
        """Return all that was found, to be stored like anything else."""
        return [project for found in self._found.values() for project in found]

    def tell(
        self, names: Iterable[str], answers: Mapping[str, Project | FetchFailure], pump: Callable[[], bool]
    ) -> None:
        """Warn of every project of which an index passed over has a higher release; ``pump`` waits for those still asked."""
        while self._asking and pump():
            pass
        for name in names:
            ours = answers.get(name)
            for other in self._found.get(name, ()):
                if isinstance(ours, Project) and other.view.keys and other.view.keys[-1] > (ours.view.keys or [""])[-1]:
                    self._warn(
                        f"{name}: {other.view.versions[-1]} of {other.index_url} was ignored, because {ours.index_url} "
                        "comes first and has the project (--index-strategy best-match takes the best of all)"
                    )
