"""All direct references of a resolution: read concurrently, named, and used for their projects."""

from __future__ import annotations

from typing import TYPE_CHECKING

from mirror.errors import MirrorError
from mirror.records.dependency_sets import BASE
from mirror.records.model import FetchFailure
from pipx_parallel.direct.direct_project import DirectProject
from pipx_parallel.direct.reference import parse, same
from pipx_parallel.direct.steps import find
from pipx_parallel.errors import RequirementsError

if TYPE_CHECKING:
    from collections.abc import Iterable, Sequence

    from mirror.records.project import Project
    from mirror.session.mirror import Mirror
    from pipx_parallel.direct.reference import Reference
    from pipx_parallel.direct.steps import BuildContext
    from pipx_parallel.model import RootRequirement
    from pipx_parallel.targets.rules import TargetRules


class Directs:
    """Direct references by URL; each is read once for all targets."""

    def __init__(self, mirror: Mirror, context: BuildContext) -> None:
        """Read nothing yet."""
        self._mirror = mirror
        self._build_context = context
        self._projects: dict[tuple[str, tuple[str, ...]], DirectProject | MirrorError] = {}
        self._references: dict[str, tuple[Reference, RootRequirement]] = {}  # by project

    def name(self, roots: Sequence[RootRequirement]) -> tuple[list[RootRequirement], list[FetchFailure]]:
        """Return the roots, each with its name, and the failures; roots of failed references are left out.

        Raises ``RequirementsError`` if a reference is another project than its line names.
        """
        self._find([root for root in roots if root.url is not None])
        named: list[RootRequirement] = []
        failures: list[FetchFailure] = []
        for root in roots:
            if root.url is None:
                named.append(root)
                continue
            project = self._projects[_key(root)]
            if isinstance(project, MirrorError):
                failures.append(FetchFailure(root.name or root.text, None, project))
                continue
            if root.name and root.name != project.view.name:
                problem = f"{root.text} is {project.view.name}, not {root.name}"
                raise RequirementsError(root.origin, problem, "correct the name or the URL")
            named.append(root._replace(name=project.view.name))
        return named, failures

    def projects(
        self, roots: Iterable[RootRequirement], rules: TargetRules
    ) -> tuple[dict[str, Project], list[FetchFailure]]:
        """Return the project of each reference and of the references that they depend on in a target, by name; and failures.

        Raises ``RequirementsError`` if two references to one project differ.
        """
        self._references = {}
        projects: dict[str, Project] = {}
        failures: list[FetchFailure] = []
        rows = [(root, frozenset((BASE, *root.extras))) for root in roots if root.url is not None]
        while rows:
            following: list[tuple[RootRequirement, frozenset[str]]] = []
            for root, extras in rows:
                project = self._projects[_key(root)]
                if isinstance(project, MirrorError):
                    failures.append(FetchFailure(root.name, None, project))
                    continue
                if self._claim(project.view.name, root):
                    projects[project.view.name] = project
                following += self._needed(project, extras, root, rules)
            self._find([root for root, _ in following])
            rows = following
        return projects, failures

    def _find(self, roots: Sequence[RootRequirement]) -> None:
        jobs = {}
        for root in roots:
            key = _key(root)
            if key in self._projects:
                continue
            try:
                reference = parse(root.url or "", root.hashes)
            except MirrorError as error:
                raise RequirementsError(root.origin, str(error)) from error
            self._build_context.learn((root.url or "").removeprefix("git+"))
            egg = root.name if root.editable and reference.kind == "git" else ""
            jobs["\n".join((key[0], *key[1]))] = (key, find(reference, root.config_settings, egg, self._build_context))
        answers = self._mirror.run({text: steps for text, (_, steps) in jobs.items()})
        for text, (key, _) in jobs.items():
            self._projects[key] = answers[text]

    def _claim(self, name: str, root: RootRequirement) -> bool:
        """Record the reference of a project; return whether the project had none before."""
        reference = parse(root.url or "", root.hashes)
        claim = self._references.get(name)
        if claim is None:
            self._references[name] = (reference, root)
            return True
        before = claim[1]
        if not same(claim[0], reference):
            problem = f"{name} is asked for as {reference.label} here and as {claim[0].label} at {before.origin}"
            raise RequirementsError(root.origin, problem, "keep one of them")
        # A constraint cannot be editable; a dependency has its root's origin.
        stated = not (root.constraint or before.constraint) and root.origin != before.origin
        if stated and root.editable != before.editable:
            how = ("as it is", "editable")
            problem = f"{name} is asked for {how[root.editable]} here and {how[before.editable]} at {before.origin}"
            raise RequirementsError(root.origin, problem, "keep one of them")
        return False

    def _needed(
        self, project: DirectProject, extras: frozenset[str], root: RootRequirement, rules: TargetRules
    ) -> list[tuple[RootRequirement, frozenset[str]]]:
        """Return the direct references among a project's dependencies, as roots."""
        rows = []
        requirements = project.view.dependency_set(0, 0)
        for extra in sorted(extras):
            for dependency in requirements.dependencies(extra) if requirements is not None else ():
                if dependency.url is None or not rules.marker_holds(dependency.marker, extra):
                    continue
                row = root._replace(
                    name=dependency.name, extras=dependency.extras, url=dependency.url, hashes=(), editable=False,
                    specifier="", text=f"{dependency.name} @ {dependency.url}", config_settings=(),
                )  # fmt: skip
                fresh = dependency.name not in self._references or not same(
                    self._references[dependency.name][0], parse(dependency.url)
                )
                if fresh:
                    rows.append((row, frozenset((BASE, *dependency.extras))))
        return rows


def _key(root: RootRequirement) -> tuple[str, tuple[str, ...]]:
    settings = tuple([f"{name}={value}" for name, value in root.config_settings])
    return root.url or "", (*root.hashes, *settings, *(["-e"] if root.editable else []))
