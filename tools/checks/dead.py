"""Every C++ file is built by something: sources by their folder, headers because somebody includes them."""

from __future__ import annotations

import posixpath

from .tree import Finding, SourceFile, Tree


def check(tree: Tree) -> list[Finding]:
    included = _included(tree)
    findings = []
    for file in tree.cpp():
        if file.path.endswith(".cpp") and not _is_built(tree, file.path):
            findings.append(Finding(file.path, 1, "nothing builds this file: CMake does not look for it here"))
        if file.path.endswith(".hpp") and not file.path.startswith("include/") and file.path not in included:
            findings.append(Finding(file.path, 1, "nobody includes this header"))
        if file.path.startswith("include/") and not _is_installed(tree, file.path):
            findings.append(Finding(file.path, 1, "public headers stand in include/eddy/<module> of a built module"))
    return findings


def _is_built(tree: Tree, path: str) -> bool:
    parts = path.split("/")
    if path == "tests/main.cpp" or path.startswith(("tests/consumer/", "tests/compile_fail/")):
        return True
    if parts[0] == "src":
        return parts[1] in tree.built_modules
    if parts[0] == "tests":
        return len(parts) > 2 and (parts[1] in tree.built_modules or parts[1] in tree.built_apps)
    if parts[0] == "apps":
        return len(parts) > 2 and parts[1] in tree.built_apps
    if parts[0] in ("examples", "fuzz"):
        return len(parts) == 2
    return parts[0] == "bench" or (path.startswith("docs/guide/snippets/") and len(parts) == 4)


def _is_installed(tree: Tree, path: str) -> bool:
    parts = path.split("/")
    return parts[1] == "eddy" and (len(parts) == 3 or parts[2] in tree.built_modules)


def _included(tree: Tree) -> set[str]:
    found = set()
    for file in tree.cpp():
        for include in file.includes:
            if include.quoted:
                found.update(_candidates(file, include.target))
    return found


def _candidates(file: SourceFile, target: str) -> list[str]:
    parts = file.path.split("/")
    starts = [posixpath.dirname(file.path), "/".join(parts[:2]), parts[0]]
    if parts[0] == "tests" and len(parts) > 2:
        starts.append(f"src/{parts[1]}")
    return [posixpath.normpath(posixpath.join(start, target)) for start in starts]
