"""Starts and ends the servers that are measured: eddy's, the peers' and nginx, each on a free port of loopback."""

from __future__ import annotations

import contextlib
import os
import pwd
import resource
import shutil
import signal
import socket
import subprocess
import sys
import tempfile
import time
from collections import Counter
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import BinaryIO

START_LIMIT = 10.0  # seconds until a server has to accept
# They come in groups, as users do: what a server gives back after a while may serve the next group. The first ones
# are not counted: they also take what serving so many at once takes.
IDLE_GROUPS_BEFORE = 2
IDLE_GROUPS = 5
IDLE_GROUP = 1_000
IDLE_PAUSE = 1.5  # seconds between groups
BALANCED = 64  # connections of which each loop should have its share

KERNEL_THREAD = 0x00200000  # of the flags in /proc/*/stat: PF_KTHREAD of the kernel's sched.h
HALT_POLL = Path("/sys/module/haltpoll/parameters")
HALT_POLLING = {  # kernel: Documentation/virt/guest-halt-polling.rst
    "guest_halt_poll_allow_shrink": "N",
    "guest_halt_poll_grow_start": "10000000",  # nanoseconds, as the next
    "guest_halt_poll_ns": "10000000",
}


class Failed(Exception):
    pass


@dataclass(frozen=True)
class Command:
    words: tuple[str, ...]  # "{port}" stands for the port, "{loops}" for how many cores it is given
    # nginx reads both from a file: written anew for each start.
    prepare: Callable[[int, int], None] = lambda _port, _loops: None


@dataclass(frozen=True)
class Server:
    port: int
    process: subprocess.Popen[bytes]


def commands(programs: dict[str, Path], by_name: dict[str, list[str]]) -> dict[str, Command]:
    """The competitors whose programs exist. As in a shell, settings of the environment may stand before the program."""
    found = {}
    for name, words in by_name.items():
        settings = [word for word in words if "=" in word]
        program, *arguments = words[len(settings) :]
        if program in programs:
            found[name] = Command(("env", *settings, str(programs[program]), *arguments))
    return found


@contextlib.contextmanager
def started(command: Command, cores: str) -> Iterator[Server]:
    port, loops = free_port(), len(cores.split(","))
    command.prepare(port, loops)
    words = [word.replace("{port}", str(port)).replace("{loops}", str(loops)) for word in command.words]
    environment = {**os.environ, "GOMAXPROCS": str(loops)}
    with tempfile.TemporaryFile() as said:
        process = subprocess.Popen(
            ["taskset", "-c", cores, *words],
            env=environment,
            stdout=subprocess.DEVNULL,
            stderr=said,
            preexec_fn=allow_many_descriptors,
        )
        try:
            wait_until_it_accepts(process, port, said)
            yield Server(port, process)
        finally:
            process.terminate()
            try:
                process.wait(timeout=START_LIMIT)
            except subprocess.TimeoutExpired:
                process.kill()
                process.wait()


@contextlib.contextmanager
def quiet_machine(cores: str) -> Iterator[bool]:
    """What can be done so that nothing else counts as the cost of what runs on these cores; put back at the end, also
    when that is a SIGTERM. Gives whether idle processors stay awake."""
    before = signal.signal(signal.SIGTERM, lambda *_: sys.exit(128 + signal.SIGTERM))
    try:
        with awake_processors() as awake, undisturbed(cores):
            yield awake
    finally:
        signal.signal(signal.SIGTERM, before)


@contextlib.contextmanager
def awake_processors() -> Iterator[bool]:
    """Keeps the processors of a virtual machine from halting while they have nothing to do, where that is allowed: true.

    A halted one is given to other guests and takes up to milliseconds to come back. That is the host's time, but each
    message that waits meanwhile counts it as the server's.
    """
    kept: dict[Path, str] = {}
    try:
        for name, value in HALT_POLLING.items():
            setting = HALT_POLL / name
            if setting.exists() and os.access(setting, os.W_OK):
                kept[setting] = setting.read_text()
                setting.write_text(value)
        yield len(kept) == len(HALT_POLLING)
    finally:
        for setting, value in kept.items():
            setting.write_text(value)


