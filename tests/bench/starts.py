"""Start-up: one kernel after the other, and four at once."""

from __future__ import annotations

import time
from concurrent.futures import ThreadPoolExecutor

import cells
from bench import Bench
from client import Kernel, KernelFailed, Spec


def measure(bench: Bench) -> None:
    for number in range(max(bench.counts.starts, bench.counts.peer_starts)):
        for spec in bench.specs():
            if number < bench.counts.of(spec)[0]:
                _one(bench, spec, number < bench.counts.peer_loads)
    if bench.wants("four"):
        _four(bench)


def _one(bench: Bench, spec: Spec, loaded: bool) -> None:
    results = bench.results
    with bench.start(spec) as kernel:
        seconds = _first_result(kernel)
        results.add("ready", spec.who, kernel.ready)
        results.add("first_bare", spec.who, seconds)
    if spec.who == "assay":
        # Its environment has both in every kernel.
        results.add("first", spec.who, seconds)
        return
    if not loaded or not bench.wants("first"):
        return
    try:
        with bench.load(spec) as kernel:
            results.add("first", spec.who, _first_result(kernel))
    except KernelFailed as error:
        results.fail("first", spec.who, str(error))


def _first_result(kernel: Kernel) -> float:
    sent = time.perf_counter() - kernel.spawned
    return sent + kernel.ok(f"1 + {cells.fresh()}").first("execute_result")


def _four(bench: Bench) -> None:
    def start(_: int) -> float:
        with bench.start(bench.assay) as kernel:
            return _first_result(kernel)

    for _ in range(bench.counts.starts // 2 + 1):
        with ThreadPoolExecutor(4) as pool:
            try:
                bench.results.add("four", "assay", max(pool.map(start, range(4))))
            except KernelFailed as error:
                bench.results.fail("four", "assay", str(error))
    bench.results.skip("four", "evcxr", "not measured: each kernel builds in a folder of its own")
