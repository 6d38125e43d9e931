#!/usr/bin/env python3
"""The tracker against the clock: assay beside MLflow, Aim and trackio, in one sitting.

Prints one Markdown table: each figure, its goal, and the ratio to the best of the others. What it needs (Python
packages, the program `tracker/examples/clock.rs`) it makes; see README.md for where."""

from __future__ import annotations

import argparse
import json
import os
import re
import shutil
import subprocess
import sys
import tempfile
from dataclasses import dataclass
from pathlib import Path

import prepare
from results import say

PEERS = {"mlflow": "mlflow==3.17.0", "aim": "aim==3.29.1", "trackio": "trackio==0.43.0"}

# One scalar logged again and again. Prints the seconds in the loop, until all is stored, and the bytes on disk.
PEER_PROGRAM = """
import json, os, sys, time
which, count = sys.argv[1], int(sys.argv[2])
folder = os.getcwd()
os.environ["TRACKIO_DIR"] = folder
os.environ["HF_HUB_OFFLINE"] = os.environ["MLFLOW_DISABLE_TELEMETRY"] = "1"
if which.startswith("mlflow"):
    import mlflow
    from mlflow.entities import Metric
    mlflow.set_tracking_uri("sqlite:///m.db")
    mlflow.set_experiment("e")
    mlflow.start_run()
    client, run = mlflow.MlflowClient(), mlflow.active_run().info.run_id
    def one(step): mlflow.log_metric("loss", 1 / (step + 1), step=step)
    def batch(start):
        now = int(time.time() * 1000)
        client.log_batch(run, metrics=[Metric("loss", 1 / (s + 1), now, s) for s in range(start, min(count, start + 1000))])
    steps, log = (range(0, count, 1000), batch) if which.endswith("batch") else (range(count), one)
    end = mlflow.end_run
elif which == "aim":
    from aim import Run
    run = Run(repo=folder, log_system_params=False, system_tracking_interval=None)
    steps, end = range(count), run.close
    def log(step): run.track(1 / (step + 1), name="loss", step=step)
else:
    import trackio
    trackio.init(project="p")
    steps, end = range(count), trackio.finish
    def log(step): trackio.log({"loss": 1 / (step + 1)}, step=step)
began = time.perf_counter()
for step in steps:
    log(step)
looped = time.perf_counter() - began
end()
stored = time.perf_counter() - began
size = sum(os.path.getsize(os.path.join(root, name)) for root, _, names in os.walk(folder) for name in names)
print("FIGURES " + json.dumps({"loop": looped, "stored": stored, "bytes": size}))
sys.stdout.flush()
os._exit(0)
"""


@dataclass(frozen=True)
class Row:
    key: str
    label: str
    unit: str
    goal: float
    # More of it is better.
    more: bool = False

    def met(self, value: float) -> bool:
        return value >= self.goal if self.more else value <= self.goal


ROWS = (
    Row("p50_ns", "`run.log` in the loop, half of the calls within", "ns", 200),
    Row("p999_ns", "the same, 99.9%", "ns", 5000),
    Row("loop_ns", "`run.log` in the loop, mean", "ns", 1_300),
    Row("stored_per_s", "logged and stored by one thread", "points/s", 330_000, more=True),
    Row("bytes_per_point", "on disk", "bytes/point", 12),
    Row("first_point_ms", "`Run::start` to the first stored point", "ms", 5),
    Row("runs_s", "1,000 runs made, each with a point", "s", 2),
    Row("find_warm_ms", "filter, sort by a metric, the best 100", "ms", 10),
    Row("find_cold_ms", "the same, the file just opened", "ms", 100),
    Row("table_ms", "all runs as a table for Polars, 100 columns", "ms", 250),
    Row("points_per_s", "points of all runs, unpacked into columns", "points/s", 10_000_000, more=True),
    Row("curve_ms", "a series of 1 M points to 1,000 pixels", "ms", 2),
    Row("metrics_per_s", "points as a Polars frame, `metrics()`", "points/s", 5_000_000, more=True),
    Row("fingerprint_gb_per_s", "fingerprint of a frame with columns of ten types", "GB/s", 2, more=True),
)


