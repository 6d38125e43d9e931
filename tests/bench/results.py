"""What was measured: by row and by who, and what has to be said beside it."""

from __future__ import annotations

import statistics
import sys
import time
from collections import defaultdict
from dataclasses import dataclass, field

_BEGAN = time.monotonic()


def say(text: str) -> None:
    """Progress, on stderr."""
    print(f"[{time.monotonic() - _BEGAN:6.0f} s] {text}", file=sys.stderr, flush=True)


@dataclass
class Results:
    values: dict[str, dict[str, list[float]]] = field(default_factory=lambda: defaultdict(lambda: defaultdict(list)))
    # Said under the table; a row that went wrong is not met, whatever its figures are.
    notes: list[str] = field(default_factory=list)
    wrong: dict[str, set[str]] = field(default_factory=lambda: defaultdict(set))
    # Why a kernel has no figure in a row.
    missing: dict[str, dict[str, str]] = field(default_factory=lambda: defaultdict(dict))

    def add(self, row: str, who: str, value: float) -> None:
        self.values[row][who].append(value)
        say(f"{who:8s} {row:18s} {value:10.4f}")

    def note(self, text: str) -> None:
        """One line, whatever a kernel put into it."""
        text = " ".join(text.split())
        if text not in self.notes:
            self.notes.append(text)
            say(text)

    def fail(self, row: str, who: str, why: str) -> None:
        self.wrong[row].add(who)
        self.note(f"`{row}`, {who}: {why}")

    def skip(self, row: str, who: str, why: str) -> None:
        self.missing[row][who] = why

    def median(self, row: str, who: str) -> float | None:
        values = self.values.get(row, {}).get(who)
        return statistics.median(values) if values else None

    def ratio(self, row: str, who: str, other_row: str, other: str) -> float | None:
        one, two = self.median(row, who), self.median(other_row, other)
        return one / two if one is not None and two else None
