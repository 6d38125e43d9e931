"""The rows of the table: what each is called, what it has to reach and against what."""

from __future__ import annotations

from dataclasses import dataclass

from results import Results


@dataclass(frozen=True)
class Row:
    """`at_most`, `at_least`: of assay's median. `of`: the row and who that `times` is a multiple of, median to
    median. `peer`: the largest multiple of the median of who stands `beside` assay."""

    key: str
    label: str
    unit: str = "s"
    at_most: float | None = None
    at_least: float | None = None
    times: float | None = None
    of: tuple[str, str] | None = None
    peer: float | None = None
    beside: str = "evcxr"
    group: str = ""

    def goal(self) -> str:
        parts = []
        if self.at_most is not None:
            parts.append(f"≤ {self.at_most:g} {self.unit}")
        if self.at_least is not None:
            parts.append(f"≥ {self.at_least:g} {self.unit}")
        if self.times is not None and self.of is not None:
            parts.append(f"≤ {self.times:g} x {self.against_name()}")
        if self.peer is not None:
            parts.append(f"≤ {self.peer:g} x {self.beside}")
        return ", ".join(parts)

    def against_name(self) -> str:
        names = {"trivial": "trivial cell", "early": "the 5th", "first": "one alone"}
        row, who = self.of or ("", "")
        return who if who != "assay" else names.get(row, row)

    def against(self, results: Results, who: str) -> float | None:
        if self.of is None:
            return None
        row, other = self.of
        reference = results.median(row, who if other == "assay" else other)
        value = results.median(self.key, who)
        return value / reference if value is not None and reference else None

    def met(self, results: Results) -> bool | None:
        """None where something that the goal speaks of was not measured."""
        value = results.median(self.key, "assay")
        if "assay" in results.wrong[self.key]:
            return False
        if value is None:
            return None
        checks: list[bool | None] = []
        if self.at_most is not None:
            checks.append(value <= self.at_most)
        if self.at_least is not None:
            checks.append(value >= self.at_least)
        if self.times is not None:
            against = self.against(results, "assay")
            checks.append(None if against is None else against <= self.times)
        if self.peer is not None:
            share = results.ratio(self.key, "assay", self.key, self.beside)
            checks.append(None if share is None else share <= self.peer)
        if not checks or False in checks:
            return False if checks else None
        return None if None in checks else True


TRIVIAL = ("trivial", "assay")
PROGRAM_50 = ("steps_50", "program")
PROGRAM_3000 = ("steps_3000", "program")

ROWS = [
    Row("ready", "spawn to `kernel_info_reply`", at_most=0.5, group="starts"),
    Row("first", "spawn to the first cell's result, Polars and dfdx built before", at_most=1.0, group="starts"),
    Row("first_bare", "the same, the peer without any dependency", group="starts"),
    Row(
        "trivial",
        "`let b = a + 1;`, Polars and dfdx in scope, a model and a frame alive",
        at_most=0.2,
        peer=0.12,
        group="session",
    ),
    Row("expression", "a last expression, `a + 1`", times=1.3, of=TRIVIAL, group="session"),
    Row("print", '`println!("{}", a);`', times=1.3, of=TRIVIAL, group="session"),
    Row("call", "a call of an earlier cell's function", times=1.3, of=TRIVIAL, group="session"),
    Row("again", "an unchanged cell again, until it prints", at_most=0.03, group="session"),
    Row("again_new", "the same notebook again in a new kernel, until the cell prints", at_most=0.03, group="session"),
    Row("type_error", "type error, one `error`", at_most=0.35, group="session"),
    Row("borrow_error", "borrow error, one `error`", at_most=0.35, group="session"),
    Row("shape_error", "shape error, one `error`", at_most=0.6, group="session"),
    Row("query", "`df!`, lazy filter, print", at_most=0.8, group="session"),
    Row("first_step", "build the 784-128-10 model and train: sent to the first step", at_most=1.0, group="training"),
    Row("steps_50", "a step, the first 50 of a kernel", "ms", times=1.3, of=PROGRAM_50, group="training"),
    Row("steps_3000", "a step, the last 500 of 3,000", "ms", times=1.3, of=PROGRAM_3000, group="training"),
    Row("first_step_later", "another training cell in that kernel: sent to the first step", group="training"),
    Row("steps_50_later", "its 50 steps", "ms", times=1.3, of=PROGRAM_50, group="training"),
    Row("first_step_opt3", "with `:opt 3`: sent to the first step", group="training"),
    Row("steps_50_opt3", "with `:opt 3`: 50 steps", "ms", times=1.05, of=PROGRAM_50, group="training"),
    Row("steps_3000_opt3", "with `:opt 3`: the last 500 of 3,000", "ms", times=1.05, of=PROGRAM_3000, group="training"),
    Row("memory", "memory of the kernel's own process after ten cells", "MB", at_most=100, group="session"),
    Row("memory_below", "memory of the processes below it", "MB", group="session"),
    Row("output", "10 MB of printed lines, all there, nothing after idle", "MB/s", at_least=10, group="session"),
    Row("output_messages", "the `stream` messages that they came in", "", group="session"),
    Row("early", "a trivial cell of a mixed notebook, the 4th to 6th", group="notebook"),
    Row("late", "the 48th to 50th", times=1.2, of=("early", "assay"), group="notebook"),
    Row(
        "four",
        "four kernels started at once: spawn to the first result, the slowest of the four",
        times=2.0,
        of=("first", "assay"),
        group="starts",
    ),
    Row("interrupt", "interrupt of a compile, until idle", at_most=0.3, group="interrupt"),
]


def wanted(rows: list[Row], only: list[str] | None) -> set[str]:
    """The keys of the rows that are asked for by their keys or groups, with those that they are compared with."""
    asked = {row.key for row in rows if not only or row.key in only or row.group in only}
    return asked | {row.of[0] for row in rows if row.key in asked and row.of is not None}


GROUPS = ["starts", "session", "training", "notebook", "interrupt"]
