"""What is measured: groups of rows, each with its programs and how one figure is taken."""

from __future__ import annotations

import os
import re
import resource
import subprocess
import sys
import tempfile
from collections.abc import Callable, Iterator
from dataclasses import dataclass, field, replace
from pathlib import Path
from statistics import median

from . import servers

WARM_UP = 0.3  # seconds of load before the first figure of a server
LATENCIES = {"p50_us": "median", "p99_us": "99 % are faster", "p999_us": "99.9 % are faster"}
LATENCY_LOAD = 0.7  # of a peak
LATENCY_ROUNDS = 3  # for each round of other rows


def both_drivers(*words: str) -> dict[str, list[str]]:
    """eddy with the driver that it chooses, which is io_uring where that is allowed, and with the other one."""
    return {"eddy": list(words), "eddy, epoll": ["EDDY_DRIVER=epoll", *words]}


MANY_LOOPS_ECHO = {
    **both_drivers("bench_echo", "{port}", "{loops}"),
    "Tokio": ["tokio_echo", "{port}", "{loops}"],
    "Go": ["go_peer", "echo", "{port}"],
}
ECHO = {**MANY_LOOPS_ECHO, "Asio": ["asio_echo", "{port}"]}
HTTP = {
    **both_drivers("bench_http_server", "{port}", "{loops}"),
    "hyper": ["hyper_server", "{port}", "{loops}"],
    "Go": ["go_peer", "http", "{port}"],
}


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
        ["taskset", "-c", cores, *words],
        capture_output=True,
        text=True,
        timeout=seconds,
        cwd=setting.root,
        preexec_fn=servers.allow_many_descriptors,
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
        return lambda: {"figure": under_load(setting, command, setting.tested, load)}

    yield from rounds(setting, {"figure": row}, {name: taker(command) for name, command in commands.items()})


def under_load(
    setting: Setting, command: servers.Command, cores: str, load: Callable[[int, float], float]
) -> float:
    with servers.started(command, cores) as server:
        load(server.port, WARM_UP)
        return load(server.port, setting.seconds)


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


def transfer(setting: Setting, path: str, size: int, *words: str) -> Callable[[int, float], float]:
    """One after the other for that long; an upload is answered with its size."""

    def load(port: int, seconds: float) -> float:
        url = f"http://127.0.0.1:{port}{path}"
        curl = [str(setting.programs["curl"]), "-sSf", "-w", "\n%{time_total} %{size_download}", *words, url]
        moved, taken = 0, 0.0
        while taken < seconds:
            answer, figures = run(setting, setting.load, *curl).rsplit("\n", 1)
            elapsed, received = figures.split()
            if int(answer or received) != size:
                raise servers.Failed(f"{url}: {answer or received} of {size} bytes")
            moved += size
            taken += float(elapsed)
        return moved / taken / 1e6

    return load


def echo(setting: Setting) -> Iterator[Result]:
    commands = servers.commands(setting.programs, ECHO)
    row = Row("TCP echo, 64 connections", "messages/s")
    yield from server_rows(setting, row, commands, own_load(setting, "echo"))


def latency(setting: Setting) -> Iterator[Result]:
    """At 70 % of what each server reaches at its peak, and at 70 % of what the fastest peer reaches, the same for all. In
    more rounds than elsewhere, because few moments make a tail, and some of them are the machine's."""

    def peaks(kind: str, commands: dict[str, servers.Command]) -> dict[str, float]:
        return next(server_rows(setting, Row("", ""), commands, own_load(setting, kind))).cells

    def taker(kind: str, command: servers.Command, rates: dict[str, float]) -> Callable[[], dict[str, float]]:
        def take() -> dict[str, float]:
            figures = {}
            with servers.started(command, setting.tested) as server:
                loaded(setting, kind, server.port, WARM_UP)
                for prefix, rate in rates.items():
                    told = loaded(setting, kind, server.port, setting.seconds, str(LATENCY_LOAD * rate))
                    figures |= {prefix + metric: told[metric] for metric in LATENCIES}
            return figures

        return take

    with servers.nginx(setting.programs) as nginx:
        for kind, what, commands in (
            ("echo", "TCP echo", servers.commands(setting.programs, ECHO)),
            ("http", "HTTP plaintext", servers.commands(setting.programs, HTTP) | nginx.plain),
        ):
            peak = peaks(kind, commands)
            loads = {"own_": "its peak"}
            same = {}  # where no peer could be started there is no rate for all
            if peers := [rate for name, rate in peak.items() if not name.startswith("eddy")]:
                loads["same_"] = "the fastest peer's peak"
                same["same_"] = max(peers)
            rows = {
                prefix + metric: Row(f"{what} at 70 % of {whose}: {share}", "us", False)
                for prefix, whose in loads.items()
                for metric, share in LATENCIES.items()
            }
            takers = {name: taker(kind, commands[name], {"own_": peak[name], **same}) for name in peak}
            yield from rounds(replace(setting, rounds=LATENCY_ROUNDS * setting.rounds), rows, takers)


def websocket(setting: Setting) -> Iterator[Result]:
    competitors = {**both_drivers("bench_websocket_echo", "{port}"), "Beast": ["beast_websocket", "{port}"]}
    commands = servers.commands(setting.programs, competitors)
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
        own = both_drivers("bench_tls_server", "{port}", str(nginx.certificate), str(nginx.key))
        commands = servers.commands(setting.programs, own) | nginx.secure
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
        own = both_drivers("eddy", "serve", str(folder), "--port", "{port}")
        commands = servers.commands(setting.programs, own) | nginx.plain
        load = transfer(setting, "/large", size, "-o", "/dev/null")
        yield from server_rows(setting, Row("static file of 1 GB, one connection", "MB/s"), commands, load)


