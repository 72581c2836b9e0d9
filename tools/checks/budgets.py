"""Sizes: a public header up to 300 lines, a source up to 500, nothing above 1,000; a function up to 70 lines."""

from __future__ import annotations

import re

from .tree import Finding, SourceFile, Tree, line_of

HEADER_LINES = 300
SOURCE_LINES = 500
ANY_LINES = 1000
FUNCTION_LINES = 70
COLUMNS = 120

TEXT_SUFFIXES = (".cpp", ".hpp", ".py", ".cmake", ".md", ".toml")


def check(tree: Tree) -> list[Finding]:
    findings = []
    for path in tree.paths:
        if path.endswith(TEXT_SUFFIXES) or path.startswith("tools/"):
            findings += _check_length(tree.file(path))
    for file in tree.cpp():
        findings += _check_columns(file) + _check_functions(file)
    return findings


def _limit(path: str) -> tuple[int, str]:
    if path.startswith("include/"):
        return HEADER_LINES, "a public header"
    if path.startswith(("src/", "apps/", "examples/", "bench/", "tools/")):
        return SOURCE_LINES, "a source"
    return ANY_LINES, "a file"


def _check_length(file: SourceFile) -> list[Finding]:
    limit, kind = _limit(file.path)
    count = len(file.lines)
    if count <= limit:
        return []
    return [Finding(file.path, limit + 1, f"{count} lines, {kind} may have {limit}")]


def _check_columns(file: SourceFile) -> list[Finding]:
    return [
        Finding(file.path, number, f"{len(line)} columns, a line may have {COLUMNS}")
        for number, line in enumerate(file.lines, 1)
        if len(line) > COLUMNS
    ]


def _check_functions(file: SourceFile) -> list[Finding]:
    return [
        Finding(file.path, first, f"{last - first + 1} lines, a function may have {FUNCTION_LINES}")
        for first, last in functions(file.code)
        if last - first + 1 > FUNCTION_LINES
    ]


_CONTAINER = re.compile(r"^(?:export\s+|inline\s+|typedef\s+)*(?:namespace|class|struct|union|enum|extern)\b")
_TEMPLATE = re.compile(r"^\s*template\s*<")


def functions(code: str) -> list[tuple[int, int]]:
    """First and last line of every function body outside other functions, in text without comments and literals."""
    code = _without_preprocessor(code)
    found: list[tuple[int, int]] = []
    open_braces: list[tuple[str, int]] = []  # (kind, offset where its statement starts)
    start = 0  # of the statement being read
    parens = 0
    for match in re.finditer(r"[{}();]", code):
        at, char = match.start(), match.group()
        inside_body = any(kind == "body" for kind, _ in open_braces)
        if char == "(":
            parens += 1
        elif char == ")":
            parens -= 1
        elif char == ";" and parens == 0 and not inside_body:
            start = at + 1
        elif char == "{":
            kind = "value" if inside_body or parens else _kind(code[start:at])
            open_braces.append((kind, start))
            if kind == "container":
                start = at + 1
        elif char == "}" and open_braces:
            kind, first = open_braces.pop()
            if kind == "body":
                first += len(code[first:at]) - len(code[first:at].lstrip())
                found.append((line_of(code, first), line_of(code, at)))
            if kind != "value":
                start = at + 1
    return found


def _kind(statement: str) -> str:
    """What a brace after `statement`, outside functions, opens: "container", "body" or "value" (an initialiser)."""
    statement = _without_groups(statement.strip())
    statement = re.sub(r"^\s*(?:(?:public|private|protected)\s*:\s*)+", "", statement)
    while _TEMPLATE.match(statement):
        statement = _after_template(statement)
    statement = re.sub(r"\[\[.*?\]\]\s*", "", statement, flags=re.DOTALL).strip()
    if _CONTAINER.match(statement) and "(" not in statement:
        return "container"
    if "(" not in statement or "=" in statement[statement.rindex("(") :]:
        return "value"
    if re.search(r"\)\s*(?:noexcept\s*)?:(?!:)", statement) and re.search(r"[:,]\s*[\w:<>]+$", statement):
        return "value"  # a member's initialiser in braces; the constructor's body follows
    return "body"


def _after_template(statement: str) -> str:
    depth = 0
    for at, char in enumerate(statement):
        depth += (char == "<") - (char == ">")
        if char == ">" and depth == 0:
            return statement[at + 1 :].lstrip()
    return ""


def _without_groups(statement: str) -> str:
    """The statement with empty parentheses, so that default arguments do not look like initialisers."""
    depth = 0
    kept = []
    for char in statement:
        depth -= char == ")"
        if depth == 0:
            kept.append(char)
        depth += char == "("
    return "".join(kept)


def _without_preprocessor(code: str) -> str:
    """Without directives, and with the first branch only of every condition, so that braces match."""
    kept = []
    branches: list[bool] = []  # per open #if: are we past its first branch?
    continued = False
    for line in code.split("\n"):
        directive = re.match(r"\s*#\s*(\w+)", line)
        if directive and not continued:
            word = directive[1]
            if word in ("if", "ifdef", "ifndef"):
                branches.append(False)
            elif word in ("else", "elif", "elifdef", "elifndef") and branches:
                branches[-1] = True
            elif word == "endif" and branches:
                branches.pop()
        hidden = continued or directive is not None or any(branches)
        continued = (continued or directive is not None) and line.endswith("\\")
        kept.append(" " * len(line) if hidden else line)
    return "\n".join(kept)
