"""Real pip's ``install --dry-run --report``, a case after the other. A program: folders on stdin, what pip would install on stdout.

One process for all: starting pip takes longer than most cases. It is pip's own command line all the same.
"""

from __future__ import annotations

import json
import os
import sys
from pathlib import Path
from typing import Any

_ALWAYS = (
    "install", "--dry-run", "--ignore-installed", "--quiet", "--no-input", "--disable-pip-version-check",
    "--root-user-action", "ignore", "--report", "report.json", "-r", "requirements.txt",
)  # fmt: skip


def main() -> None:
    """Run pip in every folder and answer with its reports."""
    jobs = json.load(sys.stdin)
    answers = {name: _run(job) for name, job in jobs.items()}
    sys.stdout.write(json.dumps(answers))


def _run(job: dict[str, Any]) -> dict[str, Any]:
    from pip._internal.cli.main import main as pip

    before = dict(os.environ)
    os.chdir(job["folder"])
    os.environ.update(job["environ"])
    try:
        code = pip([*_ALWAYS, *job["flags"]])
    except SystemExit as error:  # how the option parser refuses
        code = int(error.code or 0)
    finally:
        os.environ.clear()
        os.environ.update(before)
    if code:
        return {"refused": code}
    return {"installs": json.loads(Path("report.json").read_text(encoding="utf-8"))["install"]}


if __name__ == "__main__":
    main()
