"""Every public operation that can suspend is exposed to cancellation and errors at every point by some test.

An operation is a function of a public header, below the modules of tools/everywhere.toml, that gives a task, or one of
the awaitable objects named *_operation. It is written <module>/<header>.<function>. A test names those it exposes in a
line `// Exposes: ...` before it. What is no operation for users, or is exposed for a reason not, stands in the table.
"""

from __future__ import annotations

import re

from .tree import Finding, Tree, line_of

TABLE = "tools/everywhere.toml"
# In code without comments and literals. A declaration may span lines, but no brace, semicolon or access specifier.
_TASK = r"(?:eddy::)?task<[^;{}()]*?>"
_AWAITABLE = r"(?:[\w:]+::)?(?:\w+_operation|next_\w+)(?:<[^;{}()]*?>)?"
_PARAMETERS = r"\((?P<rest>(?:[^;{}]|\{\})*?)\s*(?:;|\{(?!\}))"
_PATTERNS = [
    re.compile(rf"(?<![\w<,:(.])(?<![<,(] )(?<!-> ){_TASK}\s+(?P<name>\w+){_PARAMETERS}"),
    re.compile(rf"\[\[nodiscard\]\]\s+(?:static |inline )*{_AWAITABLE}\s+(?P<name>\w+){_PARAMETERS}"),
    re.compile(r"\bauto\s+(?P<name>\w+)\((?:[^;{}]|\{\})*?\)[^;{}()]*->\s*(?:eddy::)?task<"),
    re.compile(r"\bauto\s+(?P<name>\w+)\([^;{}]*\)[^;{}()]*\{\s*return\s+[^;]*?(?:_operation|_call_of)\b"),
]
_EXPOSES = re.compile(r"^//\s*Exposes:(.*)$", re.MULTILINE)
_TEST = re.compile(r"^[A-Z_]*TEST[A-Z_]*\(", re.MULTILINE)


def check(tree: Tree) -> list[Finding]:
    table = tree.toml(TABLE)
    modules, exempt = table["modules"], table["exempt"]
    declared = _declared(tree, modules)
    exposed = _exposed(tree)
    findings = []
    for name, (path, line) in sorted(declared.items()):
        header = name.rsplit(".", 1)[0]
        reasons = [key for key in (name, header) if key in exempt]
        if name in exposed and reasons:
            findings.append(Finding(TABLE, 1, f"{reasons[0]} is exempt, but {name} is exposed by a test"))
        elif name not in exposed and not reasons:
            findings.append(Finding(path, line, f"no test exposes {name}: see {TABLE}"))
    for name, (path, line) in sorted(exposed.items()):
        if name.split("/")[0] in modules and name not in declared:
            findings.append(Finding(path, line, f"{name} is no operation of a public header"))
        elif not _is_called(name.rsplit(".", 1)[1], tree, path):
            findings.append(Finding(path, line, f"{name} is named, but never called here"))
    headers = {name.rsplit(".", 1)[0] for name in declared}
    for key, reason in exempt.items():
        if key not in declared and key not in headers:
            findings.append(Finding(TABLE, 1, f"{key} is exempt, but does not exist"))
        if not reason.strip():
            findings.append(Finding(TABLE, 1, f"{key} is exempt without a reason"))
    return findings


def _is_called(function: str, tree: Tree, path: str) -> bool:
    """In the test's file, or in a header beside it that it includes."""
    if function == "operator":  # called without its name
        return True
    here = tree.file(path)
    beside = [f"{path.rsplit('/', 1)[0]}/{name}" for name in re.findall(r'^#include "([^"]+)"', here.text, re.MULTILINE)]
    files = [here, *(tree.file(name) for name in beside if name in tree.paths)]
    return any(re.search(rf"\b{function}\b[<(]", file.code) for file in files)


def _declared(tree: Tree, modules: list[str]) -> dict[str, tuple[str, int]]:
    found: dict[str, tuple[str, int]] = {}
    for module in modules:
        for file in tree.cpp(f"include/eddy/{module}/"):
            header = file.path.removeprefix("include/eddy/").removesuffix(".hpp")
            for match in (match for pattern in _PATTERNS for match in pattern.finditer(file.code)):
                rest = match.groupdict().get("rest") or ""
                if not re.search(r"\b(?:override|final)\b|=\s*0$", rest):
                    found.setdefault(f"{header}.{match['name']}", (file.path, line_of(file.code, match.start("name"))))
    return found


def _exposed(tree: Tree) -> dict[str, tuple[str, int]]:
    found: dict[str, tuple[str, int]] = {}
    for file in tree.cpp("tests/"):
        for match in _EXPOSES.finditer(file.text):
            if not _TEST.search(file.text, match.end()):
                continue
            for name in match[1].split():
                found.setdefault(name, (file.path, line_of(file.text, match.start())))
    return found
