r"""A table as LaTeX, for the packages that every installation has.

The environment is `tabular` with horizontal rules only; nothing needs to be loaded.
"""

from collections.abc import Sequence

ESCAPES = {
    "\\": r"\textbackslash{}",
    "&": r"\&",
    "%": r"\%",
    "$": r"\$",
    "#": r"\#",
    "_": r"\_",
    "{": r"\{",
    "}": r"\}",
    "~": r"\textasciitilde{}",
    "^": r"\textasciicircum{}",
}


def escaped(text: str) -> str:
    r"""A text whose special characters print as they are.

    >>> escaped("video_la 50 %")
    'video\\_la 50 \\%'
    """
    # "+-" is how tables write a spread in plain text.
    return "".join(ESCAPES.get(letter, letter) for letter in text).replace("+-", r"$\pm$")


def latex_table(
    header: Sequence[str], rows: Sequence[Sequence[object]], numeric: Sequence[str] = ()
) -> str:
    """A `tabular`, one line per row.

    Args:
        header: Names of the columns.
        rows: Cells in the header's order; "" for an empty one.
        numeric: Columns that are set to the right.

    Raises:
        ValueError: If a row has another number of cells than the header.
    """
    for row in rows:
        if len(row) != len(header):
            raise ValueError(f"expected {len(header)} cells, found {len(row)}: {list(row)}")
    places = "".join("r" if name in numeric else "l" for name in header)
    body = [" & ".join(escaped(str(cell)) for cell in row) + r" \\" for row in [header, *rows]]
    lines = [rf"\begin{{tabular}}{{{places}}}", r"\hline", body[0], r"\hline", *body[1:]]
    return "\n".join([*lines, r"\hline", r"\end{tabular}"]) + "\n"
