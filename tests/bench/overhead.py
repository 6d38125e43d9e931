#!/usr/bin/env python3
"""What the tracker costs a training: the same perceptron with every step logged and without, in turns.

Prints one Markdown table. The program that is timed is `tracker/examples/overhead.rs`; see README.md."""

from __future__ import annotations

import argparse
import json
import statistics
import subprocess
import sys
import tempfile
from pathlib import Path

import prepare
from results import say

GOAL = 1.01
ROWS = {
    "loop": "the steps alone, by the clock",
    "whole": "from before `Run::start` until `finish` returns, by the clock",
    "cpu": "the same in processor time of all threads",
}


def main() -> int:
    arguments = _arguments()
    machine = prepare.machine()
    pairs, steps = (4, 200) if arguments.quick else (arguments.pairs, arguments.steps)
    program = arguments.program.resolve() if arguments.program else prepare.example("overhead")
    with tempfile.TemporaryDirectory(prefix="assay-bench-", dir=arguments.folder) as folder:
        say(f"{pairs} pairs of trainings of {steps:,} steps")
        output = subprocess.check_output([program, f"{folder}/assay.db", str(pairs), str(steps)], text=True)
    measured = [json.loads(line) for line in output.splitlines()]
    print(_markdown(machine, measured, steps))
    if arguments.json:
        arguments.json.write_text(json.dumps({"machine": machine, "steps": steps, "pairs": measured}, indent=1) + "\n")
    return 0


def _markdown(machine: dict[str, str], measured: list[dict[str, list[float]]], steps: int) -> str:
    lines = [", ".join(f"{name}: {text}" for name, text in machine.items()) + ".", ""]
    lines += [f"{len(measured)} pairs of trainings of {steps:,} steps, two values logged at each.", ""]
    lines += ["| | without | with / without: median | half of the pairs | least - greatest | goal |", "|---|---|---|---|---|---|"]
    for key, label in ROWS.items():
        ratios = sorted(with_it / without for with_it, without in (pair[key] for pair in measured))
        lower, middle, upper = statistics.quantiles(ratios, n=4)
        step = statistics.median(pair[key][1] for pair in measured) / steps * 1e3
        met = "met" if middle <= GOAL else "**not met**"
        spread = f"{lower:.4f} - {upper:.4f} | {ratios[0]:.4f} - {ratios[-1]:.4f}"
        lines.append(f"| {label} | {step:.3f} ms a step | {middle:.4f} x | {spread} | {GOAL} x, {met} |")
    return "\n".join(lines)


def _arguments() -> argparse.Namespace:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--quick", action="store_true", help="few and short trainings, to see that it works")
    parser.add_argument("--pairs", type=int, default=20, help="how many times each is trained (default: 20)")
    parser.add_argument("--steps", type=int, default=3_000, help="the steps of a training (default: 3,000)")
    parser.add_argument("--program", type=Path, metavar="FILE", help="the built program, instead of building it")
    parser.add_argument("--folder", type=Path, metavar="FOLDER", help="where the database is made, for a time")
    parser.add_argument("--json", type=Path, metavar="FILE", help="write every figure to a file")
    return parser.parse_args()


if __name__ == "__main__":
    sys.exit(main())
