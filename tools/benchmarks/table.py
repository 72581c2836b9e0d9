"""Results as a Markdown table."""

from __future__ import annotations

import platform
import re
import subprocess
from pathlib import Path

from .rows import Result

BEGIN = "<!-- tools/bench writes from here -->"
END = "<!-- to here -->"
OWN = "eddy"
OTHER_DRIVER = "eddy, epoll"


def markdown(results: list[Result]) -> str:
    seen = dict.fromkeys(name for result in results for name in result.cells)
    competitors = list(dict.fromkeys([OWN, *(name for name in [OTHER_DRIVER] if name in seen), *seen]))
    lines = ["| " + " | ".join(["workload", "unit", *competitors, "eddy : best peer"]) + " |"]
    lines.append("|---|---|" + "---:|" * (len(competitors) + 1))
    for result in results:
        figures = [figure(result.cells.get(name)) for name in competitors]
        lines.append("| " + " | ".join([result.workload, result.unit, *figures, ratio(result)]) + " |")
    return "\n".join(lines)


def ratio(result: Result) -> str:
    """Above 1 where eddy is better."""
    own = result.cells.get(OWN)
    peers = [value for name, value in result.cells.items() if name not in (OWN, OTHER_DRIVER) and value > 0]
    if not own or not peers:
        return ""
    return f"{own / max(peers):.2f}" if result.more_is_better else f"{min(peers) / own:.2f}"


def figure(value: float | None) -> str:
    if value is None:
        return ""
    return f"{value:,.0f}" if value >= 100 else f"{value:.3g}"


def machine(awake: bool) -> str:
    cpu = re.search(r"model name\s*: (.*)", Path("/proc/cpuinfo").read_text())
    versions = [version(*words) for words in (["clang++-19", "--version"], ["nginx", "-v"], ["rustc", "--version"], ["go", "version"])]
    idle = "idle processors poll" if awake else ""
    return ", ".join(filter(None, [cpu[1] if cpu else "", f"Linux {platform.release()}", idle, *versions])) + "."


def version(*words: str) -> str:
    try:
        done = subprocess.run(words, capture_output=True, text=True)
    except FileNotFoundError:
        return ""
    return (done.stdout + done.stderr).splitlines()[0].strip()


def write(page: Path, text: str) -> None:
    """Replaces what stands between the marks."""
    before, rest = page.read_text().split(BEGIN)
    _, after = rest.split(END)
    page.write_text(f"{before}{BEGIN}\n\n{text}\n\n{END}{after}")
