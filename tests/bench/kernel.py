#!/usr/bin/env python3
"""Cells against the clock: assay, and with --peer evcxr_jupyter in the same sitting.

README.md says what each row is."""

from __future__ import annotations

import argparse
import sys
from functools import partial
from pathlib import Path

import prepare

if __name__ == "__main__":
    prepare.enter_python()

import notebook
import session
import sitting
import starts
import training
from bench import QUICK, Bench, Counts
from results import Results
from rows import GROUPS, ROWS, wanted

MEASURES = {
    "starts": starts.measure,
    "session": session.measure,
    "training": training.measure,
    "notebook": notebook.measure,
    "interrupt": notebook.interrupt,
}


def main() -> int:
    parser = sitting.parser(__doc__, [*GROUPS, *(row.key for row in ROWS)])
    parser.add_argument(
        "--peer",
        action="store_true",
        help="measure evcxr_jupyter beside assay; the first time it "
        "builds it and Polars, about half an hour on two cores",
    )
    return sitting.sit(partial(_measure, parser.parse_args()))


def _measure(arguments: argparse.Namespace, folder: Path) -> int:
    machine = prepare.machine()
    results = Results()
    bench = Bench(
        results=results,
        assay=prepare.assay(arguments.assay, folder / "prefix"),
        counts=QUICK if arguments.quick else Counts(),
        folder=folder,
        step=prepare.step(),
        wanted=wanted(ROWS, arguments.only),
    )
    if arguments.peer:
        bench.peer, bench.peer_built = prepare.peer(folder / "prefix")
    groups = {row.group for row in ROWS if bench.wants(row.key)}
    code = sitting.measure_groups(
        ((group, partial(MEASURES[group], bench)) for group in GROUPS if group in groups), results
    )
    rows = [row for row in ROWS if bench.wants(row.key) or row.key in results.values]
    sitting.report(results, machine, rows, "evcxr" if arguments.peer else None, arguments.json)
    return code


if __name__ == "__main__":
    sys.exit(main())
