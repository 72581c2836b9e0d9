"""What is measured: groups of rows, each with its programs and how one figure is taken."""

from __future__ import annotations

import re
import subprocess
import sys
from collections.abc import Callable, Iterator
from dataclasses import dataclass, field
from pathlib import Path
from statistics import median

from . import servers

WARM_UP = 0.3  # seconds of load before the first figure of a server
ECHO = {"eddy": ["bench_echo"], "Asio": ["asio_echo"], "Tokio": ["tokio_echo"], "Go": ["go_peer", "echo"]}
HTTP = {"eddy": ["bench_http_server"], "hyper": ["hyper_server"], "Go": ["go_peer", "http"]}


@dataclass(frozen=True)
class Setting:
    root: Path
    programs: dict[str, Path]
    tested: str  # the core of the tested program
    load: str  # those of its load
    rounds: int
    seconds: float


@dataclass
class Result:
    workload: str
    unit: str
    cells: dict[str, float] = field(default_factory=dict)  # by competitor
    more_is_better: bool = True


@dataclass(frozen=True)
class Row:
    workload: str
    unit: str
    more_is_better: bool = True


def measure(setting: Setting, group: str) -> list[Result]:
    print(f"tools/bench: {group}", file=sys.stderr, flush=True)
    return list(GROUPS[group](setting))


def rounds(setting: Setting, rows: dict[str, Row], takers: dict[str, Callable[[], dict[str, float]]]) -> Iterator[Result]:
    """Takes the figures of all competitors in turn, `rounds` times; rows and figures go by the metric's name."""
    taken: dict[str, dict[str, list[float]]] = {metric: {} for metric in rows}
    broken: set[str] = set()
    for _ in range(setting.rounds):
        for competitor, take in takers.items():
            if competitor in broken:
                continue
            try:
                figures = take()
            except (servers.Failed, subprocess.SubprocessError, OSError) as problem:
                print(f"tools/bench: {competitor}: {problem}", file=sys.stderr)
                broken.add(competitor)
                continue
            for metric in rows.keys() & figures.keys():
                taken[metric].setdefault(competitor, []).append(figures[metric])
    for metric, row in rows.items():
        cells = {competitor: median(values) for competitor, values in taken[metric].items() if competitor not in broken}
        yield Result(row.workload, row.unit, cells, row.more_is_better)


def figures_of(text: str) -> dict[str, float]:
    """The lines "metric value" of a program's output."""
    return {match[1]: float(match[2]) for match in re.finditer(r"^(\w+) ([\d.]+)$", text, re.MULTILINE)}


def run(setting: Setting, cores: str, *words: str, seconds: float = 120) -> str:
    done = subprocess.run(
        ["taskset", "-c", cores, *words], capture_output=True, text=True, timeout=seconds, cwd=setting.root
    )
    if done.returncode != 0:
        raise servers.Failed(f"{' '.join(words)} ended with {done.returncode}: {done.stderr.strip()[-300:]}")
    return done.stdout


# --- the runtime's own costs


def core(setting: Setting) -> Iterator[Result]:
    workloads: dict[str, dict[str, Row]] = {
        "w1": {
            "call_ns": Row("await a coroutine", "ns", False),
            "spawn_join_ns": Row("spawn and join one", "ns", False),
            "batch_ns": Row("spawn and join in batches of 1,000", "ns", False),
        },
        "w2": {"chan_ns": Row("queue round trip", "ns", False), "yield_ns": Row("yield", "ns", False)},
        "w3": {
            "sleep_over_ms": Row("100,000 sleeps of 1 to 100 ms, beyond the longest", "ms", False),
            "timer_cc_ns": Row("arm and cancel a timer", "ns", False),
        },
        "w4": {"g1000x1_ms": Row("1,000 sleeps of 1 ms together", "ms", False)},
        "w10": {"bytes_per_task": Row("memory of a sleeping task", "bytes", False)},
    }
    competitors = {"eddy": "bench_core", "Asio": "asio_core", "Tokio": "tokio_core"}
    for workload, rows in workloads.items():

        def taker(program: str, workload: str = workload) -> Callable[[], dict[str, float]]:
            return lambda: figures_of(run(setting, setting.tested, str(setting.programs[program]), workload))

        yield from rounds(setting, rows, {name: taker(p) for name, p in competitors.items() if p in setting.programs})


