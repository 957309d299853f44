"""Ask the installed pip about every case and write ``pip_answers.json``. Run: ``python -m tests.corpus.record``."""

from __future__ import annotations

import json
import os
import subprocess
import sys
import tempfile
from typing import Any

from tests.corpus.cases import ANSWERS, HERE, read_cases


def ask_pip() -> dict[str, Any]:
    """Return what the pip of this Python answers: {"pip": version, "answers": {case: answer}}."""
    environ = {key: value for key, value in os.environ.items() if not key.startswith("PIP_")}
    with tempfile.TemporaryDirectory() as folder:
        done = subprocess.run(
            [sys.executable, "-W", "ignore", str(HERE / "ask_pip.py")],
            input=json.dumps({"folder": folder, "cases": read_cases()}),
            env={**environ, "PIP_CONFIG_FILE": os.devnull},
            capture_output=True,
            text=True,
            timeout=120,
            check=True,
        )
    answers: dict[str, Any] = json.loads(done.stdout)
    return answers


if __name__ == "__main__":
    ANSWERS.write_text(json.dumps(ask_pip(), indent=1, sort_keys=True) + "\n", encoding="utf-8")