@contextlib.contextmanager
def undisturbed(cores: str) -> Iterator[None]:
    """Keeps threads of the kernel that may run anywhere away from these cores, where that is allowed and another is left."""
    kept: dict[int, set[int]] = {}
    everywhere = os.sched_getaffinity(0)
    others = everywhere - set(map(int, cores.split(",")))
    try:
        for thread in kernel_threads() if others else []:
            with contextlib.suppress(OSError):
                allowed = os.sched_getaffinity(thread)
                if allowed >= everywhere:
                    os.sched_setaffinity(thread, others)
                    kept[thread] = allowed
        yield
    finally:
        for thread, allowed in kept.items():
            with contextlib.suppress(OSError):
                os.sched_setaffinity(thread, allowed)


def kernel_threads() -> list[int]:
    found = []
    for state in Path("/proc").glob("[0-9]*/stat"):
        with contextlib.suppress(OSError):
            flags = int(state.read_text().rpartition(")")[2].split()[6])
            if flags & KERNEL_THREAD:
                found.append(int(state.parent.name))
    return found


def free_port() -> int:
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        return probe.getsockname()[1]


def allow_many_descriptors() -> None:
    _, most = resource.getrlimit(resource.RLIMIT_NOFILE)
    resource.setrlimit(resource.RLIMIT_NOFILE, (most, most))


def wait_until_it_accepts(process: subprocess.Popen[bytes], port: int, said: BinaryIO) -> None:
    deadline = time.monotonic() + START_LIMIT
    while True:
        try:
            socket.create_connection(("127.0.0.1", port), timeout=1).close()
            return
        except OSError as problem:
            if process.poll() is not None:
                said.seek(0)
                raise Failed(f"ended at once: {said.read().decode(errors='replace')[-300:]}") from problem
            if time.monotonic() > deadline:
                raise Failed(f"accepts nothing on port {port} after {START_LIMIT:.0f} s") from problem
            time.sleep(0.02)


def idle_memory(competitors: dict[str, Command], core: str) -> dict[str, Callable[[], dict[str, float]]]:
    """How much the resident memory of a server grows with each connection that was answered once and stays open."""

    def taker(command: Command) -> Callable[[], dict[str, float]]:
        def take() -> dict[str, float]:
            allow_many_descriptors()
            with started(command, core) as server, contextlib.ExitStack() as clients:
                resident = []
                for _ in range(IDLE_GROUPS_BEFORE + IDLE_GROUPS):
                    for _ in range(IDLE_GROUP):
                        clients.enter_context(answered_connection(server.port, "/plaintext")[0])
                    time.sleep(IDLE_PAUSE)
                    resident.append(resident_bytes(server.process.pid))
                return {"figure": (resident[-1] - resident[-1 - IDLE_GROUPS]) / (IDLE_GROUPS * IDLE_GROUP)}

        return take

    return {name: taker(command) for name, command in competitors.items()}


def imbalance(competitors: dict[str, Command], cores: str) -> dict[str, Callable[[], dict[str, float]]]:
    """How many connections the loop has that has the most, beside an even share; /loop names a connection's loop."""

    def taker(command: Command) -> Callable[[], dict[str, float]]:
        def take() -> dict[str, float]:
            with started(command, cores) as server, contextlib.ExitStack() as clients:
                served: Counter[bytes] = Counter()
                for _ in range(BALANCED):
                    connection, loop = answered_connection(server.port, "/loop")
                    clients.enter_context(connection)
                    served[loop] += 1
                return {"figure": max(served.values()) * len(cores.split(",")) / BALANCED}

        return take

    return {name: taker(command) for name, command in competitors.items()}


def answered_connection(port: int, path: str) -> tuple[socket.socket, bytes]:
    """A connection whose first request has been answered, and the answer's body."""
    connection = socket.create_connection(("127.0.0.1", port), timeout=START_LIMIT)
    connection.sendall(f"GET {path} HTTP/1.1\r\nHost: localhost\r\n\r\n".encode())
    head, _, body = connection.recv(4096).partition(b"\r\n\r\n")
    if not head.startswith(b"HTTP/1.1 200 "):
        raise Failed("an answer other than 200")
    return connection, body