# --- servers under load


def server_rows(
    setting: Setting, row: Row, commands: dict[str, servers.Command], load: Callable[[int, float], float]
) -> Iterator[Result]:
    def taker(command: servers.Command) -> Callable[[], dict[str, float]]:
        def take() -> dict[str, float]:
            with servers.started(command, setting.tested) as server:
                load(server.port, WARM_UP)
                return {"figure": load(server.port, setting.seconds)}

        return take

    yield from rounds(setting, {"figure": row}, {name: taker(command) for name, command in commands.items()})


def own_load(setting: Setting, kind: str) -> Callable[[int, float], float]:
    return lambda port, seconds: loaded(setting, kind, port, seconds)["rate"]


def loaded(setting: Setting, kind: str, port: int, seconds: float, *rate: str) -> dict[str, float]:
    program = str(setting.programs["bench_load"])
    return figures_of(run(setting, setting.load, program, kind, str(port), "64", str(seconds), *rate))


def wrk(setting: Setting, path: str, *more: str, scheme: str = "http") -> Callable[[int, float], float]:
    def load(port: int, seconds: float) -> float:
        url = f"{scheme}://127.0.0.1:{port}{path}"
        length = f"{max(1, round(seconds))}s"
        words = [str(setting.programs["wrk"]), "-t2", "-c64", f"-d{length}", *more, url]
        text = run(setting, setting.load, *words)
        if "Non-2xx" in text:
            raise servers.Failed(f"{url}: answers other than 2xx")
        return float(re.search(r"Requests/sec:\s+([\d.]+)", text)[1])

    return load


def h2load(setting: Setting) -> Callable[[int, float], float]:
    def load(port: int, seconds: float) -> float:
        count = str(int(100_000 * seconds))
        words = [str(setting.programs["h2load"]), "-c1", "-m100", "-n", count, f"https://127.0.0.1:{port}/plaintext"]
        text = run(setting, setting.load, *words)
        if f"{count} 2xx" not in text:
            raise servers.Failed("h2load: answers other than 2xx")
        return float(re.search(r"([\d.]+) req/s", text)[1])

    return load


def download(setting: Setting, path: str, size: int) -> Callable[[int, float], float]:
    def load(port: int, seconds: float) -> float:
        url = f"http://127.0.0.1:{port}{path}"
        words = [str(setting.programs["curl"]), "-sSf", "-o", "/dev/null", "-w", "%{time_total} %{size_download}", url]
        elapsed, received = run(setting, setting.load, *words).split()
        if int(received) != size:
            raise servers.Failed(f"{url}: {received} of {size} bytes")
        return size / float(elapsed) / 1e6

    return load


def echo(setting: Setting) -> Iterator[Result]:
    commands = servers.commands(setting.programs, ECHO)
    row = Row("TCP echo, 64 connections", "messages/s")
    yield from server_rows(setting, row, commands, own_load(setting, "echo"))


def latency(setting: Setting) -> Iterator[Result]:
    """Of messages that come at 70 % of the rate that the same server reaches in the same round."""
    rows = {
        "p50_us": Row("{}: median latency at 70 % of its peak", "us", False),
        "p99_us": Row("{}: 99 % are faster", "us", False),
        "p999_us": Row("{}: 99.9 % are faster", "us", False),
    }

    def taker(kind: str, command: servers.Command) -> Callable[[], dict[str, float]]:
        def take() -> dict[str, float]:
            with servers.started(command, setting.tested) as server:
                loaded(setting, kind, server.port, WARM_UP)
                peak = loaded(setting, kind, server.port, setting.seconds)["rate"]
                return loaded(setting, kind, server.port, 2 * setting.seconds, str(0.7 * peak))

        return take

    with servers.nginx(setting.programs) as nginx:
        for kind, what, commands in (
            ("echo", "TCP echo", servers.commands(setting.programs, ECHO)),
            ("http", "HTTP plaintext", servers.commands(setting.programs, HTTP) | nginx.plain),
        ):
            named = {metric: Row(row.workload.format(what), row.unit, False) for metric, row in rows.items()}
            yield from rounds(setting, named, {name: taker(kind, command) for name, command in commands.items()})


