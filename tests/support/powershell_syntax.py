"""Parses PowerShell with a grammar for editors: PowerShell itself is on no machine of ours."""

from __future__ import annotations

import tree_sitter
import tree_sitter_powershell

_PARSER = tree_sitter.Parser(tree_sitter.Language(tree_sitter_powershell.language()))


def syntax_errors(script: str) -> list[str]:
    """Return what the grammar refuses, with its line."""
    source = script.removeprefix("\ufeff").encode()
    nodes, errors = [_PARSER.parse(source).root_node], []
    while nodes:
        node = nodes.pop()
        if node.is_error or node.is_missing:
            errors.append(f"{node.start_point[0] + 1}: {source[node.start_byte : node.end_byte].decode()!r}")
        nodes += node.children
    return errors


def words(script: str) -> set[str]:
    """Return the names of the commands and functions that a script calls."""
    source = script.removeprefix("\ufeff").encode()
    nodes, names = [_PARSER.parse(source).root_node], set()
    while nodes:
        node = nodes.pop()
        if node.type == "command_name":
            names.add(source[node.start_byte : node.end_byte].decode())
        nodes += node.children
    return names
