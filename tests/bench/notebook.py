"""What a notebook's length costs, and how soon a compile stops."""

from __future__ import annotations

import statistics

import cells
from bench import Bench
from client import KernelFailed

LENGTH = 50
# A compile sends nothing that could be awaited, so this is by the clock; the cell takes seconds to compile.
INTERRUPT_AFTER = 0.5


def measure(bench: Bench) -> None:
    bench.results.skip("early", "evcxr", "not measured")
    bench.results.skip("late", "evcxr", "not measured")
    for _ in range(bench.counts.sessions):
        try:
            with bench.load(bench.assay) as kernel:
                kernel.ok("let a = 1;")
                seconds = [kernel.ok(cell).seconds for cell in cells.notebook(LENGTH)]
        except KernelFailed as error:
            bench.results.fail("late", "assay", str(error))
            continue
        bench.results.add("early", "assay", statistics.median(seconds[3:6]))
        bench.results.add("late", "assay", statistics.median(seconds[-3:]))


def interrupt(bench: Bench) -> None:
    bench.results.skip("interrupt", "evcxr", "cannot: it kills the cell's process, variables with it")
    with bench.load(bench.assay) as kernel:
        for cell in cells.SETUP:
            kernel.ok(cell)
        for _ in range(bench.counts.repeats):
            outcome = kernel.execute(":opt 3\n" + cells.training(50, "assay"), interrupt_after=INTERRUPT_AFTER)
            if outcome.messages[-1].kind != "status" or not outcome.count("interrupt"):
                raise KernelFailed("the compile ended before it was interrupted")
            if outcome.count("stream"):
                raise KernelFailed("the cell ran before it was interrupted")
            bench.results.add("interrupt", "assay", outcome.seconds - outcome.first("interrupt"))
            if outcome.status != "error" or outcome.count("error") != 1:
                bench.results.fail("interrupt", "assay", f"{outcome.status}, {outcome.count('error')} `error` messages")
            # Nothing is lost: what was there before is there.
            kernel.ok(cells.call())
            kernel.ok(cells.expression())
