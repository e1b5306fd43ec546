import numpy as np
import pandas as pd
import pytest

from pipelines.figures.training_curves import draw_curves, quantity

HISTORY = pd.DataFrame(
    {
        "step": [10, 20],
        "learning_rate": [0.1, 0.05],
        "loss": [2.0, 1.0],
        "top1": [0.25, 0.5],
        "validation_score": [np.nan, np.nan],
        "cluster_entropy_bits": [4.0, np.nan],
    }
)


def test_every_quantity_that_was_told_has_a_plot():
    figure = draw_curves(HISTORY, "a run")

    assert [axes.get_title() for axes in figure.axes] == [
        "learning rate",
        "loss",
        "accuracy on training clips (%)",
        "cluster entropy (bits)",
    ]
    assert figure.axes[1].lines[0].get_xydata().tolist() == [[10, 2], [20, 1]]
    assert figure.axes[2].lines[0].get_ydata().tolist() == [25, 50]
    assert figure.axes[3].lines[0].get_xydata().tolist() == [[10, 4]]


def test_a_name_gets_words_and_a_unit():
    assert quantity("validation_score") == "score on held-out videos"
    assert quantity("feature_rank") == "feature rank"


def test_an_empty_history_is_refused():
    with pytest.raises(ValueError, match="at least one interval"):
        draw_curves(HISTORY.iloc[:0], "a run")
