from pathlib import Path

import pytest

from pipelines.io.errors import ConfigError
from pipelines.tables.definition import Cell, read_definition
from pipelines.tables.published import transcript

TABLES = Path(__file__).resolve().parents[3] / "workflow/tables"
DATASETS = ("ucf101", "hmdb51", "ssv2", "ava")
# Columns that say how a number was made, beside the number.
ATTRIBUTES = ("frames", "resolution", "frame_size")
TABLE = """
title: a table
paper: MotionFit
printed: Table 2
columns: {ucf101: {top1: UCF101 split1 top1 (source=Kinetics-val)}}
rows:
  - {name: video, method: motionfit, printed: Video, changes: {clustering.units: video}}
  - {name: other, method: random}
"""


def definition(folder, text):
    path = folder / "table.yaml"
    path.write_text(text)
    return read_definition(path)


def test_a_row_takes_the_tables_values_and_its_own_first(tmp_path):
    text = TABLE.replace(
        "rows:", "protocol: full\nchanges: {a.b: 1, clustering.units: clip}\nrows:"
    )

    video, other = definition(tmp_path, text).completed()

    assert video.changes == {"a.b": 1, "clustering.units": "video"}
    assert (video.protocol, video.measures, video.table) == ("full", ("top1",), "Table 2")
    assert other.changes == {"a.b": 1, "clustering.units": "clip"}


def test_setups_are_laid_under_the_changes_of_a_table_and_of_a_row(tmp_path):
    (tmp_path / "setups").mkdir()
    (tmp_path / "setups/slow.yaml").write_text("rate: 1\na.b: 1\nk: 1\n")
    (tmp_path / "setups/large.yaml").write_text("a.b: 2\nclustering.units: clip\n")
    text = TABLE.replace("rows:", "setups: [slow]\nchanges: {k: 3}\nrows:")
    text = text.replace("method: random", "method: random, setups: [large], changes: {rate: 5}")

    video, other = definition(tmp_path, text).completed()

    assert video.changes == {"rate": 1, "a.b": 1, "k": 3, "clustering.units": "video"}
    assert other.changes == {"rate": 5, "a.b": 2, "k": 3, "clustering.units": "clip"}


def test_a_figure_shows_rows_that_measure_what_it_draws(tmp_path):
    shown = "figure: {x: K, measures: [top1], curves: {ours: {video: 1}}, levels: {n: other}}\n"

    assert definition(tmp_path, shown + TABLE).figure.rows() == ["video", "other"]
    with pytest.raises(ConfigError, match=r"figure: no row 'clip'; choices: video, other"):
        definition(tmp_path, shown.replace("video: 1", "clip: 1") + TABLE)
    with pytest.raises(ConfigError, match=r"video, other does not measure gain; choices: top1"):
        definition(tmp_path, shown.replace("[top1]", "[gain]") + TABLE)


def test_a_dataset_may_be_judged_in_its_own_way(tmp_path):
    text = TABLE.replace("rows:", "protocol: full\nprotocols: {hmdb51: linear}\nrows:")
    text = text.replace("method: random", "method: random, protocol: other")

    video, other = definition(tmp_path, text).completed()

    assert (video.judged_by("ucf101"), video.judged_by("hmdb51")) == ("full", "linear")
    assert (other.judged_by("ucf101"), other.judged_by("hmdb51")) == ("other", "other")


def test_printed_values_stand_beside_our_rows_on_the_papers_dataset_alone(tmp_path):
    table = definition(tmp_path, TABLE)
    video, other = table.completed()

    assert table.published(video, "ucf101") == {"top1": 76.5}
    assert table.published(video, "demo") == {}
    assert table.published(other, "ucf101") == {}


def test_rows_of_others_are_those_that_no_row_of_ours_is(tmp_path):
    found = definition(tmp_path, TABLE).others("ucf101")

    assert {item.row for item in found} == {
        "Segment(ActionBytes boundaries)",
        "Segment(TSN 3 equal)",
        "Clip",
    }
    assert {item.value for item in found} == {79.0, 77.3, 80.3}
    assert definition(tmp_path, TABLE).others("demo") == []


@pytest.mark.parametrize(
    ("old", "new", "message"),
    [
        ("printed: Video", "printed: Vidoe", "prints no row 'Vidoe'; choices: .*Video"),
        ("UCF101 split1 top1", "UCF101 split2 top1", "prints no column 'UCF101 split2 top1"),
        ("name: other", "name: video", "rows video stand in it twice"),
        ("method: random", "way: random", "unknown field `way`"),
        ("method: random", "method: random, measures: [gain]", "gain_over: found ''; choices"),
        ("method: random", "method: random, measures: [top2]", "table.yaml.*measures"),
        ("method: random", "method: random, setups: [fast]", "table.yaml: setups: .*'fast'"),
    ],
)
def test_wrong_definitions_are_refused_with_the_choices(tmp_path, old, new, message):
    with pytest.raises(ConfigError, match=message):
        definition(tmp_path, TABLE.replace(old, new))


@pytest.mark.parametrize("path", sorted(TABLES.glob("*.yaml")), ids=lambda path: path.stem)
def test_every_table_reads(path):
    assert read_definition(path).rows


def test_every_setup_is_used():
    tables = [read_definition(path) for path in TABLES.glob("*.yaml")]
    used = {name for table in tables for part in (table, *table.rows) for name in part.setups}

    assert used == {path.stem for path in TABLES.glob("setups/*.yaml")}


def test_every_printed_value_has_a_cell():
    shown = {
        Cell(*key) for key in transcript() if key[:2] == ("MotionFit", "Table 5")
    }  # its own command
    for path in TABLES.glob("*.yaml"):
        table = read_definition(path)
        for dataset in DATASETS:
            for row in table.completed():
                shown |= set(table.cells(row, dataset).values())
            names = {row.table for row in table.completed()} | {table.printed}
            for item in table.others(dataset):
                shown |= {Cell(table.paper, name, item.row, item.column) for name in names}
    missing = [key for key in transcript() if Cell(*key) not in shown and key[3] not in ATTRIBUTES]
    # Standard deviations are a column of our table; the points of a curve have no values.
    assert [
        key
        for key in missing
        if not key[3].endswith(" std") and key[3] not in ("n1", "n2", "n3", "n4")
    ] == []
