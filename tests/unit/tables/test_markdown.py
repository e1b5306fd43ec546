import pandas as pd
import pytest

from pipelines.tables.markdown import leaderboard_page, table_page
from pipelines.tables.summary import PairedComparison

TABLE = pd.DataFrame(
    [
        {
            "method": "random",
            "top1_mean": 50.0,
            "top1_std": "",
            "published_top1": 58.9,
            "source": "",
            "status": "measured",
            "reason": "",
        },
        {
            "method": "motionfit",
            "top1_mean": 60.25,
            "top1_std": 1.5,
            "published_top1": "",
            "source": "demo",
            "status": "measured",
            "reason": "x",
        },
        {
            "method": "stc",
            "top1_mean": "",
            "top1_std": "",
            "published_top1": 84.7,
            "source": "",
            "status": "published",
            "reason": "",
        },
    ]
)


def cells(page):
    rows = [line.strip("|").split("|") for line in page.splitlines() if line.startswith("|")]
    return [[cell.strip() for cell in row] for row in rows]


def test_the_page_shows_means_with_their_spread():
    rows = cells(table_page("demo", TABLE, {}, []))

    assert rows[0] == ["method", "top1", "published_top1", "source", "status", "reason"]
    assert rows[2:] == [
        ["random", "50.0", "58.9", "", "measured", ""],
        ["motionfit", "60.25 +- 1.5", "", "demo", "measured", "x"],
        ["stc", "", "84.7", "", "published", ""],
    ]


def test_columns_are_aligned():
    lines = [line for line in table_page("demo", TABLE, {}, []).splitlines() if line[:1] == "|"]

    assert len({len(line) for line in lines}) == 1
    assert set(lines[1]) == {"|", "-"}


@pytest.mark.parametrize(
    ("gap", "shown"), [(10.0, "+10.00"), (-2.5, "-2.50"), (0.0, "+0.00"), (1 / 3, "+0.33")]
)
def test_comparisons_show_signed_gaps_and_counts(gap, shown):
    page = table_page("demo", TABLE, {"motionfit": PairedComparison(gap, 7, 3)}, [])

    assert ["motionfit", shown, "7", "3"] in cells(page)
    assert "against random" in page


def test_nothing_to_compare_and_nothing_to_note_leave_no_trace():
    page = table_page("demo", TABLE, {}, [])

    assert page.startswith("# demo: ")
    assert "against random" not in page
    assert "shares" not in page


def test_notes_end_the_page():
    assert table_page("demo", TABLE, {}, ["One.", "Two."]).endswith("\n\nOne.\n\nTwo.\n")


def test_the_leaderboard_shows_gaps_with_their_interval():
    gaps = {"paired_gap_to_random": ["", 10.25, ""], "gap_low": ["", 1.0, ""]}
    table = TABLE.assign(**gaps, gap_high=["", 19.5, ""])

    rows = cells(leaderboard_page("demo", table, {}, []))

    assert rows[0] == ["method", "top1", "gap", "source", "status", "reason"]
    assert rows[2] == ["random", "50.0", "", "", "measured", ""]
    assert rows[3] == ["motionfit", "60.25 +- 1.5", "10.25 [1.0, 19.5]", "demo", "measured", "x"]


def test_a_gap_of_one_seed_has_no_interval():
    table = TABLE.assign(paired_gap_to_random=["", -1.5, ""], gap_low="", gap_high="")

    assert cells(leaderboard_page("demo", table, {}, []))[3][2] == "-1.5"
