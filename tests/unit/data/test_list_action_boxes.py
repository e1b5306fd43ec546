import json

import pytest

from pipelines.data.action_box_store import read_action_boxes
from pipelines.data.list_action_boxes import build_parser, main
from pipelines.io.errors import ConfigError, DatasetError

LABELS = 'item {\n  name: "stand"\n  id: 12\n}\n'


@pytest.fixture
def list_boxes(tmp_path):
    def run(rows, adapter="ava"):
        folder = tmp_path / "ava" / "annotations"
        folder.mkdir(parents=True, exist_ok=True)
        for part in ("train", "val"):
            (folder / f"ava_{part}_v2.2.csv").write_text(rows if part == "train" else "")
            (folder / f"ava_{part}_excluded_timestamps_v2.2.csv").touch()
        (folder / "ava_action_list_v2.2_for_activitynet_2019.pbtxt").write_text(LABELS)
        (tmp_path / "ava" / "x.mp4").touch()
        stanza = {"adapter": adapter, "root": str(tmp_path / "ava"), "num_shards": 1}
        out = tmp_path / "boxes.parquet"
        options = ["--config", json.dumps(stanza), "--dataset", "films", "--out", str(out)]
        main(build_parser().parse_args(options))
        return read_action_boxes(out)

    return run


def test_boxes_are_listed_under_the_datasets_name(list_boxes):
    (box,) = list_boxes("x,0902,0.1,0.2,0.3,0.4,12,7\n")

    assert (box.video_id, box.at_seconds, box.action, box.person_id) == ("films/x", 2.0, "stand", 7)


def test_annotations_without_boxes_are_refused(list_boxes):
    with pytest.raises(DatasetError, match="dataset films: its annotations hold no box"):
        list_boxes("")


def test_other_datasets_have_no_boxes(list_boxes):
    with pytest.raises(ConfigError, match="adapter folder has no boxes"):
        list_boxes("", adapter="folder")
