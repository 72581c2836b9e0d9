"""Checks that run other programs: clang-format, the compilers over every public header, clang-tidy."""

from __future__ import annotations

import hashlib
import json
import os
import re
import shutil
import subprocess
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path

from .tree import Finding, SourceFile, Tree

FORMATTER = "clang-format-19"
TIDY = "clang-tidy-19"
# One compiler: both use the same standard library, and the other compiles every header in its presets.
COMPILER = "clang++-19"
FLAGS = ["-std=c++23", "-fsyntax-only", "-Wall", "-Wextra", "-Wpedantic", "-Wshadow", "-Wconversion"]
FLAGS += ["-Wsign-conversion", "-Werror"]

_DIAGNOSTIC = re.compile(r"^(.+?):(\d+):\d+: (?:fatal )?(?:error|warning): (.*)$", re.MULTILINE)


def jobs() -> int:
    return int(os.environ.get("EDDY_JOBS") or os.cpu_count() or 2)


def check_format(tree: Tree) -> list[Finding]:
    if not shutil.which(FORMATTER):
        return [Finding("tools/setup", 1, f"{FORMATTER} is missing: run tools/setup")]
    paths = [file.path for file in tree.cpp()]
    batches = [paths[start : start + 20] for start in range(0, len(paths), 20)]

    def run(batch: list[str]) -> dict[str, int]:
        command = [FORMATTER, "--dry-run", "-Werror", "--ferror-limit=1", *batch]
        output = subprocess.run(command, cwd=tree.root, capture_output=True, text=True).stderr
        first: dict[str, int] = {}
        for match in _DIAGNOSTIC.finditer(output):
            first.setdefault(match[1], int(match[2]))
        return first

    with ThreadPoolExecutor(jobs()) as pool:
        unformatted = {path: line for first in pool.map(run, batches) for path, line in first.items()}
    message = f"not formatted: run {FORMATTER} -i on it"
    return [Finding(path, line, message) for path, line in sorted(unformatted.items())]


def check_headers(tree: Tree) -> list[Finding]:
    """Every public header compiles alone, and twice. What passed is remembered by content."""
    if not shutil.which(COMPILER):
        return [Finding("tools/setup", 1, f"{COMPILER} is missing: run tools/setup")]
    cache_path = tree.root / "build" / "check" / "headers.json"
    passed = set(json.loads(cache_path.read_text())) if cache_path.is_file() else set()
    version = subprocess.run([COMPILER, "--version"], check=True, capture_output=True, text=True).stdout
    headers = [file for file in tree.cpp("include/") if file.path.endswith(".hpp")]
    work = [(file, _key(tree, file, version)) for file in headers]

    def run(item: tuple[SourceFile, str]) -> list[Finding]:
        file, key = item
        return [] if key in passed else _compile_alone(tree, file)

    with ThreadPoolExecutor(jobs()) as pool:
        results = list(pool.map(run, work))
    cache_path.parent.mkdir(parents=True, exist_ok=True)
    good = sorted(key for (_, key), findings in zip(work, results) if not findings)
    cache_path.write_text(json.dumps(good))
    return [finding for findings in results for finding in findings]


def _key(tree: Tree, file: SourceFile, version: str) -> str:
    """A hash of the header and of every project header it reaches, of the compiler and of its flags."""
    reached: dict[str, str] = {}
    waiting = [file.path]
    while waiting:
        path = waiting.pop()
        if path in reached or not (tree.root / path).is_file():
            continue
        reached[path] = tree.file(path).text
        waiting += [f"include/{i.target}" for i in tree.file(path).includes if i.target.startswith("eddy/")]
    parts = [file.path, version, *FLAGS]
    for path in sorted(reached):
        parts += [path, reached[path]]
    return hashlib.sha256("\0".join(parts).encode()).hexdigest()


def _compile_alone(tree: Tree, file: SourceFile) -> list[Finding]:
    name = file.path.removeprefix("include/")
    source = f"#include <{name}>\n#include <{name}>\n"
    command = [COMPILER, *FLAGS, "-Iinclude", "-x", "c++", "-"]
    done = subprocess.run(command, cwd=tree.root, input=source, capture_output=True, text=True)
    if done.returncode == 0:
        return []
    first = _DIAGNOSTIC.search(done.stderr)
    message = "does not compile alone"
    if first is None:
        return [Finding(file.path, 1, f"{message}: {done.stderr.strip()[:300]}")]
    if first[1] == file.path:
        return [Finding(file.path, int(first[2]), f"{message}: {first[3]}")]
    return [Finding(file.path, 1, f"{message}: {first[1]}:{first[2]}: {first[3]}")]


def check_tidy(tree: Tree) -> list[Finding]:
    """clang-tidy over the library's sources, with the compile commands of the preset clang-debug."""
    if not shutil.which(TIDY):
        return [Finding("tools/setup", 1, f"{TIDY} is missing: run tools/setup")]
    build = tree.root / "build" / "clang-debug"
    subprocess.run(["cmake", "--preset", "clang-debug"], cwd=tree.root, check=True, stdout=subprocess.DEVNULL)
    sources = [file.path for file in tree.cpp("src/", "apps/") if file.path.endswith(".cpp")]

    def run(path: str) -> set[tuple[str, int, str]]:
        command = [TIDY, "--quiet", "-p", str(build), path]
        done = subprocess.run(command, cwd=tree.root, capture_output=True, text=True)
        found = {(_relative(tree, m[1]), int(m[2]), m[3]) for m in _DIAGNOSTIC.finditer(done.stdout)}
        if done.returncode != 0 and not found:
            found.add((path, 1, f"{TIDY} failed: {done.stderr.strip()[-300:]}"))
        return found

    with ThreadPoolExecutor(jobs()) as pool:
        found = set().union(*pool.map(run, sources))
    return [Finding(*item) for item in sorted(found)]


def _relative(tree: Tree, path: str) -> str:
    full = Path(path)
    return str(full.relative_to(tree.root)) if full.is_relative_to(tree.root) else path
