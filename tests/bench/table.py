"""Prints what was measured as one Markdown table."""

from __future__ import annotations

import statistics
from typing import Any

from results import Results
from rows import Row

# The kernel of the peer that the rows call `evcxr`.
NAMES = {"evcxr": "evcxr_jupyter"}
DIGITS = {"s": 3, "ms": 2, "MB": 0, "MB/s": 1, "": 0}


def markdown(results: Results, machine: dict[str, str], rows: list[Row], peer: str | None) -> str:
    """`peer`: who stands beside assay, if anyone."""
    lines = [", ".join(f"{name}: {text}" for name, text in machine.items()) + ".", ""]
    against = any(row.of for row in rows)
    said = " `against`: the multiple that the goal speaks of." if against else ""
    lines += [f"Medians (smallest - largest, how many).{said}", ""]
    beside = [NAMES.get(peer, peer), f"assay / {peer}"] if peer else []
    head = ["", "goal", "assay", *(["against"] if against else []), *beside, "met"]
    lines.append("| " + " | ".join(head) + " |")
    lines.append("|" + "---|" * len(head))
    for row in rows:
        cells = [row.label, row.goal(), _figures(results, row, "assay")]
        if against:
            cells.append(_against(results, row))
        if peer:
            share = results.ratio(row.key, "assay", row.key, peer)
            cells += [_figures(results, row, peer), "" if share is None else f"{_number(share, 2)} x"]
        lines.append("| " + " | ".join([*cells, _met(row, results)]) + " |")
    notes = [f"- {note}" for note in results.notes]
    return "\n".join([*lines, "", *notes]).rstrip() + "\n"


def record(results: Results, machine: dict[str, str], rows: list[Row]) -> dict[str, Any]:
    """Everything, for a file."""
    measured = {
        row.key: {
            "label": row.label,
            "goal": row.goal(),
            "unit": row.unit,
            "values": {who: values for who, values in results.values[row.key].items()},
            "medians": {who: statistics.median(values) for who, values in results.values[row.key].items() if values},
            "against": row.against(results, "assay"),
            "met": row.met(results),
        }
        for row in rows
        if row.key in results.values
    }
    return {"machine": machine, "rows": measured, "notes": results.notes}


def _figures(results: Results, row: Row, who: str) -> str:
    values = results.values[row.key].get(who)
    if not values:
        return results.missing[row.key].get(who, "")
    figures = (statistics.median(values), min(values), max(values))
    median, low, high = (_number(value, DIGITS[row.unit]) for value in figures)
    wrong = ", wrong" if who in results.wrong[row.key] else ""
    return f"{median} {row.unit}".rstrip() + f" ({low} - {high}, {len(values)}{wrong})"


def _number(value: float, digits: int) -> str:
    """Two digits at least of what is small."""
    return f"{value:.2g}" if digits and value < 0.1 else f"{value:.{digits}f}"


def _against(results: Results, row: Row) -> str:
    factor = row.against(results, "assay")
    if factor is None or row.of is None:
        return ""
    other = results.median(*row.of)
    return f"{factor:.2f} x" + ("" if other is None else f" of {_number(other, DIGITS[row.unit])} {row.unit}")


def _met(row: Row, results: Results) -> str:
    if not row.goal():
        return ""
    if results.median(row.key, "assay") is None:
        return "not measured"
    # A goal that speaks of the peer is met in part without it.
    return {True: "met", False: "not met", None: "so far met"}[row.met(results)]
