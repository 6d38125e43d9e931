#!/usr/bin/env python3
"""Steps against the clock: models of lab in assay's cells, and the same in TensorFlow, in turns.

README.md says what each row is."""

from __future__ import annotations

import argparse
import sys
from functools import partial
from pathlib import Path

import prepare

if __name__ == "__main__":
    prepare.enter_python()

import sitting
import turns
from models import MODELS, PEER, ROWS
from results import Results
from rows import wanted

REQUIREMENTS = "requirements-tensorflow.txt"
TURNS = 5
QUICK_TURNS = 1


def main() -> int:
    names = [*(model.key for model in MODELS), *(row.key for row in ROWS if row.key != row.group)]
    return sitting.sit(partial(_measure, sitting.parser(__doc__, names).parse_args()))


def _measure(arguments: argparse.Namespace, folder: Path) -> int:
    machine = prepare.machine() | {PEER: ", ".join(prepare.pinned(REQUIREMENTS))}
    results = Results()
    bench = turns.Sides(
        results=results,
        assay=prepare.assay(arguments.assay, folder / "prefix"),
        keras=prepare.python(REQUIREMENTS),
        folder=folder,
        turns=QUICK_TURNS if arguments.quick else TURNS,
    )
    keys = wanted(ROWS, arguments.only)
    asked = [model for model in MODELS if any(row.key in keys for row in model.rows())]
    code = sitting.measure_groups(((model.key, partial(bench.measure, model)) for model in asked), results)
    sitting.report(results, machine, [row for row in ROWS if row.key in keys], PEER, arguments.json)
    return code


if __name__ == "__main__":
    sys.exit(main())
