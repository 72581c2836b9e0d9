"""The C++ that the guide and the README show stands in programs that are compiled and run.

    <!-- snippet: 02_timeouts.cpp limit -->     the next block is the region `limit` of that file
    ```cpp
    ...
    ```
    <!-- snippet-table: 12_from_asyncio.cpp --> the code in the last column of the next table stands in that file

A region lies between the comments `// [name]` and `// [/name]`, loses its common indent, and may contain others. Files
are those of docs/guide/snippets; a name with a slash counts from the root.
"""

from __future__ import annotations

import re
import textwrap
from dataclasses import dataclass

from .tree import Finding, Tree

SNIPPETS = "docs/guide/snippets/"
OTHER_LANGUAGES = {"text", "sh", "cmake"}

_MARKER = re.compile(r"^<!-- (snippet|snippet-table): (\S+)(?: (\S+))? -->$")
_FENCE = re.compile(r"^```(\S*)$")
_REGION = re.compile(r"^\s*// \[(/?)([\w-]+)\]$")


@dataclass
class Block:
    """A fenced block: its marker, if it has one, and its lines' numbers in the file."""

    line: int
    language: str
    marker: tuple[str, str] | None
    first: int
    last: int  # behind the block's last line


def pages(tree: Tree) -> list[str]:
    return [path for path in tree.paths if path == "README.md" or re.fullmatch(r"docs/guide/[^/]+\.md", path)]


def check(tree: Tree) -> list[Finding]:
    findings = []
    shown: set[tuple[str, str]] = set()
    for path in pages(tree):
        findings += _check_page(tree, path, shown)
    for file in tree.cpp(SNIPPETS):
        regions, problems = read_regions(file.lines)
        findings += [Finding(file.path, line, message) for line, message in problems]
        for name, (line, _) in regions.items():
            if (file.path, name) not in shown:
                findings.append(Finding(file.path, line, f"no page shows the region {name}"))
    return findings


def write(tree: Tree) -> list[str]:
    """Brings the blocks of all pages up to date; gives the pages that changed."""
    changed = []
    for path in pages(tree):
        lines = list(tree.file(path).lines)
        for block in reversed(read_blocks(lines)[0]):
            wanted = _wanted(tree, block)
            if isinstance(wanted, list):
                lines[block.first : block.last] = wanted
        if lines != tree.file(path).lines:
            (tree.root / path).write_text("\n".join(lines) + "\n", encoding="utf-8")
            changed.append(path)
    return changed


def _check_page(tree: Tree, path: str, shown: set[tuple[str, str]]) -> list[Finding]:
    lines = tree.file(path).lines
    blocks, strays = read_blocks(lines)
    findings = [Finding(path, line, "nothing to show follows this marker") for line in strays]
    for block in blocks:
        if block.language in OTHER_LANGUAGES and block.marker is None:
            continue
        if block.language != "cpp":
            findings.append(Finding(path, block.line, f"a block of '{block.language}': cpp, text, sh or cmake"))
            continue
        wanted = _wanted(tree, block)
        if isinstance(wanted, str):
            findings.append(Finding(path, block.line, wanted))
            continue
        shown.add((_resolve(block.marker[0]), block.marker[1]))
        if wanted != lines[block.first : block.last]:
            message = f"differs from {' '.join(block.marker)}: run tools/snippets --write"
            findings.append(Finding(path, block.line, message))
    return findings + _check_tables(tree, path)


def _check_tables(tree: Tree, path: str) -> list[Finding]:
    lines = tree.file(path).lines
    findings = []
    for number, line in enumerate(lines, 1):
        marker = _MARKER.match(line)
        if not marker or marker[1] != "snippet-table":
            continue
        source = _resolve(marker[2])
        if source not in tree.paths:
            findings.append(Finding(path, number, f"there is no {source}"))
            continue
        program = _squeezed(tree.file(source).text)
        row = number  # the line behind the marker, counted from zero
        while row < len(lines) and lines[row].startswith("|"):
            for code in re.findall(r"`([^`]+)`", lines[row].rstrip("| ").rsplit(" | ", 1)[-1]):
                if _squeezed(code) not in program:
                    findings.append(Finding(path, row + 1, f"`{code}` does not stand in {source}"))
            row += 1
        if row == number:
            findings.append(Finding(path, number, "nothing to show follows this marker"))
    return findings


def _squeezed(code: str) -> str:
    return re.sub(r"\s+", "", code)


def _resolve(name: str) -> str:
    return name if "/" in name else SNIPPETS + name


def _wanted(tree: Tree, block: Block) -> list[str] | str | None:
    """The lines the block should have; a message where there are none; None where the block is not ours."""
    if block.language != "cpp":
        return None
    if block.marker is None:
        return "C++ that no program stands behind: put a snippet marker before it"
    source = _resolve(block.marker[0])
    if source not in tree.paths:
        return f"there is no {source}"
    regions, _ = read_regions(tree.file(source).lines)
    if block.marker[1] not in regions:
        return f"{source} has no region {block.marker[1] or '(a name is missing)'}"
    return regions[block.marker[1]][1]


def read_blocks(lines: list[str]) -> tuple[list[Block], list[int]]:
    """The fenced blocks of a page, and the lines of markers that no block follows."""
    blocks: list[Block] = []
    strays = []
    marker: tuple[int, str, str] | None = None
    opened: Block | None = None
    for index, line in enumerate(lines):
        fence = _FENCE.match(line)
        if opened is not None:
            if line == "```":
                opened.last = index
                blocks.append(opened)
                opened = None
            continue
        found = _MARKER.match(line)
        if marker is not None and not fence:
            strays.append(marker[0])
            marker = None
        if fence:
            opened = Block(index + 1, fence[1], marker and marker[1:], index + 1, len(lines))
            marker = None
        elif found and found[1] == "snippet":
            marker = (index + 1, found[2], found[3] or "")
    if marker is not None:
        strays.append(marker[0])
    if opened is not None:
        blocks.append(opened)
    return blocks, strays


def read_regions(lines: list[str]) -> tuple[dict[str, tuple[int, list[str]]], list[tuple[int, str]]]:
    """Name -> (line, text) of every region, and what is wrong with the markers."""
    regions: dict[str, tuple[int, list[str]]] = {}
    opened: dict[str, tuple[int, list[str]]] = {}
    problems = []
    for number, line in enumerate(lines, 1):
        marker = _REGION.match(line)
        if not marker:
            for _, text in opened.values():
                text.append(line)
        elif marker[1]:
            if marker[2] in opened:
                at, text = opened.pop(marker[2])
                regions[marker[2]] = (at, textwrap.dedent("\n".join(text)).split("\n"))
            else:
                problems.append((number, f"region {marker[2]} ends here but was not begun"))
        elif marker[2] in opened or marker[2] in regions:
            problems.append((number, f"a second region {marker[2]}"))
        else:
            opened[marker[2]] = (number, [])
    problems += [(at, f"region {name} does not end") for name, (at, _) in opened.items()]
    return regions, problems
