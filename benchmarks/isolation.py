"""The environment of a run: no setting of this machine reaches a tool, except the default index and its certificates."""

from __future__ import annotations

import os
import subprocess
import sys
from pathlib import Path

_DROPPED = ("PIP_", "UV_", "NAB_", "PIPX_", "PYTHONPATH", "VIRTUAL_ENV")
_PASSED_ON = ("PIP_CERT",)
_DEFAULT_OF_PIP = "from pip._internal.models.index import PyPI; print(PyPI.simple_url)"


def environment(home: Path) -> dict[str, str]:
    """Return the environment for tools: no pip configuration, and a home folder of their own."""
    passed_on = {
        name: value for name, value in os.environ.items() if name in _PASSED_ON or not name.startswith(_DROPPED)
    }
    home.mkdir(parents=True, exist_ok=True)
    own = {"HOME": str(home), "XDG_CACHE_HOME": str(home / "cache"), "XDG_CONFIG_HOME": str(home / "config")}
    pip = {"PIP_CONFIG_FILE": os.devnull, "PIP_DISABLE_PIP_VERSION_CHECK": "1", "PIP_NO_INPUT": "1"}
    return {**passed_on, **own, **pip, "UV_NO_CONFIG": "1", "NO_COLOR": "1"}


def index_option() -> str | None:
    """Return the index that pip is configured for on this machine; None if that is every tool's own default."""
    command = [sys.executable, "-m", "pip", "config", "get", "global.index-url"]
    configured = (
        os.environ.get("PIP_INDEX_URL") or subprocess.run(command, check=False, capture_output=True, text=True).stdout
    )
    return configured.strip() or None


def configured_index() -> str:
    """Return the address of the index that a run uses. Never write it to a file."""
    configured = index_option()
    if configured is None:
        command = [sys.executable, "-c", _DEFAULT_OF_PIP]
        configured = subprocess.run(command, check=True, capture_output=True, text=True).stdout.strip()
    return configured.rstrip("/") + "/"
