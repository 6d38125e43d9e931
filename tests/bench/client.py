"""One kernel process and a client of it that notes when each message came in."""

from __future__ import annotations

import json
import os
import signal
import subprocess
import time
from contextlib import suppress
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import zmq
from jupyter_client.blocking.client import BlockingKernelClient
from jupyter_client.connect import write_connection_file

from processes import MARK, descendants, name, resident

DELIMITER = b"<IDS|MSG>"


class KernelFailed(Exception):
    """A kernel that did not answer, or a cell that did not do what the benchmark is about."""


@dataclass(frozen=True)
class Spec:
    """How a kernel is started; `who` is its name in the table."""

    who: str
    argv: list[str]
    env: dict[str, str] = field(default_factory=dict)
    patience: float = 120.0


@dataclass(frozen=True)
class Message:
    """`at`: seconds after the request was sent."""

    at: float
    kind: str
    content: dict[str, Any]


@dataclass(frozen=True)
class Outcome:
    """What a cell led to; `seconds`: from sent to idle."""

    seconds: float
    status: str
    messages: list[Message]

    def first(self, kind: str) -> float:
        for message in self.messages:
            if message.kind == kind:
                return message.at
        raise KernelFailed(f"the cell ended without a {kind} message: {self.text()[:400]}")

    def count(self, kind: str) -> int:
        return sum(message.kind == kind for message in self.messages)

    def text(self) -> str:
        return "".join(self.streams("stdout"))

    def streams(self, name: str) -> list[str]:
        streams = (message.content for message in self.messages if message.kind == "stream")
        return [content["text"] for content in streams if content["name"] == name]

    def error(self) -> str:
        """All that is said in `error` messages."""
        return "; ".join(message.content["evalue"] for message in self.messages if message.kind == "error")


