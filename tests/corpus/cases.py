"""The cases of this folder: reading them, planting their files, and what our side answers."""

from __future__ import annotations

import os
import tomllib
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from pathlib import Path
from typing import Any

HERE = Path(__file__).parent
ANSWERS = HERE / "pip_answers.json"
MALFORMED = "malformed"

Case = Mapping[str, Any]


def read_cases() -> dict[str, Case]:
    """Return every case that pip is asked about, as ``family/name``. Raises where a family is empty."""
    cases: dict[str, Case] = {}
    for path in sorted(HERE.glob("*.toml")):
        if path.stem != MALFORMED:
            cases_read = tomllib.loads(path.read_text(encoding="utf-8"))["case"]
            cases |= {f"{path.stem}/{name}": case for name, case in cases_read.items()}
    return cases


def read_malformed() -> dict[str, Case]:
    """Return every input that must be refused."""
    cases_read: dict[str, Case] = tomllib.loads((HERE / f"{MALFORMED}.toml").read_text(encoding="utf-8"))["case"]
    return cases_read


@contextmanager
def planted(root: Path, name: str, case: Case) -> Iterator[Path]:
    """Write the files of a case into a new folder, go there, and set its variables; put all back afterwards."""
    folder = root.resolve() / name.replace("/", "-")
    folder.mkdir(parents=True)
    for path, text in {"requirements.txt": case.get("text", ""), **case.get("files", {})}.items():
        target = folder / path
        target.parent.mkdir(parents=True, exist_ok=True)
        encoding = case.get("encoding", "utf-8") if path == case.get("encoded", "requirements.txt") else "utf-8"
        data = bytes.fromhex(case["hex"]) if "hex" in case and path == "requirements.txt" else text.encode(encoding)
        target.write_bytes(data.replace(b"{cwd}", folder.as_posix().encode()))
    before, variables = Path.cwd(), dict(os.environ)
    os.chdir(folder)
    os.environ.update(case.get("env", {}))
    try:
        yield folder
    finally:
        os.chdir(before)
        os.environ.clear()
        os.environ.update(variables)


def our_answer(folder: Path) -> dict[str, Any]:
    """Return what this tool reads in requirements.txt of the current folder, in the words of ``ask_pip``."""
    from pipx_parallel.errors import RequirementsError
    from pipx_parallel.requirements.files import FileReader
    from pipx_parallel.requirements.load import InputRequest, load_inputs

    try:
        inputs = load_inputs(InputRequest(["requirements.txt"]), environ=os.environ, reader=FileReader())
    except RequirementsError as error:
        return {"refused": str(error)}

    def relative(text: str) -> str:
        return text.replace(str(folder), "{cwd}")

    # pip yields requirements and constraints in one stream; compared as two.
    options = inputs.options
    index = [] if options.no_index else [options.index_url or "DEFAULT", *options.extra_index_urls]
    return {
        "requirements": [
            {
                "name": root.name,
                "extras": list(root.extras),
                "specifier": root.specifier,
                "marker": root.marker,
                "url": relative(root.url) if root.url else None,
                "hashes": sorted(root.hashes),
                "editable": root.editable,
                "constraint": root.constraint,
                "config_settings": sorted(list(pair) for pair in root.config_settings),
            }
            for root in (*inputs.roots, *inputs.constraints)
        ],
        "options": {
            "indexes": index,
            "find_links": [relative(item) for item in options.find_links],
            "only_binary": list(options.only_binary),
            "no_binary": list(options.no_binary),
            "all_releases": list(options.all_releases),
            "only_final": list(options.only_final),
            "prefer_binary": options.prefer_binary,
            "require_hashes": options.require_hashes,
            "trusted_hosts": list(options.trusted_hosts),
        },
    }


def comparable(answer: Mapping[str, Any]) -> Any:  # JSON
    """Return an answer without what the two sides may say differently: the words of a refusal, and the streams' order."""
    if "refused" in answer:
        return "refused"
    requirements = sorted(answer["requirements"], key=lambda item: item["constraint"])
    options = dict(answer["options"])
    # pip makes a find-links folder beside the file absolute; we leave it as it would be written.
    options["find_links"] = [location.removeprefix("{cwd}/").removeprefix("./") for location in options["find_links"]]
    return {"requirements": [dict(item) for item in requirements], "options": options}
