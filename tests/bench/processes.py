"""What /proc says of the processes that a kernel started."""

from __future__ import annotations

import os
import signal
from pathlib import Path

# Every process that a kernel starts inherits this variable; what is left at the end is found by it.
MARK = "ASSAY_BENCH_RUN"


def end_leftovers() -> list[int]:
    """Kills what kernels of this run have left behind; a cell's process may be in a session of its own."""
    wanted = f"{MARK}={os.getpid()}".encode()
    found = []
    for entry in Path("/proc").iterdir():
        if not entry.name.isdigit() or int(entry.name) == os.getpid():
            continue
        try:
            if wanted in (entry / "environ").read_bytes().split(b"\0"):
                os.kill(int(entry.name), signal.SIGKILL)
                found.append(int(entry.name))
        except OSError:
            # Gone meanwhile, or another user's.
            continue
    return found


def resident(pid: int) -> float:
    """MB; none of a process that has ended."""
    try:
        status = Path(f"/proc/{pid}/status").read_text()
    except OSError:
        return 0.0
    for line in status.splitlines():
        if line.startswith("VmRSS:"):
            return int(line.split()[1]) * 1024 / 1e6
    return 0.0


def name(pid: int) -> str:
    """As in `ps`; empty when it has ended."""
    try:
        return Path(f"/proc/{pid}/comm").read_text().strip()
    except OSError:
        return ""


def descendants(pid: int) -> list[int]:
    """Its children, theirs, and so on."""
    found = []
    for task in Path(f"/proc/{pid}/task").glob("*/children"):
        try:
            children = [int(child) for child in task.read_text().split()]
        except OSError:
            # The thread has ended meanwhile.
            continue
        for child in children:
            found += [child, *descendants(child)]
    return found
