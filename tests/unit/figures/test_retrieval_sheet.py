import numpy as np
import pandas as pd

from pipelines.evaluation.retrieval_store import RETRIEVAL_SCHEMA, Retrieved
from pipelines.figures.retrieval_sheet import chosen_queries, column_names, retrieval_rows


def retrieved(*nearest):
    """Queries of class "run" with the class of their nearest video; the second is "sit"."""
    rows = [
        Retrieved(f"q{number}", 0, "run", ["t0", "t1"], [0, 0], [label, "sit"], [0.125, 0.5])
        for number, label in enumerate(nearest)
    ]
    return pd.DataFrame(rows, columns=RETRIEVAL_SCHEMA.names)


def test_right_ones_come_first_and_both_are_spread_evenly():
    table = retrieved("run", "sit", "run", "run", "sit", "run", "run")

    assert chosen_queries(table, 4)["video_id"].tolist() == ["q0", "q6", "q1", "q4"]
    assert chosen_queries(retrieved("sit", "sit", "sit"), 4)["video_id"].tolist() == ["q0", "q2"]


def test_a_row_shows_the_query_and_its_neighbours():
    pictures = {
        name: np.full((2, 2, 3), value, np.uint8) for value, name in enumerate(("q0", "t0", "t1"))
    }

    [row] = retrieval_rows(retrieved("run"), pictures, 2)

    assert [picture.max() for picture in row.pictures] == [0, 1, 2]
    assert row.heading == "nearest\nright"
    assert row.captions == ["run", "right: run\ndistance 0.125", "wrong: sit\ndistance 0.500"]
    [shorter] = retrieval_rows(retrieved("sit"), pictures, 1)
    assert (shorter.heading, len(shorter.pictures)) == ("nearest\nwrong", len(column_names(1)))
