"""Calls into the outside world stand in the drivers only: tools/banned.toml has the rules and the exceptions."""

from __future__ import annotations

import re

from .tree import Finding, Tree, line_of

RULES = "tools/banned.toml"


def check(tree: Tree) -> list[Finding]:
    table = tree.toml(RULES)
    allowed = {(entry["path"], entry["rule"]): entry["reason"] for entry in table.get("allow", [])}
    free = tuple(table["free"])
    used = set()
    findings = []
    for file in tree.cpp():
        if file.path.startswith(free):
            continue
        for rule in table["rule"]:
            for match in re.finditer(rule["pattern"], file.code):
                if (file.path, rule["name"]) in allowed:
                    used.add((file.path, rule["name"]))
                    continue
                call = " ".join(match.group().split()).rstrip("( ")
                message = f"banned call {call} ({rule['name']}): use {rule['instead']}"
                findings.append(Finding(file.path, line_of(file.code, match.start()), message))
    for path, rule in sorted(set(allowed) - used):
        findings.append(Finding(RULES, 1, f"the exception of {path} for '{rule}' is not needed"))
    return findings
