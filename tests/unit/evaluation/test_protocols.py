import math

import pytest
import torch

from pipelines.evaluation.protocols import average_clips

# Softmax (1/2, 1/2) and (4/5, 1/5).
LOGITS = torch.tensor([[0.0, 0.0], [math.log(4.0), 0.0]])


def test_softmax_averages_probabilities():
    assert average_clips(LOGITS, "softmax").tolist() == pytest.approx([0.65, 0.35])


def test_logits_averages_before_the_softmax():
    # Mean logits (log 2, 0).
    assert average_clips(LOGITS, "logits").tolist() == pytest.approx([2 / 3, 1 / 3])


def test_the_two_ways_can_disagree():
    # One sure clip outweighs two doubtful ones in logits, not in probabilities.
    logits = torch.tensor([[9.0, 0.0], [0.0, 2.0], [0.0, 2.0]])

    assert average_clips(logits, "softmax").argmax() == 1
    assert average_clips(logits, "logits").argmax() == 0


def test_another_average_is_refused():
    with pytest.raises(ValueError, match="found 'median'"):
        average_clips(LOGITS, "median")
