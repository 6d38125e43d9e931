"""A model's two sides, in turns: a cell in a new kernel of assay, a new process with Keras, and again. Each is alone
while it is measured."""

from __future__ import annotations

import json
import os
import statistics
import subprocess
from dataclasses import dataclass
from pathlib import Path

import cells
from client import Kernel, KernelFailed, Spec
from models import PARAMETERS, PEER, Model
from processes import MARK
from results import Results

WITH_KERAS = Path(__file__).parent / "with_keras.py"
# For each of the functions that are timed there.
KERAS_SECONDS = 4.0
MS = 1000


@dataclass
class Sides:
    results: Results
    assay: Spec
    # The interpreter that has it.
    keras: Path
    folder: Path
    turns: int

    def measure(self, model: Model) -> None:
        for turn in range(self.turns):
            try:
                here = self._cell(model, self.folder / f"{model.key}-{turn}")
                there = self._keras(model)
            except KernelFailed as error:
                self.results.note(f"a turn of `{model.key}` ended early: {error}")
                continue
            if here != there:
                self.results.fail(model.key, "assay", f"another model: {here} parameters, and with {PEER} {there}")

    def _cell(self, model: Model, folder: Path) -> int:
        """Gives how many parameters the model has."""
        with Kernel(self.assay, folder) as kernel:
            for cell in model.setup():
                kernel.ok(cell)
            kernel.rest()
            outcome = kernel.ok(model.training(), patience=30 * 60)
            if kernel.compiles():
                raise KernelFailed(f"the cell's {model.seconds:.0f} s were over before its optimised code was there")
            first = outcome.first("stream")
            steps: list[list[float]] = json.loads(kernel.ok(cells.STEP_TIMES).text())
            parameters = int(kernel.ok(PARAMETERS).text())
        self.results.add(f"{model.key}_first_step", "assay", first)
        settled = _last(steps, model.last)
        forward, backward, update = (statistics.median(part) for part in zip(*settled, strict=True))
        step = statistics.median(map(sum, settled))
        self._add(model, "assay", step, forward, backward, update)
        for row in model.beside_fit():
            self.results.add(row.key, "assay", step * MS)
        return parameters

    def _keras(self, model: Model) -> int:
        command = [str(self.keras), str(WITH_KERAS), model.key, str(KERAS_SECONDS)]
        run = subprocess.run(command, env=os.environ | {MARK: str(os.getpid())}, capture_output=True, text=True)
        if run.returncode:
            raise KernelFailed(f"{PEER} failed: {run.stderr[-400:]}")
        ran = json.loads(run.stdout)
        times: dict[str, list[float]] = ran["times"]
        step, forward = statistics.median(times["step"]), statistics.median(times["forward"])
        gradients = statistics.median(times.get("gradients", times["step"]))
        self._add(model, PEER, step, forward, gradients - forward, step - gradients)
        for row in model.beside_fit():
            name = row.key.removeprefix(f"{model.key}_")
            self.results.add(row.key, PEER, statistics.median(times[name]) * MS)
        return int(ran["parameters"])

    def _add(self, model: Model, who: str, step: float, forward: float, backward: float, update: float) -> None:
        parts = {"": step, "_forward": forward, "_backward": backward, "_update": update}
        for row in model.rows():
            if (name := row.key.removeprefix(model.key)) in parts:
                self.results.add(row.key, who, parts[name] * MS)


def _last(steps: list[list[float]], seconds: float) -> list[list[float]]:
    """The steps that took the last so many seconds."""
    counted = 0
    while counted < len(steps) and seconds > 0:
        counted += 1
        seconds -= sum(steps[-counted])
    return steps[len(steps) - counted :]
