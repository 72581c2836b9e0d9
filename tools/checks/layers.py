"""Includes follow layers.toml; programs see public headers only; `testing` is used by tests only."""

from __future__ import annotations

import posixpath

from .tree import Finding, Include, SourceFile, Tree, module_of

PROGRAMS = ("apps/", "examples/", "bench/")


def check(tree: Tree) -> list[Finding]:
    findings = _check_table(tree) + _check_cmake(tree)
    for file in tree.cpp("include/", "src/"):
        findings += _check_library_file(tree, file)
    for file in tree.cpp(*PROGRAMS):
        findings += _check_program_file(tree, file)
    for file in tree.cpp("docs/"):
        findings += _check_quoted(tree, file, ("docs/guide/snippets",))
    for file in tree.cpp("tests/"):
        findings += _check_quoted(tree, file, ("tests", f"src/{module_of(file.path)}"))
    return findings


def _check_table(tree: Tree) -> list[Finding]:
    lines = (tree.root / "layers.toml").read_text(encoding="utf-8").splitlines()
    findings = []
    lower: set[str] = set()
    for module, allowed in tree.layers.items():
        row = next((n for n, text in enumerate(lines, 1) if text.startswith(f"{module} =")), 1)
        for other in allowed:
            if other not in lower:
                message = f"{module} may not depend on {other}: it does not stand on an earlier line"
                findings.append(Finding("layers.toml", row, message))
        lower.add(module)
    return findings


def _check_cmake(tree: Tree) -> list[Finding]:
    findings = []
    for module, (line, depends) in tree.built_modules.items():
        if module not in tree.layers:
            findings.append(Finding("CMakeLists.txt", line, f"module {module} is not in layers.toml"))
            continue
        for other in sorted(depends - set(tree.layers[module])):
            message = f"module {module} DEPENDS {other}, which layers.toml does not allow"
            findings.append(Finding("CMakeLists.txt", line, message))
    return findings


def _check_library_file(tree: Tree, file: SourceFile) -> list[Finding]:
    module = module_of(file.path)
    if module is None:
        return _check_umbrella(file)
    if module not in tree.layers:
        return [Finding(file.path, 1, f"module {module} is not in layers.toml")]
    findings = []
    for include in file.includes:
        problem = _edge_problem(tree, module, include)
        if problem:
            findings.append(Finding(file.path, include.line, problem))
    own = (f"src/{module}",) if file.path.startswith("src/") else ()
    return findings + _check_quoted(tree, file, own)


def _check_umbrella(file: SourceFile) -> list[Finding]:
    return [
        Finding(file.path, include.line, "the umbrella header leaves out testing and detail headers")
        for include in file.includes
        if include.target.startswith("eddy/testing/") or "/detail/" in include.target
    ]


def _edge_problem(tree: Tree, module: str, include: Include) -> str | None:
    parts = include.target.split("/")
    if parts[0] != "eddy" or include.quoted:
        return None
    if len(parts) == 2:
        return f"<{include.target}> is for users; include the headers that are needed"
    other = parts[1]
    if other == module:
        return None
    if other not in tree.layers[module]:
        return f"{module} may not include <{include.target}>: layers.toml has no edge {module} -> {other}"
    if parts[2] == "detail":
        return f"<{include.target}> is private to {other}"
    if module in tree.built_modules and other not in tree.built_modules[module][1]:
        return f"{module} includes <{include.target}>, but its DEPENDS in CMakeLists.txt lacks {other}"
    return None


def _check_program_file(tree: Tree, file: SourceFile) -> list[Finding]:
    findings = []
    for include in file.includes:
        if not include.quoted and include.target.startswith("eddy/") and "/detail/" in include.target:
            findings.append(Finding(file.path, include.line, f"<{include.target}> is private to its module"))
        if not include.quoted and include.target.startswith("eddy/testing/"):
            findings.append(Finding(file.path, include.line, "eddy/testing is for tests"))
    top = "/".join(file.path.split("/")[: 2 if file.path.startswith("apps/") else 1])
    return findings + _check_quoted(tree, file, (top,))


def _check_quoted(tree: Tree, file: SourceFile, folders: tuple[str, ...]) -> list[Finding]:
    """A header in quotes is found beside the including file or in one of `folders`, and lies inside one of them."""
    findings = []
    for include in file.includes:
        if not include.quoted:
            continue
        starts = (posixpath.dirname(file.path), *folders)
        found = (posixpath.normpath(posixpath.join(start, include.target)) for start in starts)
        if not any(p.startswith(tuple(f + "/" for f in folders)) and (tree.root / p).is_file() for p in found):
            places = " or ".join(folders) or "nowhere: public headers are included as <eddy/...>"
            message = f'"{include.target}": headers in quotes come from {places}'
            findings.append(Finding(file.path, include.line, message))
    return findings
