#!/usr/bin/env python3
"""Cells against the clock: assay, and with --peer evcxr_jupyter in the same sitting.

README.md says what each row is."""

from __future__ import annotations

import argparse
import json
import signal
import sys
import tempfile
from pathlib import Path

import prepare

if __name__ == "__main__":
    prepare.enter_python()

import notebook
import session
import starts
import table
import training
from bench import QUICK, Bench, Counts
from client import KernelFailed
from processes import end_leftovers
from results import Results, say
from rows import GROUPS, ROWS, wanted

MEASURES = {
    "starts": starts.measure,
    "session": session.measure,
    "training": training.measure,
    "notebook": notebook.measure,
    "interrupt": notebook.interrupt,
}


def main() -> int:
    arguments = _arguments()
    # A terminated benchmark leaves no kernels behind either.
    signal.signal(signal.SIGTERM, lambda *_: sys.exit(143))
    with tempfile.TemporaryDirectory(prefix="assay-bench-") as name:
        try:
            return _measure(arguments, Path(name))
        except KeyboardInterrupt:
            return 130
        finally:
            if left := end_leftovers():
                say(f"ended {len(left)} processes that kernels had left behind")


def _measure(arguments: argparse.Namespace, folder: Path) -> int:
    machine = prepare.machine()
    results = Results()
    bench = Bench(
        results=results,
        assay=prepare.assay(arguments.assay, folder / "prefix"),
        counts=QUICK if arguments.quick else Counts(),
        folder=folder,
        step=prepare.step(),
        wanted=wanted(arguments.only),
    )
    if arguments.peer:
        bench.peer, bench.peer_built = prepare.peer(folder / "prefix")
    code = 0
    try:
        _run(bench)
    except KeyboardInterrupt:
        say("interrupted; the table holds what was measured until then")
        code = 130
    print(table.markdown(results, machine, bench.wanted, arguments.peer), end="")
    if arguments.json:
        arguments.json.write_text(json.dumps(table.record(results, machine), indent=1) + "\n")
    return code


def _run(bench: Bench) -> None:
    groups = {row.group for row in ROWS if bench.wants(row.key)}
    for group in (group for group in GROUPS if group in groups):
        say(f"== {group}")
        try:
            MEASURES[group](bench)
        except KernelFailed as error:
            bench.results.note(f"`{group}` ended early: {error}")


def _arguments() -> argparse.Namespace:
    names = [*GROUPS, *(row.key for row in ROWS)]
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument(
        "--peer",
        action="store_true",
        help="measure evcxr_jupyter beside assay; the first time it "
        "builds it and Polars, about half an hour on two cores",
    )
    parser.add_argument(
        "--only",
        nargs="+",
        metavar="ROW",
        choices=names,
        help="only these rows, or groups of rows: " + ", ".join(names),
    )
    parser.add_argument("--quick", action="store_true", help="few repetitions, to see that everything works")
    parser.add_argument(
        "--assay", type=Path, metavar="FILE", help="an assay binary, instead of building this checkout's"
    )
    parser.add_argument("--json", type=Path, metavar="FILE", help="write every figure to a file")
    return parser.parse_args()


if __name__ == "__main__":
    sys.exit(main())