def with_children(process: int) -> list[int]:
    """The numbers of a process and of all that it started."""
    children = Path(f"/proc/{process}/task/{process}/children").read_text().split()
    return [process, *(one for child in children for one in with_children(int(child)))]


def resident_bytes(process: int) -> int:
    """Of a process and its children."""
    pages = (int(Path(f"/proc/{one}/statm").read_text().split()[1]) for one in with_children(process))
    return sum(pages) * resource.getpagesize()


def processor_seconds(process: int) -> float:
    """Used so far by a process and its children."""
    seconds = 0.0
    for one in with_children(process):
        state = Path(f"/proc/{one}/stat").read_text().rpartition(")")[2].split()
        seconds += (int(state[11]) + int(state[12])) / os.sysconf("SC_CLK_TCK")
    return seconds


NGINX = """
worker_processes {loops};
daemon off;
pid {folder}/pid;
error_log /dev/null crit;
{user}
events {{ worker_connections 20000; }}
http {{
  access_log off;
  keepalive_timeout 600s;
  keepalive_requests 1000000000;
  sendfile on;
  tcp_nopush on;
  client_body_temp_path {folder}/body;
  proxy_temp_path {folder}/proxy;
  fastcgi_temp_path {folder}/fastcgi;
  uwsgi_temp_path {folder}/uwsgi;
  scgi_temp_path {folder}/scgi;
  ssl_session_cache shared:sessions:10m;
  ssl_protocols TLSv1.2 TLSv1.3;
  server {{
    listen 127.0.0.1:{port}{secure} reuseport;
    {certificate}
    root {folder}/files;
    location = /plaintext {{ default_type text/plain; return 200 "Hello, World!"; }}
    location = /json {{ default_type application/json; return 200 '{{"message":"Hello, World!"}}'; }}
    location = /loop {{ return 200 $pid; }}
  }}
}}
"""


class Nginx:
    """Its configurations in a folder of their own."""

    def __init__(self, program: Path | None, openssl: Path | None, folder: Path) -> None:
        self.folder = folder
        self.certificate = folder / "certificate.pem"
        self.key = folder / "key.pem"
        make_certificate(openssl, self.certificate, self.key)
        self.plain = {"nginx": self._command(program, secure=False)} if program else {}
        self.secure = {"nginx": self._command(program, secure=True)} if program else {}

    def folder_of_files(self) -> Path:
        files = self.folder / "files"
        files.mkdir(exist_ok=True)
        return files

    def _command(self, program: Path, secure: bool) -> Command:
        configuration = self.folder / ("secure.conf" if secure else "plain.conf")

        def write(port: int, loops: int) -> None:
            configuration.write_text(
                NGINX.format(
                    loops=loops,
                    folder=self.folder,
                    port=port,
                    user=f"user {pwd.getpwuid(0).pw_name};" if os.geteuid() == 0 else "",
                    secure=" ssl http2" if secure else "",
                    certificate=f"ssl_certificate {self.certificate}; ssl_certificate_key {self.key};" if secure else "",
                )
            )

        return Command((str(program), "-c", str(configuration)), write)


def make_certificate(openssl: Path | None, certificate: Path, key: Path) -> None:
    if openssl is None:
        raise Failed("openssl is missing")
    words = [str(openssl), "req", "-x509", "-newkey", "ec", "-pkeyopt", "ec_paramgen_curve:P-256", "-nodes", "-days", "2"]
    words += ["-subj", "/CN=localhost", "-keyout", str(key), "-out", str(certificate)]
    subprocess.run(words, check=True, capture_output=True)


@contextlib.contextmanager
def nginx(programs: dict[str, Path]) -> Iterator[Nginx]:
    folder = Path(tempfile.mkdtemp(prefix="eddy-bench-"))
    try:
        yield Nginx(programs.get("nginx"), programs.get("openssl"), folder)
    finally:
        shutil.rmtree(folder)