def bodies(setting: Setting) -> Iterator[Result]:
    """Without nginx: it puts large uploads into files, and makes no bodies of its own."""
    commands = servers.commands(setting.programs, HTTP)
    size = 200_000_000
    with tempfile.NamedTemporaryFile() as upload:
        upload.truncate(size)
        load = transfer(setting, "/upload", size, "-T", upload.name)
        yield from server_rows(setting, Row("upload of 200 MB, one connection", "MB/s"), commands, load)
    load = transfer(setting, "/chunked", 100_000_000, "-o", "/dev/null")
    yield from server_rows(setting, Row("answer of 100 MB in chunks, one connection", "MB/s"), commands, load)


def client(setting: Setting) -> Iterator[Result]:
    competitors = {
        **both_drivers("bench_http_client", "{port}", "{count}", "64"),
        "hyper": ["hyper_client", "{port}", "{count}", "64"],
    }
    commands = servers.commands(setting.programs, competitors)
    with servers.nginx(setting.programs) as nginx, servers.started(nginx.plain["nginx"], setting.load) as server:
        values = {"{port}": str(server.port), "{count}": str(int(60_000 * setting.seconds))}

        def taker(command: servers.Command) -> Callable[[], dict[str, float]]:
            words = [values.get(word, word) for word in command.words]
            return lambda: figures_of(run(setting, setting.tested, *words))

        takers = {name: taker(command) for name, command in commands.items()}
        yield from rounds(setting, {"rps": Row("HTTP client against nginx, 64 connections", "requests/s")}, takers)


# --- more than one core


def loops(setting: Setting) -> Iterator[Result]:
    """On every core but those of the load; the balance on all of them, as it takes no load."""
    every = sorted(os.sched_getaffinity(0))
    several = [core for core in every if core not in map(int, setting.load.split(","))]
    if len(several) < 2:
        print("tools/bench: no two cores are free of the load", file=sys.stderr)
        return
    with servers.nginx(setting.programs) as nginx:
        echoing = servers.commands(setting.programs, MANY_LOOPS_ECHO)
        yield from scaling(setting, Row("TCP echo", "messages/s"), echoing, own_load(setting, "echo"), several)
        serving = servers.commands(setting.programs, HTTP) | nginx.plain
        yield from scaling(setting, Row("HTTP plaintext", "requests/s"), serving, own_load(setting, "http"), several)
        with_loops = {name: serving[name] for name in serving if name not in ("hyper", "Go")}
        row = Row(f"{servers.BALANCED} connections on {len(every)} loops: most on one : even share", "ratio", False)
        yield from rounds(setting, {"figure": row}, servers.imbalance(with_loops, ",".join(map(str, every))))


def scaling(
    setting: Setting,
    row: Row,
    commands: dict[str, servers.Command],
    load: Callable[[int, float], float],
    several: list[int],
) -> Iterator[Result]:
    def taker(command: servers.Command) -> Callable[[], dict[str, float]]:
        def take() -> dict[str, float]:
            one = under_load(setting, command, setting.tested, load)
            rate = under_load(setting, command, ",".join(map(str, several)), load)
            return {"rate": rate, "efficiency": rate / (len(several) * one)}

        return take

    on_several = f"{row.workload}, {len(several)} cores"
    rows = {
        "rate": Row(on_several, row.unit),
        "efficiency": Row(f"{on_several} : {len(several)} times the rate on one", "ratio"),
    }
    yield from rounds(setting, rows, {name: taker(command) for name, command in commands.items()})


# --- the compiler


def compile_time(setting: Setting) -> Iterator[Result]:
    """Seconds of the compiler's processor time; each program in the version of C++ that it asks for."""
    bench = setting.root / "bench"
    own = ["clang++-19", "-std=c++23", f"-I{setting.root / 'include'}"]
    peer = ["clang++-19", "-std=c++20"]
    program = ["-O2", "-c", "-o", "/dev/null"]
    commands = {
        "eddy": [*own, *program, str(bench / "one_route.cpp")],
        "Asio": [*peer, *program, str(bench / "peers" / "asio_echo.cpp")],
        "Beast": [*peer, *program, str(bench / "peers" / "beast_one_route.cpp")],
    }
    row = Row("compile an HTTP server with one route (Asio: a TCP echo), -O2", "s", False)
    yield from processor_times(setting, row, commands)
    header = ["-fsyntax-only", "-x", "c++", "/dev/null"]
    commands = {
        "eddy": [*own, *header, "-include", "eddy/eddy.hpp"],
        "Asio": [*peer, *header, "-include", "boost/asio.hpp"],
        "Beast": [*peer, *header, "-include", "boost/asio.hpp", "-include", "boost/beast.hpp"],
    }
    row = Row("read the header that includes all (Beast: and Asio's), -fsyntax-only", "s", False)
    yield from processor_times(setting, row, commands)


def processor_times(setting: Setting, row: Row, commands: dict[str, list[str]]) -> Iterator[Result]:
    def spent() -> float:
        children = resource.getrusage(resource.RUSAGE_CHILDREN)
        return children.ru_utime + children.ru_stime

    def taker(words: list[str]) -> Callable[[], dict[str, float]]:
        def take() -> dict[str, float]:
            before = spent()
            run(setting, setting.tested, *words)
            return {"figure": spent() - before}

        return take

    yield from rounds(setting, {"figure": row}, {name: taker(words) for name, words in commands.items()})


GROUPS = {
    "core": core,
    "echo": echo,
    "http": http,
    "latency": latency,
    "https": https,
    "files": files,
    "bodies": bodies,
    "client": client,
    "websocket": websocket,
    "loops": loops,
    "compile": compile_time,
}
