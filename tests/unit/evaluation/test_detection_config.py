import json

import pytest

from pipelines.evaluation.detection_config import DetectionTestConfig
from pipelines.io.config import decode_config
from pipelines.io.errors import ConfigError
from tests.tiny_dataset import CLIPS

TEST = {
    "clips": CLIPS,
    "validation": {"fraction": 0.0},
    "widen_last_stage": True,
    "boxes": "annotated",
    "min_box_score": 0.9,
}


def test_the_number_of_labels_may_be_open_but_not_zero():
    def limit(value):
        text = json.dumps(TEST | {"max_labels_per_frame": value})
        return decode_config(text, DetectionTestConfig).max_labels_per_frame

    assert (limit(None), limit(50)) == (None, 50)
    with pytest.raises(ConfigError, match="max_labels_per_frame"):
        limit(0)
