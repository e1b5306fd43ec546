"""Which demo videos there are: ids, labels, recording groups, roles and seeds.

Every video draws from its own generator, seeded by (seed, stream, class, index): it does not
depend on which other videos are made, or when. Labelled videos are recorded in groups: videos
of one group, of all classes, stand before crops of one scene, as real recordings do.
"""

from dataclasses import dataclass

from pipelines.data.synthetic_motion import ACTIONS

NUM_TRAIN_GROUPS = 4
NUM_TEST_GROUPS = 5

_TRAIN_STREAM, _TEST_STREAM, _UNLABELLED_STREAM, _SCENE_STREAM = range(4)


@dataclass(frozen=True)
class PlannedVideo:
    """One video to make.

    Attributes:
        video_id: Path below the dataset root without its extension.
        label: Class, or "" for the unlabelled source.
        group: Recording group such as "g01", or "".
        role: "train", "test" or "unlabelled".
        entropy: Seeds of the video's own generator.
        scene: Seeds of its background's generator, shared within a group.
    """

    video_id: str
    label: str
    group: str
    role: str
    entropy: tuple[int, ...]
    scene: tuple[int, ...]


def plan_videos(
    num_train_per_class: int, num_test_per_class: int, num_unlabelled: int, seed: int
) -> list[PlannedVideo]:
    """List the dataset's videos; greater counts only append, within each class and role.

    Args:
        num_train_per_class: Labelled training videos of each class, in `NUM_TRAIN_GROUPS`
            groups from g01.
        num_test_per_class: Test videos of each class, in the next `NUM_TEST_GROUPS` groups.
        num_unlabelled: Videos of the unlabelled source, each before a scene of its own.
        seed: The dataset's seed.
    """
    sizes = (("train", num_train_per_class), ("test", num_test_per_class))
    planned = [
        _labelled(role, class_index, index, seed)
        for class_index in range(len(ACTIONS))
        for role, size in sizes
        for index in range(size)
    ]
    for index in range(num_unlabelled):
        entropy = (seed, _UNLABELLED_STREAM, 0, index)
        video_id = f"unlabelled/u{index + 1:05d}"
        planned.append(PlannedVideo(video_id, "", "", "unlabelled", entropy, (*entropy, 1)))
    return planned


def _labelled(role: str, class_index: int, index: int, seed: int) -> PlannedVideo:
    is_train = role == "train"
    num_groups = NUM_TRAIN_GROUPS if is_train else NUM_TEST_GROUPS
    group = index % num_groups + (1 if is_train else 1 + NUM_TRAIN_GROUPS)
    label = ACTIONS[class_index]
    return PlannedVideo(
        video_id=f"{label}/{label}_g{group:02d}_c{index // num_groups + 1:02d}",
        label=label,
        group=f"g{group:02d}",
        role=role,
        entropy=(seed, _TRAIN_STREAM if is_train else _TEST_STREAM, class_index, index),
        scene=(seed, _SCENE_STREAM, group, 0),
    )
