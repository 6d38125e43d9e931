"""One notebook with Polars, dfdx, a model and a frame: cells of each kind, memory, output."""

from __future__ import annotations

from collections.abc import Callable

import cells
from bench import Bench
from client import Kernel, KernelFailed, Spec

KINDS: list[tuple[str, Callable[[], str]]] = [
    ("trivial", cells.trivial),
    ("expression", cells.expression),
    ("print", cells.print_line),
    ("call", cells.call),
    ("query", cells.query),
]
# With what rustc says of each, so that the error is the one that is meant.
ERRORS: list[tuple[str, Callable[[], str], str]] = [
    ("type_error", cells.type_error, "mismatched types"),
    ("borrow_error", cells.borrow_error, "borrow of moved value"),
    ("shape_error", cells.shape_error, "is not satisfied"),
]
LINES = 100_000


def measure(bench: Bench) -> None:
    # The same notebook in each session, so that all but the first run what was compiled before.
    repeated = [cells.printing() for _ in range(max(3, bench.counts.repeats))]
    for number in range(max(bench.counts.sessions, bench.counts.peer_sessions)):
        for spec in bench.specs():
            if number < bench.counts.of(spec)[1]:
                try:
                    _session(bench, spec, repeated, number > 0)
                except KernelFailed as error:
                    bench.results.note(f"a session of {spec.who} ended early: {error}")


def _session(bench: Bench, spec: Spec, repeated: list[str], known: bool) -> None:
    results, who = bench.results, spec.who
    with bench.load(spec) as kernel:
        for cell in cells.SETUP:
            kernel.ok(cell)
        # With the imports, ten cells.
        for _ in range(9 - len(cells.SETUP)):
            kernel.ok(cells.trivial())
        _memory(bench, kernel)
        if bench.wants("again_new"):
            for cell in repeated:
                seconds = kernel.ok(cell).first("stream")
                if known:
                    results.add("again_new", who, seconds)
        for row, make in KINDS:
            _guarded(_kind, bench, kernel, row, make)
        _guarded(_again, bench, kernel, "again")
        for row, make, said in ERRORS:
            _guarded(_error, bench, kernel, row, make, said)
        _guarded(_output, bench, kernel, "output")


def _guarded(measure: Callable[..., None], bench: Bench, kernel: Kernel, row: str, *rest: object) -> None:
    """One row that goes wrong is said under the table, and the others are measured."""
    if not bench.wants(row):
        return
    try:
        measure(bench, kernel, row, *rest)
    except KernelFailed as error:
        bench.results.fail(row, kernel.spec.who, str(error))
        if kernel.process.poll() is not None:
            raise


def _memory(bench: Bench, kernel: Kernel) -> None:
    own, below = kernel.memory_at_rest()
    bench.results.add("memory", kernel.spec.who, own)
    bench.results.add("memory_below", kernel.spec.who, below)


def _kind(bench: Bench, kernel: Kernel, row: str, make: Callable[[], str]) -> None:
    kernel.rest()
    for _ in range(bench.counts.of(kernel.spec)[2]):
        bench.results.add(row, kernel.spec.who, kernel.ok(make()).seconds)


def _again(bench: Bench, kernel: Kernel, row: str) -> None:
    cell = cells.printing()
    for _ in range(2):
        kernel.ok(cell)
    for _ in range(bench.counts.of(kernel.spec)[2]):
        bench.results.add(row, kernel.spec.who, kernel.ok(cell).first("stream"))


def _error(bench: Bench, kernel: Kernel, row: str, make: Callable[[], str], said: str) -> None:
    kernel.rest()
    for _ in range(bench.counts.of(kernel.spec)[2]):
        outcome = kernel.execute(make(), patience=30 * 60)
        if outcome.status != "error" or said not in outcome.error():
            raise KernelFailed(f"the cell ended with {outcome.status}, and not with {said!r}: {outcome.error()[:400]}")
        bench.results.add(row, kernel.spec.who, outcome.seconds)
        if (count := outcome.count("error")) != 1:
            bench.results.fail(row, kernel.spec.who, f"{count} `error` messages for one mistake")


def _output(bench: Bench, kernel: Kernel, row: str) -> None:
    results, who = bench.results, kernel.spec.who
    for _ in range(bench.counts.of(kernel.spec)[2] // 2 + 1):
        cell = cells.lines(LINES)
        outcome = kernel.ok(cell)
        # Whatever came after idle comes before this cell's own idle, under one of the two parents.
        after = kernel.ok(cells.trivial())
        results.add(row, who, LINES * 100 / 1e6 / outcome.seconds)
        expected = cells.expected_lines(cell)
        if (got := outcome.text()) != expected:
            results.fail(row, who, f"{len(got)} of {len(expected)} bytes, or in another order")
        if late := kernel.late + len(after.text()):
            results.fail(row, who, f"output after idle ({late} messages or bytes)")
        results.add("output_messages", who, outcome.count("stream"))
