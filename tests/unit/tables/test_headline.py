import pandas as pd

from pipelines.tables.headline import headline, summary_page

TABLE = pd.DataFrame(
    {
        "method": ["video_la", "stc"],
        "top1_mean": ["50.1", ""],
        "top1_std": ["2.3", ""],
        "num_splits": ["3", ""],
        "num_seeds": ["2", ""],
        "published_top1": ["", ""],
        "status": ["measured", "unavailable"],
    }
)


def test_a_row_has_its_spread_and_its_runs_and_one_without_a_number_is_left_out():
    printed = TABLE.assign(published_top1=["", "84.7"])

    measured_row = ["video_la", "50.1 +- 2.3", "", "6", "measured"]
    assert headline(TABLE).to_numpy().tolist() == [measured_row]
    assert headline(printed).to_numpy().tolist() == [
        measured_row,
        ["stc", "", "84.7", "", "unavailable"],
    ]


def test_the_page_has_both_forms_and_no_empty_column():
    page = summary_page("ucf", {"Every method": headline(TABLE)})

    assert "| video_la | 50.1 +- 2.3 | 6    | measured |" in page
    assert r"video\_la & 50.1 $\pm$ 2.3 & 6 & measured \\" in page
    assert r"\begin{tabular}{lrrl}" in page
    assert "published (%)" not in page
