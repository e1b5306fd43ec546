"""Which rows of a table are points of curves, and where they stand."""

from typing import Literal

import msgspec


class CurveDefinition(msgspec.Struct, frozen=True, forbid_unknown_fields=True):
    """A table's rows as curves: results/figures/curves/{target}/{table}.png.

    Attributes:
        x: What changes along a curve, with its unit.
        measures: One plot each, of the rows' measures.
        curves: Name -> row -> its place on the x-axis.
        levels: Name -> row without a place, a line across the plot.
        scale: Of the x-axis.
    """

    x: str
    measures: tuple[str, ...]
    curves: dict[str, dict[str, float]]
    levels: dict[str, str] = {}
    scale: Literal["linear", "log"] = "linear"

    def rows(self) -> list[str]:
        """All rows that are shown."""
        points = [row for places in self.curves.values() for row in places]
        return [*points, *self.levels.values()]
