"""What every check looks at: the files of the repository, their text, and the text without comments."""

from __future__ import annotations

import os
import re
import subprocess
import tomllib
from dataclasses import dataclass
from functools import cached_property, lru_cache
from pathlib import Path

CPP = {".cpp", ".hpp"}
SKIPPED_FOLDERS = {".git", "build", ".cache", "__pycache__"}

# Order matters: a comment or literal is recognised where it starts, and whatever is inside is its own.
_TOKEN = re.compile(
    r"""(?P<comment>//(?:\\\n|[^\n])*|/\*.*?\*/)
      |(?P<raw>\b(?:u8|[uUL])?R"(?P<delimiter>[^()\\\s]{0,16})\(.*?\)(?P=delimiter)")
      |(?P<string>"(?:\\.|[^"\\\n])*")
      |(?P<number>\b\d(?:'\w|[\w.])*)
      |(?P<char>'(?:\\.|[^'\\\n])*')""",
    re.DOTALL | re.VERBOSE,
)
_INCLUDE = re.compile(r"^[ \t]*#[ \t]*include[ \t]*([<\"])([^>\"\n]+)[>\"]", re.MULTILINE)
_MODULE_CALL = re.compile(r"^[ \t]*eddy_module\(\s*(\w+)([^)]*)\)", re.MULTILINE)
_APP_CALL = re.compile(r"^[ \t]*eddy_app\(\s*(\w+)", re.MULTILINE)


@dataclass(frozen=True)
class Finding:
    path: str
    line: int
    message: str

    def __str__(self) -> str:
        return f"{self.path}:{self.line}: {self.message}"


@dataclass(frozen=True)
class Include:
    line: int
    quoted: bool
    target: str


def _blank(text: str) -> str:
    """Spaces in place of everything but line ends, so that lines and columns stay where they are."""
    return re.sub(r"[^\n]", " ", text)


class SourceFile:
    def __init__(self, root: Path, path: str) -> None:
        self.path = path
        self.text = (root / path).read_text(encoding="utf-8")

    @cached_property
    def without_comments(self) -> str:
        def replace(match: re.Match[str]) -> str:
            return _blank(match.group()) if match.lastgroup == "comment" else match.group()

        return _TOKEN.sub(replace, self.text)

    @cached_property
    def code(self) -> str:
        """Without comments, and with empty string and character literals. Includes of <...> are left."""

        def replace(match: re.Match[str]) -> str:
            return match.group() if match["number"] else _blank(match.group())

        return _TOKEN.sub(replace, self.text)

    @cached_property
    def includes(self) -> list[Include]:
        text = self.without_comments
        return [
            Include(line_of(text, match.start(2)), match[1] == '"', match[2].strip())
            for match in _INCLUDE.finditer(text)
        ]

    @cached_property
    def lines(self) -> list[str]:
        return self.text.splitlines()


def line_of(text: str, offset: int) -> int:
    return text.count("\n", 0, offset) + 1


class Tree:
    """A checkout of the repository: what git tracks or would track; a plain folder where there is no git."""

    def __init__(self, root: Path) -> None:
        self.root = root

    @cached_property
    def paths(self) -> list[str]:
        if (self.root / ".git").exists():
            command = ["git", "-C", str(self.root), "-c", f"safe.directory={self.root}"]
            command += ["ls-files", "-z", "--cached", "--others", "--exclude-standard"]
            listed = subprocess.run(command, check=True, capture_output=True, text=True)
            names = {name for name in listed.stdout.split("\0") if name}
        else:
            names = set(self._walk())
        return sorted(name for name in names if (self.root / name).is_file())

    def _walk(self) -> list[str]:
        found = []
        for folder, folders, files in os.walk(self.root):
            folders[:] = [name for name in folders if name not in SKIPPED_FOLDERS]
            found += [str((Path(folder) / name).relative_to(self.root)) for name in files]
        return found

    @lru_cache(maxsize=None)
    def file(self, path: str) -> SourceFile:
        return SourceFile(self.root, path)

    def cpp(self, *prefixes: str) -> list[SourceFile]:
        """The C++ files below the given folders, or all of them."""
        chosen = (path for path in self.paths if Path(path).suffix in CPP)
        return [self.file(path) for path in chosen if not prefixes or path.startswith(prefixes)]

    def toml(self, path: str) -> dict:
        return tomllib.loads((self.root / path).read_text(encoding="utf-8"))

    @cached_property
    def layers(self) -> dict[str, list[str]]:
        return self.toml("layers.toml")["modules"]

    @cached_property
    def built_modules(self) -> dict[str, tuple[int, set[str]]]:
        """Module -> (line, DEPENDS), as CMakeLists.txt states them."""
        text = (self.root / "CMakeLists.txt").read_text(encoding="utf-8")
        modules = {}
        for match in _MODULE_CALL.finditer(text):
            words = match[2].split()
            depends = set()
            if "DEPENDS" in words:
                for word in words[words.index("DEPENDS") + 1 :]:
                    if word in ("LIBS", "PUBLIC_LIBS"):
                        break
                    depends.add(word)
            modules[match[1]] = (line_of(text, match.start()), depends)
        return modules

    @cached_property
    def built_apps(self) -> set[str]:
        return set(_APP_CALL.findall((self.root / "CMakeLists.txt").read_text(encoding="utf-8")))


def module_of(path: str) -> str | None:
    """The module a file of include/eddy/, src/ or tests/ belongs to; None for the umbrella header and for programs."""
    parts = path.split("/")
    if parts[:2] == ["include", "eddy"] and len(parts) > 3:
        return parts[2]
    if parts[0] in ("src", "tests") and len(parts) > 2:
        return parts[1]
    return None
