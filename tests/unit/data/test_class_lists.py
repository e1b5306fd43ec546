from pathlib import Path

import pytest

from pipelines.data.class_lists import read_classes, without_classes
from pipelines.data.manifest import Video
from pipelines.io.errors import ConfigError, DatasetError

ROOT = Path(__file__).resolve().parents[3]
NUM_COMMON = 80
KNOWN = {"archery", "juggling balls", "playing cello", "playing violin"}


def video(number, label):
    return Video(f"k/{number}", "x.avi", label, None, {"train": "train"})


def test_names_stand_one_per_line_with_comments_between(tmp_path):
    path = tmp_path / "classes.txt"
    path.write_text("# common\n\n  archery \njuggling balls\n\nplaying café\n", encoding="utf-8")

    assert read_classes(path) == ["archery", "juggling balls", "playing café"]


def test_the_shipped_list_can_be_read():
    names = read_classes(ROOT / "docs/lists/kinetics400_in_ucf101.txt")

    assert len(names) == len(set(names)) == NUM_COMMON
    assert {"archery", "massaging person's head", "shooting goal (soccer)"} <= set(names)


def test_a_missing_or_empty_list_is_refused(tmp_path):
    with pytest.raises(ConfigError, match=r"gone\.txt: no such file; expected a text file"):
        read_classes(tmp_path / "gone.txt")
    (tmp_path / "empty.txt").write_text("# nothing\n")
    with pytest.raises(ConfigError, match="names no class"):
        read_classes(tmp_path / "empty.txt")


def test_listed_classes_go_and_unlabelled_videos_stay():
    videos = [video(0, "archery"), video(1, None), video(2, "playing cello"), video(3, "archery")]

    kept = without_classes(videos, ["archery", "juggling balls"], KNOWN)

    assert [found.video_id for found in kept] == ["k/1", "k/2"]
    assert without_classes(videos, [], KNOWN) == videos


@pytest.mark.parametrize(
    ("name", "hint"),
    [
        ("Archery", "did you mean 'archery'"),
        ("JugglingBalls", "did you mean 'juggling balls'"),
        ("playing_chello", "did you mean 'playing cello'"),
        ("quidditch", "'quidditch'$"),
    ],
)
def test_unknown_names_are_refused_with_what_was_meant(name, hint):
    with pytest.raises(DatasetError, match=f"1 of 2 names .* which has 4: '{name}'") as failure:
        without_classes([], ["archery", name], KNOWN)

    assert failure.match(hint)