def websocket(setting: Setting) -> Iterator[Result]:
    commands = servers.commands(
        setting.programs, {"eddy": ["bench_websocket_echo"], "Beast": ["beast_websocket"]}
    )
    row = Row("WebSocket echo, 64 connections", "messages/s")
    yield from server_rows(setting, row, commands, own_load(setting, "websocket"))


def http(setting: Setting) -> Iterator[Result]:
    with servers.nginx(setting.programs) as nginx:
        commands = servers.commands(setting.programs, HTTP) | nginx.plain
        pipelined = ["-s", str(setting.root / "bench" / "peers" / "pipeline.lua")]
        plain = wrk(setting, "/plaintext")
        yield from server_rows(setting, Row("HTTP plaintext, 64 connections", "requests/s"), commands, plain)
        row = Row("HTTP plaintext, 16 pipelined", "requests/s")
        yield from server_rows(setting, row, commands, wrk(setting, "/plaintext", *pipelined))
        yield from server_rows(setting, Row("HTTP JSON", "requests/s"), commands, wrk(setting, "/json"))
        row = Row("memory of an idle HTTP connection", "bytes", False)
        yield from rounds(setting, {"figure": row}, servers.idle_memory(commands, setting.tested))


def https(setting: Setting) -> Iterator[Result]:
    with servers.nginx(setting.programs) as nginx:
        pair = [str(nginx.certificate), str(nginx.key)]
        commands = servers.commands(setting.programs, {"eddy": ["bench_tls_server", "{port}", *pair]}) | nginx.secure
        load = wrk(setting, "/plaintext", scheme="https")
        yield from server_rows(setting, Row("HTTPS plaintext, 64 connections", "requests/s"), commands, load)
        load = wrk(setting, "/plaintext", "-H", "Connection: close", scheme="https")
        row = Row("HTTPS, a new connection for each request", "requests/s")
        yield from server_rows(setting, row, commands, load)
        row = Row("HTTP/2 over TLS, 1 connection, 100 streams", "requests/s")
        yield from server_rows(setting, row, commands, h2load(setting))


def files(setting: Setting) -> Iterator[Result]:
    with servers.nginx(setting.programs) as nginx:
        folder = nginx.folder_of_files()
        size = 1_000_000_000
        with (folder / "large").open("wb") as large:
            large.truncate(size)
        own = {"eddy": ["eddy", "serve", str(folder), "--port", "{port}"]}
        commands = servers.commands(setting.programs, own) | nginx.plain
        load = download(setting, "/large", size)
        yield from server_rows(setting, Row("static file of 1 GB, one connection", "MB/s"), commands, load)


def client(setting: Setting) -> Iterator[Result]:
    competitors = {"eddy": "bench_http_client", "hyper": "hyper_client"}
    with servers.nginx(setting.programs, workers=2) as nginx, servers.started(nginx.plain["nginx"], setting.load) as server:
        count = str(int(60_000 * setting.seconds))

        def taker(program: str) -> Callable[[], dict[str, float]]:
            words = [str(setting.programs[program]), str(server.port), count, "64"]
            return lambda: figures_of(run(setting, setting.tested, *words))

        takers = {name: taker(p) for name, p in competitors.items() if p in setting.programs}
        yield from rounds(setting, {"rps": Row("HTTP client against nginx, 64 connections", "requests/s")}, takers)


GROUPS = {
    "core": core,
    "echo": echo,
    "http": http,
    "latency": latency,
    "https": https,
    "files": files,
    "client": client,
    "websocket": websocket,
}
