"""Describe parsed inputs as plain data without secrets, for ``inspect``."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from pipx_parallel.requirements.urls import mask_secrets

if TYPE_CHECKING:
    from pipx_parallel.model import Inputs, RootRequirement


def describe(inputs: Inputs) -> dict[str, Any]:
    """Return the inputs as JSON-ready data: each root, constraint and option with its origin; secrets in URLs masked."""
    return {
        "roots": [_root(root) for root in inputs.roots],
        "constraints": [_root(root) for root in inputs.constraints],
        "overrides": [_root(root) for root in inputs.overrides],
        "excludes": list(inputs.excludes),
        "options": _options(inputs),
        "written": [
            {"option": option.name, "value": mask_secrets(option.value), "origin": str(option.origin)}
            for option in inputs.written
        ],
        "files": [{"path": file.path, "sha256": file.sha256} for file in inputs.files],
        "requires-python": inputs.requires_python,
    }


def _root(root: RootRequirement) -> dict[str, Any]:
    return {
        "name": root.name or None,
        "extras": list(root.extras),
        "specifier": root.specifier,
        "marker": root.marker,
        "url": mask_secrets(root.url) if root.url else None,
        "hashes": list(root.hashes),
        "editable": root.editable,
        "config-settings": [list(setting) for setting in root.config_settings],
        "text": mask_secrets(root.text),
        "origin": str(root.origin),
        "via": list(root.origin.via),
    }


def _options(inputs: Inputs) -> dict[str, Any]:
    shown: dict[str, Any] = {}
    for field, value in inputs.options._asdict().items():
        name = field.replace("_", "-")
        if isinstance(value, tuple):
            shown[name] = [mask_secrets(item) for item in value]
        else:
            shown[name] = mask_secrets(value) if isinstance(value, str) else value
    return shown
