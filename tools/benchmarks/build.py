"""Builds what is measured: eddy's programs by the preset clang-release, the peers into build/peers."""

from __future__ import annotations

import os
import shutil
import subprocess
import sys
from pathlib import Path

PRESET = "clang-release"
DEBIAN_CRATES = Path("/usr/share/cargo/registry")


def everything(root: Path) -> dict[str, Path]:
    """The programs by name; a peer that cannot be built is missing."""
    programs = eddy(root)
    folder = root / "build" / "peers"
    folder.mkdir(parents=True, exist_ok=True)
    for builder in (cpp, tokio, go):
        programs.update(builder(root / "bench" / "peers", folder))
    for name in ("nginx", "wrk", "h2load", "curl", "openssl"):
        found = shutil.which(name, path=os.environ["PATH"] + ":/usr/sbin")
        if found:
            programs[name] = Path(found)
    return programs


def eddy(root: Path, *targets: str) -> dict[str, Path]:
    """Eddy's own programs by name; those of `targets` are built, or all."""
    build = root / "build" / PRESET
    if not (build / "build.ninja").exists():
        subprocess.run(["cmake", "--preset", PRESET], cwd=root, check=True)
    jobs = os.environ.get("EDDY_JOBS") or str(os.cpu_count() or 2)
    wanted = targets or ("eddy_bench", "eddy_command")
    subprocess.run(["cmake", "--build", "--preset", PRESET, "-j", jobs, "--target", *wanted], cwd=root, check=True)
    return {path.name: path for path in [*build.glob("bench_*"), build / "eddy"] if path.is_file()}


def cpp(sources: Path, folder: Path) -> dict[str, Path]:
    built = {}
    for source in sorted(sources.glob("*.cpp")):
        program = folder / source.stem
        words = ["clang++-19", "-std=c++20", "-O3", "-DNDEBUG", "-o", str(program), str(source)]
        if fresh(program, [source, *sources.glob("*.hpp")]) or succeeds(words):
            built[program.name] = program
    return built


def tokio(sources: Path, folder: Path) -> dict[str, Path]:
    if not shutil.which("cargo") or not DEBIAN_CRATES.is_dir():
        return missing("Tokio and hyper", "cargo, librust-tokio-dev, librust-hyper-dev")
    place = folder / "tokio"
    names = [source.stem for source in sorted((sources / "tokio" / "src" / "bin").glob("*.rs"))]
    built = {name: place / "target" / "release" / name for name in names}
    inputs = [path for path in (sources / "tokio").rglob("*") if path.is_file()]
    if all(fresh(program, inputs) for program in built.values()):
        return built
    shutil.copytree(sources / "tokio", place, dirs_exist_ok=True)
    (place / ".cargo").mkdir(exist_ok=True)
    (place / ".cargo" / "config.toml").write_text(
        f'[source.crates-io]\nreplace-with = "debian"\n[source.debian]\ndirectory = "{DEBIAN_CRATES}"\n'
    )
    return built if succeeds(["cargo", "build", "--release", "--offline", "--quiet"], place) else {}


def go(sources: Path, folder: Path) -> dict[str, Path]:
    if not shutil.which("go"):
        return missing("Go", "golang-go")
    program = folder / "go_peer"
    source = sources / "go" / "main.go"
    environment = {"GO111MODULE": "off", "GOCACHE": str(folder / "go-cache"), "GOFLAGS": ""}
    words = ["go", "build", "-o", str(program), str(source)]
    return {program.name: program} if fresh(program, [source]) or succeeds(words, None, environment) else {}


def fresh(program: Path, sources: list[Path]) -> bool:
    return program.exists() and all(program.stat().st_mtime > source.stat().st_mtime for source in sources)


def missing(what: str, packages: str) -> dict[str, Path]:
    print(f"tools/bench: no {what}: install {packages}", file=sys.stderr)
    return {}


def succeeds(words: list[str], place: Path | None = None, environment: dict[str, str] | None = None) -> bool:
    done = subprocess.run(words, cwd=place, env={**os.environ, **(environment or {})}, capture_output=True, text=True)
    if done.returncode != 0:
        print(f"tools/bench: {' '.join(words)} failed:\n{done.stderr[-2000:]}", file=sys.stderr)
    return done.returncode == 0
