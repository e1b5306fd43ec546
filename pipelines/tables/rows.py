"""One line of a table: the cells that every table of top-1 has."""

from collections.abc import Mapping, Sequence

from pipelines.tables.runs import TableConfig
from pipelines.tables.summary import Repeat, summarise

COLUMNS = (
    "method",
    "backbone",
    "frames",
    "resolution",
    "additional_labels",
    "source",
    "top1_mean",
    "top1_std",
    "num_splits",
    "num_seeds",
    "published_top1",
    "status",
    "reason",
)

# Rows that learn from the target's labelled videos alone.
WITHOUT_SOURCE = ("random", "mars")
# Rows that train no network, and what stands in its place.
WITHOUT_NETWORK = {"idt_svm": "trajectories"}

Row = dict[str, object]


def empty_row(method: str, config: TableConfig) -> Row:
    """Every column; what is not measured is empty."""
    has_network = method not in WITHOUT_NETWORK
    return dict.fromkeys(COLUMNS, "") | {
        "method": method,
        "backbone": WITHOUT_NETWORK.get(method, config.backbone),
        "frames": config.num_frames if has_network else "",
        "resolution": config.resolution if has_network else "",
        "additional_labels": "source labels" if method == "supervised" else "",
        "source": _source(method, config),
    }


def _source(method: str, config: TableConfig) -> str:
    if method in config.published:
        return f"published weights ({config.published[method]})"
    return "" if method in WITHOUT_SOURCE else config.source


def top1_of(method: str, measured: Sequence[Mapping[str, object]]) -> dict[Repeat, float]:
    """Top-1 in percent of one row's runs."""
    return values_of([item for item in measured if item["method"] == method], "top1")


def values_of(measured: Sequence[Mapping[str, object]], name: str) -> dict[Repeat, float]:
    """One number of each run."""
    return {
        Repeat(str(item["split"]), int(str(item["seed"])), int(str(item["draw"]))): float(
            str(item[name])
        )
        for item in measured
    }


def measured_cells(
    method: str, config: TableConfig, measured: Sequence[Mapping[str, object]]
) -> Row:
    """Mean, spread, counts and status of a row; empty where it has no runs."""
    top1 = top1_of(method, measured)
    if not top1:
        return {}
    summary = summarise(top1)
    return {
        "top1_mean": round(summary.mean, 2),
        "top1_std": "" if summary.std is None else round(summary.std, 2),
        "num_splits": summary.num_splits,
        "num_seeds": summary.num_seeds,
        "status": "smoke" if config.is_smoke else "measured",
    }


def remark(method: str, config: TableConfig) -> str:
    """What a reader must know about a measured row, "" for nothing."""
    if config.is_smoke:
        return "smoke preset: proves the plumbing, the number means nothing"
    foreign = {
        item.generator
        for item in config.runs
        if item.method == method and item.generator not in ("", f"{config.dataset}.{item.split}")
    }
    return f"generator labels {', '.join(sorted(foreign))} for all splits" if foreign else ""
