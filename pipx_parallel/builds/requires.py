"""What a build says that it needs (PEP 518, PEP 517): requirements, never options of pip."""

from __future__ import annotations

from mirror.errors import FOREIGN_TEXT_ERRORS, BuildFailed
from mirror.limits import REQUIREMENT_CHARACTERS, REQUIREMENTS


def build_requirements(lines: object, label: str) -> tuple[str, ...]:
    """Return requirements as lines of a file that pip reads. Raises ``BuildFailed`` for whatever is no requirement (PEP 508).

    ``lines`` is what a table or a hook gave: a list of text, or anything.

    ``-r /some/file`` would be an option, and pip would print a line of that file; ``${NAME}`` would become a variable's text.
    """
    from packaging.requirements import Requirement  # 50 ms, and few locks build

    if not isinstance(lines, list | tuple) or not all(isinstance(line, str) for line in lines):
        raise BuildFailed(f"{label}: its build requirements are no list of text")
    if len(lines) > REQUIREMENTS:
        raise BuildFailed(f"{label}: it names more than {REQUIREMENTS} build requirements")
    requirements = []
    for line in lines:
        try:
            if len(line) > REQUIREMENT_CHARACTERS:
                raise ValueError("it is too long")
            text = str(Requirement(line))
        except FOREIGN_TEXT_ERRORS as error:
            reason = str(error).splitlines()[0] if str(error) else type(error).__name__
            raise BuildFailed(f"{label}: {line[:200]!r} is no build requirement ({reason})") from error
        if "${" in text or "\\" in text or not text.isprintable():
            raise BuildFailed(f"{label}: {line[:200]!r} is refused as a build requirement")
        requirements.append(text)
    return tuple(requirements)
