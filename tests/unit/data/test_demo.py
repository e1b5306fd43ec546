from pipelines.data.demo import DemoOptions, list_videos, required_paths, split_names
from pipelines.data.manifest import Video

OPTIONS = DemoOptions(adapter="demo", root=".", num_shards=1)


def test_the_table_stands_beside_the_videos(tmp_path):
    root = tmp_path / "videos"
    root.mkdir()
    (root / "a.avi").touch()
    (root / "b.avi").touch()
    (tmp_path / "annotations.csv").write_text(
        "video,label,group,split1\na.avi,spin,scene1,train\nb.avi,,,unlabelled\n"
    )

    listing = list_videos(root, OPTIONS)

    assert required_paths(root, OPTIONS) == [tmp_path / "annotations.csv"]
    assert listing.problems == []
    assert listing.videos == [
        Video("a", "a.avi", "spin", "scene1", {"split1": "train"}),
        Video("b", "b.avi", None, None, {"split1": "unlabelled"}),
    ]


def test_split_names():
    assert split_names(OPTIONS) == ("split1",)
