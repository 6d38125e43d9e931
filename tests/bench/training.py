"""The 784-128-10 model: how soon a cell makes its first step, and how long a step takes against a program's."""

from __future__ import annotations

import ast
import statistics
import subprocess

import cells
from bench import Bench
from client import Kernel, KernelFailed, Spec

SHORT = 50
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
                    _assay(bench) if spec.who == "assay" else _peer(bench, spec)
                except KernelFailed as error:
                    bench.results.note(f"a training session of {spec.who} ended early: {error}")


def _program(bench: Bench) -> None:
    for steps in [SHORT] * bench.counts.repeats + [LONG]:
        run = subprocess.run([bench.step, str(steps)], check=True, capture_output=True, text=True)
        _record(bench, "program", steps, "", run.stdout.splitlines()[-1])


def _assay(bench: Bench) -> None:
    """Each short training in a kernel that has trained nothing: what was optimised for a cell serves later ones."""
    repeats = bench.counts.repeats
    for _ in range(repeats):
        with _prepared(bench, bench.assay) as kernel:
            _train(bench, kernel, SHORT, "")
    with _prepared(bench, bench.assay) as kernel:
        _train(bench, kernel, LONG, "")
        for _ in range(repeats // 2 + 1):
            _train(bench, kernel, SHORT, "_later")
    with _prepared(bench, bench.assay) as kernel:
        kernel.ok(":opt 3")
        for _ in range(repeats // 2 + 1):
            _train(bench, kernel, SHORT, "_opt3")
        _train(bench, kernel, LONG, "_opt3")


def _peer(bench: Bench, spec: Spec) -> None:
    """In one kernel: its cells share no compiled code."""
    with _prepared(bench, spec) as kernel:
        for _ in range(bench.counts.of(spec)[2]):
            _train(bench, kernel, SHORT, "")
        _train(bench, kernel, LONG, "")


def _prepared(bench: Bench, spec: Spec) -> Kernel:
    kernel = bench.load(spec)
    try:
        for cell in cells.SETUP:
            kernel.ok(cell)
    except BaseException:
        kernel.close()
        raise
    return kernel


def _train(bench: Bench, kernel: Kernel, steps: int, row: str) -> None:
    """`row`: what the names of the rows end in."""
    who = kernel.spec.who
    kernel.rest()
    outcome = kernel.ok(cells.training(steps, who), patience=30 * 60)
    if steps == SHORT:
        bench.results.add(f"first_step{row}", who, outcome.first("stream"))
    _record(bench, who, steps, row, kernel.ok(cells.STEP_TIMES).text())


def _record(bench: Bench, who: str, steps: int, row: str, printed: str) -> None:
    """A run of 50 steps gives the median of all, a long one that of its last 500, in ms."""
    times: list[float] = ast.literal_eval(printed.strip())
    if len(times) != steps:
        raise KernelFailed(f"{who} made {len(times)} of {steps} steps")
    bench.results.add(f"steps_{steps}{row}", who, statistics.median(times[-min(LAST, steps) :]) * 1000)
