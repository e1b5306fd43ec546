from pathlib import Path

from pipelines.data.ava_demo import AvaDemoOptions, required_paths, split_names


def test_layout_is_avas():
    options = AvaDemoOptions(adapter="ava_demo", root="x", num_shards=1)

    names = [path.name for path in required_paths(Path("x"), options)]
    assert names[:2] == ["ava_train_v2.2.csv", "ava_val_v2.2.csv"]
    assert split_names(options) == ("split1",)
    assert options.first_second == 900
