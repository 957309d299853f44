"""What the installed pip makes of requirements files. Run as a program: cases as JSON on stdin, answers as JSON on stdout.

This is the only place that reaches into pip, and it is test code: it may break with a new pip, and then says so.
"""

from __future__ import annotations

import json
import os
import sys
from pathlib import Path
from typing import Any

sys.path.append(str(Path(__file__).resolve().parents[2]))

from tests.corpus.cases import planted  # run as a program, this file has to find the others first


def main() -> None:
    """Answer every case, each in a folder of its own."""
    job = json.load(sys.stdin)
    answers = {}
    for name, case in job["cases"].items():
        with planted(Path(job["folder"]), name, case):
            answers[name] = ask()
    json.dump({"pip": pip_version(), "answers": answers}, sys.stdout)


def pip_version() -> str:
    """Return the version of the pip that is asked."""
    import pip

    return str(pip.__version__)


def ask() -> dict[str, Any]:
    """Return what pip reads in requirements.txt of the current folder."""
    from pip._internal.exceptions import PipError
    from pip._internal.req.req_install import check_invalid_constraint_type

    try:
        options, (finder, session), parsed = parse()
        requirements = [install_requirement(requirement) for requirement in parsed]
        problems = [
            check_invalid_constraint_type(requirement) for requirement in requirements if requirement.constraint
        ]
    except (PipError, ValueError) as error:
        return {"refused": str(error).splitlines()[0]}
    if any(problems):
        return {"refused": next(filter(None, problems))}
    if options.require_hashes and options.no_require_hashes:
        return {"refused": "mutually exclusive"}
    hashed = any(requirement.has_hash_options for requirement in requirements) and not options.no_require_hashes
    return {
        "requirements": [describe(requirement) for requirement in requirements],
        "options": {
            "indexes": finder.index_urls,
            "find_links": [relative(requirement) for requirement in finder.find_links],
            "only_binary": sorted(finder.format_control.only_binary),
            "no_binary": sorted(finder.format_control.no_binary),
            "all_releases": sorted(finder.release_control.all_releases) if finder.release_control else [],
            "only_final": sorted(finder.release_control.only_final) if finder.release_control else [],
            "prefer_binary": finder.prefer_binary,
            "require_hashes": bool(options.require_hashes or hashed),
            "trusted_hosts": trusted(session),
        },
    }


def parse() -> tuple[Any, Any, list[Any]]:
    """Let pip parse requirements.txt as ``pip install -r`` does."""
    from optparse import Values

    from pip._internal.index.collector import LinkCollector
    from pip._internal.index.package_finder import PackageFinder
    from pip._internal.models.release_control import ReleaseControl
    from pip._internal.models.search_scope import SearchScope
    from pip._internal.models.selection_prefs import SelectionPreferences
    from pip._internal.network.session import PipSession
    from pip._internal.req.req_file import parse_requirements

    session = PipSession()
    session.pip_trusted_origins = []
    scope = SearchScope(find_links=[], index_urls=["DEFAULT"], no_index=False)
    preferences = SelectionPreferences(allow_yanked=False, release_control=ReleaseControl())
    finder = PackageFinder.create(LinkCollector(session, scope), preferences)
    options = Values({"require_hashes": False, "no_require_hashes": False, "features_enabled": []})
    parsed_lines = list(parse_requirements("requirements.txt", session=session, finder=finder, options=options))
    return options, (finder, session), parsed_lines


def trusted(session: Any) -> list[str]:
    """Return pip's trusted hosts as host[:port]."""
    return [f"{host}:{port}" if port else host for host, port in session.pip_trusted_origins]


def install_requirement(parsed: Any) -> Any:
    """Let pip make an install requirement of a parsed line."""
    from pip._internal.req.constructors import install_req_from_parsed_requirement

    settings = parsed.options.get("config_settings") if parsed.options else None
    return install_req_from_parsed_requirement(parsed, config_settings=settings)


def describe(requirement: Any) -> dict[str, Any]:
    """Return the facts of an install requirement that both sides can state."""
    from pip._vendor.packaging.utils import canonicalize_name

    hashes = [
        f"{algorithm}:{digest.lower()}" for algorithm, digests in requirement.hash_options.items() for digest in digests
    ]
    if requirement.link is not None and requirement.link.hash:
        hashes.append(f"{requirement.link.hash_name}:{requirement.link.hash.lower()}")
    return {
        "name": canonicalize_name(requirement.name) if requirement.name else "",
        "extras": sorted({canonicalize_name(extra) for extra in requirement.extras}),
        "specifier": str(requirement.req.specifier) if requirement.req is not None else "",
        "marker": str(requirement.markers) if requirement.markers else None,
        "url": relative(requirement.link.url) if requirement.link is not None else None,
        "hashes": sorted(set(hashes)),
        "editable": bool(requirement.editable),
        "constraint": bool(requirement.constraint),
        "config_settings": sorted((key, value) for key, value in (requirement.config_settings or {}).items()),
    }


def relative(text: str) -> str:
    """Return the text with the current folder as {cwd}."""
    return text.replace(os.getcwd(), "{cwd}")  # pip wrote the text with it


if __name__ == "__main__":
    main()
