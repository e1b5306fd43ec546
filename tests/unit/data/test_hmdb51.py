from collections import Counter

import pytest

from pipelines.data.hmdb51 import Hmdb51Options, list_videos, required_paths, source_of
from pipelines.data.manifest import Video
from pipelines.io.errors import DatasetError

OPTIONS = Hmdb51Options(adapter="hmdb51", root=".", num_shards=1)
CLIP = "April_09_brush_hair_u_nm_np1_ba_goo_0.avi"
OTHER = "Two words!_brush_hair_f_cm_np2_le_med_11.avi"


@pytest.fixture
def root(tmp_path):
    """CLIP is train in split 1, test in 2, unused in 3; OTHER is unused everywhere."""
    lists = tmp_path / "testTrainMulti_7030_splits"
    lists.mkdir()
    for split, code in ((1, 1), (2, 2), (3, 0)):
        text = f"{CLIP} {code} \n{OTHER} 0 \n"
        (lists / f"brush_hair_test_split{split}.txt").write_text(text)
        (lists / f"clap_test_split{split}.txt").write_text("")
    return tmp_path


def touch(path):
    path.parent.mkdir(parents=True, exist_ok=True)
    path.touch()


def test_reads_roles_and_groups(root):
    touch(root / "brush_hair" / CLIP)
    touch(root / "brush_hair" / OTHER)

    listing = list_videos(root, OPTIONS)

    assert listing.videos == [
        Video(
            f"brush_hair/{CLIP.removesuffix('.avi')}",
            f"brush_hair/{CLIP}",
            "brush_hair",
            "April_09",
            {"split1": "train", "split2": "test"},
        )
    ]
    assert [(item.kind, item.detail) for item in listing.problems] == [
        ("unlisted", "annotated, but no split uses it")
    ]


def test_a_file_in_another_class_folder_is_mislabelled(root):
    touch(root / "clap" / CLIP)

    assert "mislabelled" in {item.kind for item in list_videos(root, OPTIONS).problems}


@pytest.mark.parametrize(
    ("stem", "label", "source"),
    [
        ("April_09_brush_hair_u_nm_np1_ba_goo_0", "brush_hair", "April_09"),
        ("_Boom_Snap_Clap_clap_u_nm_np1_fr_med_12", "clap", "_Boom_Snap_Clap"),
        ("Renamed_by_hand_u_nm_np1_fr_med_1", "clap", "Renamed_by_hand"),
        ("holiday", "clap", None),
    ],
)
def test_source_is_what_precedes_the_tail(stem, label, source):
    assert source_of(stem, label) == source


def test_malformed_lines_are_named(root):
    path = root / "testTrainMulti_7030_splits" / "clap_test_split2.txt"
    path.write_text("x.avi 3\n")

    with pytest.raises(DatasetError, match=r"clap_test_split2.txt line 1: .*'x.avi 3'"):
        list_videos(root, OPTIONS)


def test_a_split_without_lists_is_required(root):
    for path in root.glob("*/*_split3.txt"):
        path.unlink()

    absent = [path for path in required_paths(root, OPTIONS) if not path.exists()]
    assert [path.name for path in absent] == ["*_test_split3.txt"]


def test_official_lists(shared_data, tmp_path):
    # All videos as empty files: 51 classes, 70 training and 30 test videos each.
    lists = shared_data / "hmdb51" / "testTrainMulti_7030_splits"
    (tmp_path / lists.name).symlink_to(lists)
    for path in lists.glob("*_test_split1.txt"):
        folder = tmp_path / path.stem.removesuffix("_test_split1")
        folder.mkdir()
        for line in path.read_text().splitlines():
            (folder / line.split()[0]).touch()

    listing = list_videos(tmp_path, OPTIONS)

    for split in ("split1", "split2", "split3"):
        roles = Counter(video.roles.get(split) for video in listing.videos)
        assert (roles["train"], roles["test"]) == (3570, 1530)
    assert len({video.label for video in listing.videos}) == 51
    assert all(video.group for video in listing.videos)
    assert {item.kind for item in listing.problems} == {"unlisted"}
    assert len(listing.videos) + len(listing.problems) == 6766