def main() -> int:
    arguments = _arguments()
    machine = prepare.machine()
    clock = _clock(arguments.clock)
    with tempfile.TemporaryDirectory(prefix="assay-bench-", dir=arguments.folder) as name:
        folder = Path(name)
        assay = _assay(clock, folder, arguments)
        if arguments.lab:
            assay |= _lab()
        peers = _peers(folder, arguments) if arguments.peer else {}
    print(_markdown(machine, assay, peers, arguments), end="")
    if arguments.json:
        arguments.json.write_text(json.dumps({"machine": machine, "assay": assay, "peers": peers}, indent=1) + "\n")
    return 0


def _assay(clock: Path, folder: Path, arguments: argparse.Namespace) -> dict[str, float]:
    count = 200_000 if arguments.quick else 2_000_000
    runs, steps = (1_000, 100) if arguments.quick else (arguments.runs, 1_000)
    figures: dict[str, float] = {}
    # The quietest of three: a machine that does something else can only make it slower.
    for attempt in range(3):
        for key, value in _run_clock(clock, "log", folder / f"log{attempt}.db", count).items():
            row = next((row for row in ROWS if row.key == key), None)
            best = max if row and row.more else min
            figures[key] = best(figures.get(key, value), value)
    figures |= _run_clock(clock, "start", folder / "start.db")
    made = _run_clock(clock, "runs", folder / "runs.db", 1_000)
    figures["runs_s"] = made["seconds"]
    figures |= _run_clock(clock, "reads", folder / "reads.db", runs, steps)
    figures["read_runs"], figures["read_points"] = runs, runs * 10 * steps
    return figures


def _lab() -> dict[str, float]:
    """What is measured in the library that cells link, which holds Polars. Its tests are built with what it was."""
    say("assay    frames")
    tests = [str(prepare.program()), "env", "cargo", "test", "--release", "-p", "lab", "--lib", "tests::speed"]
    options = ["--ignored", "--nocapture", "--test-threads", "1"]
    env = {**os.environ, "ASSAY_DEVICE": "cpu"}
    output = subprocess.check_output([*tests, "--", *options], cwd=prepare.REPOSITORY, env=env, text=True)
    figures: dict[str, float] = {}
    # The first line of a measure stands behind the name of its test.
    for word, rest in re.findall(r"(METRICS|FINGERPRINT) (\{.*\})", output):
        seen = json.loads(rest)
        if word == "METRICS":
            figures["metrics_per_s"] = seen["points_per_s"]
        else:
            say(f"  {seen['what']:<24} {seen['gb_per_s']:6.2f} GB/s  {seen['rows_per_s'] / 1e6:8.0f} M rows/s")
            # The last one is the frame of all columns.
            figures["fingerprint_gb_per_s"] = seen["gb_per_s"]
    return figures


def _run_clock(clock: Path, *words: object) -> dict[str, float]:
    say(f"assay    {words[0]}")
    output = subprocess.check_output([str(clock), *map(str, words)], text=True)
    return json.loads(output.splitlines()[-1])