class Kernel:
    """A started kernel. `ready`: seconds from spawn to its kernel_info_reply."""

    def __init__(self, spec: Spec, folder: Path) -> None:
        self.spec = spec
        folder.mkdir(parents=True, exist_ok=True)
        file, info = write_connection_file(str(folder / "connection.json"), key=os.urandom(16).hex().encode())
        context = zmq.Context()
        # A client that finds no kernel yet tries again after 100 ms, which would round what is measured.
        context.reconnect_ivl = 5
        context.rcvhwm = 0
        env = (
            os.environ
            | {"TMPDIR": str(folder), MARK: str(os.getpid()), "ASSAY_DB": str(folder / "assay.db")}
            | spec.env
        )
        argv = [file if part == "{connection_file}" else part for part in spec.argv]
        # Messages of earlier cells that came while the last one ran.
        self.late = 0
        self._requests: set[str] = set()
        self._log = open(folder / "kernel.log", "wb")
        self.spawned = time.perf_counter()
        self.process = subprocess.Popen(
            argv,
            cwd=folder,
            env=env,
            stdin=subprocess.DEVNULL,
            stdout=self._log,
            stderr=self._log,
            start_new_session=True,
        )
        self._context = context
        self._client = BlockingKernelClient(context=context)
        self._client.load_connection_info(info)
        self._client.start_channels(stdin=False, hb=False)
        self._iopub: zmq.Socket[bytes] = self._client.iopub_channel.socket
        self._shell: zmq.Socket[bytes] = self._client.shell_channel.socket
        try:
            self.ready = self._wait_ready()
        except BaseException:
            self.close()
            raise

    def _wait_ready(self) -> float:
        """Until the kernel has answered, and iopub is known to be connected: outputs are not queued for us."""
        replied: float | None = None
        subscribed = False
        asked: set[str] = set()
        while replied is None or not subscribed:
            self._check_alive(time.perf_counter() - self.spawned)
            if not asked or replied is not None:
                asked.add(self._client.kernel_info())
            if self._shell.poll(50) and (parent := _parent(self._shell.recv_multipart())) in asked:
                replied = replied or time.perf_counter() - self.spawned
                asked.discard(parent)
            subscribed = subscribed or bool(self._iopub.poll(0 if replied is None else 50))
        # The answers to what was asked in the meantime.
        while asked:
            self._check_alive(time.perf_counter() - self.spawned)
            if self._shell.poll(50):
                asked.discard(_parent(self._shell.recv_multipart()))
        return replied

    def execute(self, code: str, patience: float | None = None, interrupt_after: float | None = None) -> Outcome:
        """Runs a cell until idle and its reply. `interrupt_after`: seconds after which it is interrupted; the
        moment is then the first message, of kind `interrupt`."""
        sent = time.perf_counter()
        request = self._client.execute(code, allow_stdin=False)
        received: list[tuple[float, list[bytes]]] = []
        messages: list[Message] = []
        limit = patience or self.spec.patience
        while True:
            elapsed = time.perf_counter() - sent
            self._check_alive(elapsed, limit, code)
            wait = 1.0
            if interrupt_after is not None:
                wait = max(0.0, interrupt_after - elapsed)
            if not self._iopub.poll(round(wait * 1000)):
                if interrupt_after is not None:
                    messages.append(Message(time.perf_counter() - sent, "interrupt", {}))
                    self._control("interrupt_request")
                    interrupt_after = None
                continue
            frames = self._iopub.recv_multipart()
            received.append((time.perf_counter() - sent, frames))
            if _is_idle(frames, request):
                break
        self.late = 0
        # Read only now: taking a message apart while others wait would slow the kernel down.
        for at, frames in received:
            start = frames.index(DELIMITER)
            header, content = json.loads(frames[start + 2]), json.loads(frames[start + 5])
            if (parent := _parent(frames)) == request:
                messages.append(Message(at, header["msg_type"], content))
            elif parent in self._requests:
                self.late += 1
        self._requests.add(request)
        return Outcome(received[-1][0], self._reply(request), messages)

    def ok(self, code: str, patience: float | None = None) -> Outcome:
        """Runs a cell that has to end well."""
        outcome = self.execute(code, patience)
        # The peer says `ok` of a cell that panicked.
        panicked = any("panicked at" in text for text in outcome.streams("stderr"))
        if outcome.status != "ok" or outcome.count("error") or panicked:
            said = outcome.error() or "".join(outcome.streams("stderr"))
            raise KernelFailed(f"{self.spec.who} failed at `{code[:80]}`: {said[:400]}")
        return outcome

    def _reply(self, request: str) -> str:
        began = time.perf_counter()
        while True:
            self._check_alive(time.perf_counter() - began)
            if self._shell.poll(1000):
                frames = self._shell.recv_multipart()
                if _parent(frames) == request:
                    return str(json.loads(frames[frames.index(DELIMITER) + 5])["status"])

    def _control(self, kind: str) -> None:
        self._client.control_channel.send(self._client.session.msg(kind, {}))

    def _check_alive(self, elapsed: float, limit: float | None = None, what: str = "an answer") -> None:
        if self.process.poll() is not None:
            raise KernelFailed(f"{self.spec.who} ended with {self.process.returncode}; see {self._log.name}")
        if elapsed > (limit or self.spec.patience):
            raise KernelFailed(f"{self.spec.who} took more than {elapsed:.0f} s for `{what[:80]}`")

    def memory_at_rest(self) -> tuple[float, float]:
        """MB resident when no compiler runs any more: the kernel's own process, and those below it together."""
        self.rest()
        return resident(self.process.pid), sum(map(resident, descendants(self.process.pid)))

    def rest(self) -> None:
        """Waits for compilers that still work beside the cells, so that they do not slow what is measured next."""
        began = time.perf_counter()
        while self.compiles():
            self._check_alive(time.perf_counter() - began, what="its compilers to end")
            time.sleep(0.02)

    def compiles(self) -> bool:
        return "rustc" in map(name, descendants(self.process.pid))

    def close(self) -> None:
        """Asks the kernel to end, and ends what is left of its session."""
        if self.process.poll() is None:
            self._client.control_channel.send(self._client.session.msg("shutdown_request", {"restart": False}))
            with suppress(subprocess.TimeoutExpired):
                self.process.wait(5)
        with suppress(ProcessLookupError):
            os.killpg(self.process.pid, signal.SIGKILL)
        self.process.wait()
        self._client.stop_channels()
        self._context.destroy(linger=0)
        self._log.close()

    def __enter__(self) -> Kernel:
        return self

    def __exit__(self, *_: object) -> None:
        self.close()


def _parent(frames: list[bytes]) -> str:
    return str(json.loads(frames[frames.index(DELIMITER) + 3]).get("msg_id"))


def _is_idle(frames: list[bytes], request: str) -> bool:
    start = frames.index(DELIMITER)
    return b'"status"' in frames[start + 2] and b'"idle"' in frames[start + 5] and request.encode() in frames[start + 3]
