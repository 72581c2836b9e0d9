"""Nothing of the machine a change was made on, and no names that say nothing."""

from __future__ import annotations

import re
from pathlib import PurePosixPath

from .tree import Finding, Tree

# Bracketed letters keep the patterns from finding themselves.
EVERYWHERE = [
    (re.compile(r"(?<![\w.])/(?:wor[k]|hom[e]|roo[t]|User[s])/[\w.]"), "a path of one machine"),
    (re.compile(r"\b(?:registr[y]|mirro[r]|artifactor[y]|nexu[s])\.[\w-]+\.[a-z]{2,}"), "the host of a package registry"),
    (re.compile(r"\b[\w-]+\.interna[l]\b(?!\()"), "a host name of a private network"),
]
IN_CODE = [(re.compile(r"(?<![\w.])/tm[p]/"), "a fixed temporary path: ask the system for one")]
CODE_FOLDERS = ("include/", "src/", "tests/", "apps/", "examples/", "bench/")
EMPTY_NAMES = {"util", "utils", "utility", "common", "helper", "helpers", "manager", "misc"}
BINARY = {".png", ".ico", ".gz", ".bin", ".pem", ".der"}


def check(tree: Tree) -> list[Finding]:
    findings = []
    for path in tree.paths:
        words = set(re.split(r"[/_.-]", path.lower()))
        for word in sorted(words & EMPTY_NAMES):
            findings.append(Finding(path, 1, f"'{word}' says nothing: name the file after what it holds"))
        if PurePosixPath(path).suffix in BINARY:
            continue
        patterns = EVERYWHERE + (IN_CODE if path.startswith(CODE_FOLDERS) else [])
        for number, line in enumerate(_lines(tree, path), 1):
            for pattern, what in patterns:
                match = pattern.search(line)
                if match:
                    findings.append(Finding(path, number, f"'{match.group()}': {what}"))
    return findings


def _lines(tree: Tree, path: str) -> list[str]:
    try:
        return tree.file(path).lines
    except UnicodeDecodeError:
        return []