def _peers(folder: Path, arguments: argparse.Namespace) -> dict[str, dict[str, float] | str]:
    share = 10 if arguments.quick else 1
    counts = {"mlflow": 1_000, "mlflow_batch": 20_000, "aim": 10_000, "trackio": 20_000}
    figures: dict[str, dict[str, float] | str] = {}
    for which, count in counts.items():
        package = which.split("_")[0]
        python = _peer_python(package)
        if python is None:
            figures[which] = "does not install here"
            continue
        say(f"{which}")
        work = folder / which
        work.mkdir()
        points = max(count // share, 100)
        command = [str(python), "-c", PEER_PROGRAM, which, str(points)]
        done = subprocess.run(command, cwd=work, capture_output=True, text=True, timeout=1200, check=False)
        line = next((line for line in done.stdout.splitlines() if line.startswith("FIGURES ")), None)
        if line is None:
            last = (done.stderr.strip().splitlines() or ["no word"])[-1]
            figures[which] = f"failed: {last[:100]}"
            continue
        seen = json.loads(line.removeprefix("FIGURES "))
        figures[which] = {
            "loop_ns": seen["loop"] / points * 1e9,
            "stored_per_s": points / seen["stored"],
            "bytes_per_point": seen["bytes"] / points,
            "points": points,
        }
    return figures


def _peer_python(package: str) -> Path | None:
    """An interpreter with the peer, each in an environment of its own: they want different versions of the same."""
    folder = prepare.home() / f"tracker-{PEERS[package].replace('==', '-')}"
    python = folder / "bin" / "python"
    if not (folder / "ready").exists():
        say(f"installing {PEERS[package]}")
        made = subprocess.run([sys.executable, "-m", "venv", "--clear", str(folder)], check=False)
        install = [str(python), "-m", "pip", "install", "--quiet", "--disable-pip-version-check"]
        for wanted in (PEERS[package], package):
            # The version that was measured first; where it is not to be had any more, the newest.
            if made.returncode == 0 and subprocess.run([*install, wanted], check=False).returncode == 0:
                (folder / "ready").touch()
                return python
        shutil.rmtree(folder, ignore_errors=True)
        return None
    return python


def _clock(binary: Path | None) -> Path:
    return binary.resolve() if binary else prepare.example("clock")


def _markdown(machine: dict[str, str], assay: dict, peers: dict, arguments: argparse.Namespace) -> str:
    names = list(peers)
    lines = [", ".join(f"{name}: {text}" for name, text in machine.items()) + ".", ""]
    lines.append(f"Reads: {int(assay['read_runs']):,} runs x 10 metrics, {int(assay['read_points']):,} points.")
    if arguments.quick:
        lines.append("`--quick`: fewer of everything; whether a goal is met is not said by it.")
    head = ["", "goal", "assay", *names, *(["assay / best of the others"] if names else []), "met"]
    lines += ["", "| " + " | ".join(head) + " |", "|" + "---|" * len(head)]
    for row in ROWS:
        value = assay.get(row.key)
        if value is None:
            continue
        cells = [row.label, f"{row.goal:,} {row.unit}", f"{_number(value)} {row.unit}"]
        theirs = [peer.get(row.key) if isinstance(peer, dict) else None for peer in peers.values()]
        cells += ["" if figure is None else _number(figure) for figure in theirs]
        if names:
            known = [figure for figure in theirs if figure]
            best = (max if row.more else min)(known) if known else None
            cells.append("" if best is None else f"{_number(value / best)} x")
        lines.append("| " + " | ".join([*cells, "met" if row.met(value) else "**not met**"]) + " |")
    notes = [f"- {name}: {peer}" for name, peer in peers.items() if isinstance(peer, str)]
    return "\n".join([*lines, "", *notes]).rstrip() + "\n"


def _number(value: float) -> str:
    return f"{value:,.0f}" if abs(value) >= 100 else f"{value:.3g}"


def _arguments() -> argparse.Namespace:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--peer", action="store_true", help="measure MLflow, Aim and trackio beside it")
    parser.add_argument("--lab", action="store_true", help="measure frames too: builds lab and its tests")
    parser.add_argument("--quick", action="store_true", help="fewer of everything, to see that it works")
    parser.add_argument("--runs", type=int, default=10_000, help="how many runs are read (default: 10,000)")
    parser.add_argument("--clock", type=Path, metavar="FILE", help="the built program, instead of building it")
    parser.add_argument("--folder", type=Path, metavar="FOLDER", help="where the databases are made, for a time")
    parser.add_argument("--json", type=Path, metavar="FILE", help="write every figure to a file")
    return parser.parse_args()


if __name__ == "__main__":
    sys.exit(main())
