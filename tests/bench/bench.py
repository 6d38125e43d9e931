"""What all measurements share: the kernels, how often, and where."""

from __future__ import annotations

import itertools
import json
import os
import time
from dataclasses import dataclass, field, replace
from pathlib import Path

import cells
import prepare
from client import Kernel, Spec
from results import Results


@dataclass(frozen=True)
class Counts:
    """How often: kernels started, loaded sessions, repetitions in a session."""

    starts: int = 9
    sessions: int = 3
    repeats: int = 7
    peer_starts: int = 7
    # With its dependencies, which takes far longer than a bare start.
    peer_loads: int = 5
    peer_sessions: int = 2
    peer_repeats: int = 5

    def of(self, spec: Spec) -> tuple[int, int, int]:
        if spec.who == "assay":
            return self.starts, self.sessions, self.repeats
        return self.peer_starts, self.peer_sessions, self.peer_repeats


QUICK = Counts(starts=3, sessions=2, repeats=2, peer_starts=1, peer_loads=1, peer_sessions=2, peer_repeats=2)


@dataclass
class Bench:
    results: Results
    assay: Spec
    counts: Counts
    folder: Path
    # The program whose steps are compared with a cell's.
    step: Path
    # Rows that nobody asked for are left out where that saves time.
    wanted: set[str]
    peer: Spec | None = None
    # The folder in which the peer keeps its built dependencies; one kernel at a time can use it.
    peer_built: Path | None = None
    _numbers: itertools.count[int] = field(default_factory=itertools.count)

    def wants(self, row: str) -> bool:
        return row in self.wanted

    def specs(self) -> list[Spec]:
        return [self.assay] if self.peer is None else [self.assay, self.peer]

    def start(self, spec: Spec) -> Kernel:
        """A kernel as installed, in a folder of its own."""
        return Kernel(spec, self.folder / f"{spec.who}-{next(self._numbers)}")

    def load(self, spec: Spec) -> Kernel:
        """A kernel in which Polars and dfdx are in scope. The peer finds them built: in a folder of its own,
        every one of its kernels would build them again."""
        if spec.who != "assay" and self.peer_built is not None:
            spec = replace(spec, env=spec.env | {"EVCXR_TMPDIR": str(self.peer_built)})
        kernel = self.start(spec)
        try:
            seconds = kernel.ok(cells.imports(spec), patience=2 * 60 * 60).seconds
        except BaseException:
            kernel.close()
            raise
        if spec.who != "assay":
            self._loaded(seconds)
        return kernel

    def _loaded(self, seconds: float) -> None:
        """What it took to build the peer's dependencies, which only the first run can measure."""
        file = prepare.home() / "evcxr-first-build.json"
        if not file.exists():
            load = os.getloadavg()[0]
            file.write_text(json.dumps({"seconds": seconds, "load": load, "date": time.strftime("%Y-%m-%d")}))
        first = json.loads(file.read_text())
        self.results.note(
            f"evcxr: its first `:dep` of dfdx and Polars took {first['seconds']:.0f} s ({first['date']}, load average "
            f"{first['load']:.1f}); here it finds them built."
        )
