"""The 784-128-10 model: how soon a cell makes its first step, and how long a step takes against a program's."""

from __future__ import annotations

import ast
import statistics
import subprocess

import cells
from bench import Bench
from client import Kernel, KernelFailed, Spec

LONG = 3000
LAST = 500
# The peer compiles cells and dependencies at one level: another one builds Polars again.
OTHER_LEVEL = "not measured: `:opt 3` builds every dependency again"


def measure(bench: Bench) -> None:
    for row in ("first_step_opt3", "steps_50_opt3", "steps_3000_opt3"):
        bench.results.skip(row, "evcxr", OTHER_LEVEL)
    if bench.peer is not None:
        bench.results.note(
            "evcxr: a cell trains on data of its own, made in the same cell; with data of an earlier one dfdx panics, "
            "because each of its cells has a dfdx of its own that numbers tensors from 0."
        )
    for number in range(max(bench.counts.sessions, bench.counts.peer_sessions)):
        _program(bench)
        for spec in bench.specs():
            if number < bench.counts.of(spec)[1]:
                try:
                    _session(bench, spec)
                except KernelFailed as error:
                    bench.results.fail("first_step", spec.who, str(error))


def _program(bench: Bench) -> None:
    for steps in [50] * bench.counts.repeats + [LONG]:
        run = subprocess.run([bench.step, str(steps)], check=True, capture_output=True, text=True)
        _record(bench, "program", steps, "", run.stdout.splitlines()[-1])


def _session(bench: Bench, spec: Spec) -> None:
    with bench.load(spec) as kernel:
        for cell in cells.SETUP:
            kernel.ok(cell)
        for _ in range(bench.counts.of(spec)[2]):
            _train(bench, kernel, 50, "")
        _train(bench, kernel, LONG, "")
        if spec.who == "assay":
            kernel.ok(":opt 3")
            for _ in range(bench.counts.of(spec)[2] // 2 + 1):
                _train(bench, kernel, 50, "_opt3")
            _train(bench, kernel, LONG, "_opt3")


def _train(bench: Bench, kernel: Kernel, steps: int, level: str) -> None:
    who = kernel.spec.who
    kernel.rest()
    outcome = kernel.ok(cells.training(steps, who), patience=30 * 60)
    if steps == 50:
        bench.results.add(f"first_step{level}", who, outcome.first("stream"))
    _record(bench, who, steps, level, kernel.ok(cells.STEP_TIMES).text())


def _record(bench: Bench, who: str, steps: int, level: str, printed: str) -> None:
    """A run of 50 steps gives the median of all, a long one that of its last 500, in ms."""
    times: list[float] = ast.literal_eval(printed.strip())
    if len(times) != steps:
        raise KernelFailed(f"{who} made {len(times)} of {steps} steps")
    row = "steps_50" if steps == 50 else "steps_3000"
    bench.results.add(f"{row}{level}", who, statistics.median(times[-min(LAST, steps) :]) * 1000)
