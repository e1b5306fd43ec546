"""The page that shows a target's results at a glance, to paste into a text or a paper."""

from collections.abc import Mapping

import pandas as pd

from pipelines.tables.latex import latex_table
from pipelines.tables.markdown import grid

COLUMNS = ("method", "top-1 (%)", "published (%)", "runs", "status")
NUMERIC = ("top-1 (%)", "published (%)", "runs")
NOTE = (
    "Top-1: share of test videos classified rightly, mean over splits of the mean over seeds, with "
    "the sample standard deviation over splits (over seeds where there is one split). Published: "
    "what the method's paper prints for this dataset, often with another backbone or source. Runs: "
    "splits times seeds. Rows with status smoke only prove that the pieces fit; their numbers mean "
    "nothing."
)


def headline(table: pd.DataFrame) -> pd.DataFrame:
    """The columns that matter, as text.

    Args:
        table: Table 5 or the leaderboard, every cell as text, "" where it is empty. Rows without a
            number, ours or printed, are left out.
    """
    records = table.to_dict("records")
    rows = [row for row in records if row["top1_mean"] or row["published_top1"]]
    return pd.DataFrame(
        {
            "method": [row["method"] for row in rows],
            "top-1 (%)": [_spread(row) for row in rows],
            "published (%)": [row["published_top1"] for row in rows],
            "runs": [_runs(row) for row in rows],
            "status": [row["status"] for row in rows],
        },
        columns=list(COLUMNS),
    )


def summary_page(target: str, tables: Mapping[str, pd.DataFrame]) -> str:
    """Every table in Markdown, then every table in LaTeX.

    Args:
        target: Name of the target.
        tables: Title -> what `headline` gives; a column that is empty everywhere is left out.
    """
    lines = [f"# {target}: summary", "", NOTE]
    for title, table in tables.items():
        lines += ["", f"## {title}", "", *grid(*_cells(table))]
    lines += ["", "## The same in LaTeX"]
    for title, table in tables.items():
        text = latex_table(*_cells(table), NUMERIC)
        lines += ["", title, "", "```latex", *text.splitlines(), "```"]
    return "\n".join(lines) + "\n"


def _cells(table: pd.DataFrame) -> tuple[list[str], list[list[object]]]:
    kept = [name for name in table.columns if (table[name] != "").any()]
    return kept, table[kept].to_numpy().tolist()


def _spread(row: Mapping[object, object]) -> str:
    spread = f" +- {row['top1_std']}" if row["top1_std"] else ""
    return f"{row['top1_mean']}{spread}" if row["top1_mean"] else ""


def _runs(row: Mapping[object, object]) -> str:
    if not row["num_splits"]:
        return ""
    return str(round(float(str(row["num_splits"])) * float(str(row["num_seeds"]))))
