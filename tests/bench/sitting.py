"""What the benchmarks' commands share: their arguments, a folder of their own, an end that leaves nothing behind."""

from __future__ import annotations

import argparse
import json
import signal
import sys
import tempfile
from collections.abc import Callable, Iterable
from pathlib import Path

import table
from client import KernelFailed
from processes import end_leftovers
from results import Results, say
from rows import Row


def parser(what: str | None, names: list[str]) -> argparse.ArgumentParser:
    made = argparse.ArgumentParser(description=what)
    made.add_argument(
        "--only",
        nargs="+",
        metavar="ROW",
        choices=names,
        help="only these rows, or groups of rows: " + ", ".join(names),
    )
    made.add_argument("--quick", action="store_true", help="few repetitions, to see that everything works")
    made.add_argument("--assay", type=Path, metavar="FILE", help="an assay binary, instead of building this checkout's")
    made.add_argument("--json", type=Path, metavar="FILE", help="write every figure to a file")
    return made


def sit(measure: Callable[[Path], int]) -> int:
    """Measures in a folder that is gone afterwards. However it ends, no process of a kernel is left."""
    # A terminated benchmark leaves no kernels behind either.
    signal.signal(signal.SIGTERM, lambda *_: sys.exit(143))
    with tempfile.TemporaryDirectory(prefix="assay-bench-") as name:
        try:
            return measure(Path(name))
        except KeyboardInterrupt:
            return 130
        finally:
            if left := end_leftovers():
                say(f"ended {len(left)} processes that kernels had left behind")


def measure_groups(groups: Iterable[tuple[str, Callable[[], None]]], results: Results) -> int:
    """One group of rows after the other; gives the command's exit code."""
    try:
        for name, measure in groups:
            say(f"== {name}")
            try:
                measure()
            except KernelFailed as error:
                results.note(f"`{name}` ended early: {error}")
    except KeyboardInterrupt:
        say("interrupted; the table holds what was measured until then")
        return 130
    return 0


def report(results: Results, machine: dict[str, str], rows: list[Row], peer: str | None, file: Path | None) -> None:
    """The table of those rows, and everything that was measured to the file."""
    print(table.markdown(results, machine, rows, peer), end="")
    if file:
        file.write_text(json.dumps(table.record(results, machine, rows), indent=1) + "\n")
