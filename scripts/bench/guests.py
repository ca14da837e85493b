"""Recall against guests: what each further copy of a row in a neighbouring cell buys.

Small cells (8,192 rows) so that there are many borders; the bound on halo rows is set in `neighbors.cells`,
which works because Sail's Python runs in this process.

    .venv/bin/python scripts/bench/guests.py [--quick] [set ...]
"""

from __future__ import annotations

from quality import quality
from recall import K, by_smote, rows_of, said
from section import Options, Row, cold, main
from sets import standardised

from spark_balance.neighbors import cells

SWEPT = ("G", "digits", "blob")
BOUNDS = (0.0, 0.05, 0.1, 0.2, 0.4, 0.7, 1.0, 1.6, 2.5)
QUICK_BOUNDS = (0.0, 0.2, 1.0)
CELL_ROWS = 8_192
QUICK_CELL_ROWS = 2_048


def one(request: Row) -> Row:
    """Return a point of the curve for each bound on guests."""
    for name in ("MAX_HALO",):
        if not hasattr(cells, name):
            raise SystemExit(f"neighbors.cells has no {name} any more: sweep what has taken its place")
    points = standardised(request["set"], request["rows"])
    curve = []
    for bound in request["bounds"]:
        cells.MAX_HALO = bound
        made, notes = by_smote(points, neighbors="cells", recall=0.99999, cell_rows=request["cell_rows"])
        curve.append({"bound": bound} | said(notes) | {"recall": quality(points, made, K, 0.0)["recall"]})
    return {"curve": curve}


def measure(options: Options) -> list[Row]:
    """Sweep every set in a cold process."""
    result = []
    for name in SWEPT[:1] if options.quick and not options.names else SWEPT:
        if not options.wants(name):
            continue
        rows = rows_of(name, options.quick)
        bounds, cell_rows = (QUICK_BOUNDS, QUICK_CELL_ROWS) if options.quick else (BOUNDS, CELL_ROWS)
        request = {"set": name, "rows": rows, "bounds": bounds, "cell_rows": cell_rows}
        done = cold(request, say=f"{name}, {len(bounds)} bounds on guests")
        result.append({"set": name, "rows": rows, "cell_rows": cell_rows} | done.answer)
    return result


if __name__ == "__main__":
    main(measure, one, rounds=1)
