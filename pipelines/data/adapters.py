"""The dataset adapters by name: one kind of dataset each."""

from collections.abc import Callable, Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from pipelines.data import (
    annotations,
    ava,
    ava_demo,
    demo,
    folder,
    hmdb51,
    images,
    kinetics,
    ssv2,
    ucf101,
)
from pipelines.data.action_boxes import ActionBox
from pipelines.data.listing import DatasetOptions, Listing
from pipelines.data.manifest import Video
from pipelines.data.video_files import IMAGES, VIDEOS, Medium


@dataclass(frozen=True)
class Adapter:
    """One kind of dataset.

    Attributes:
        options: Structure of its stanza.
        list_videos: (root, options) -> listing.
        split_names: options -> names of its splits.
        required_paths: (root, options) -> annotation files or folders that must be there.
        layout: Expected files as a small tree with `{root}`.
        origin: Where the dataset is officially had.
        has_labels: options -> whether every training or unlabelled video has a class.
        planned_videos: options -> the videos that a rule makes, known before they are there; None
            where videos are the user's.
        medium: Whether its files are videos or single images.
        list_boxes: (root, options) -> boxes of people with their actions, None where there
            are none.
        split_columns: (root, options) -> columns of its table that may be splits, None where
            splits are no columns.
    """

    options: type[DatasetOptions]
    list_videos: Callable[[Path, Any], Listing]
    split_names: Callable[[Any], tuple[str, ...]]
    required_paths: Callable[[Path, Any], list[Path]]
    layout: str
    origin: str
    has_labels: Callable[[Any], bool]
    planned_videos: Callable[[Any], list[Video]] | None = None
    medium: Medium = VIDEOS
    list_boxes: Callable[[Path, Any], list[ActionBox]] | None = None
    split_columns: Callable[[Path, Any], list[str]] | None = None

    @property
    def is_generated(self) -> bool:
        """Whether a rule makes the videos, so that they may be absent before."""
        return self.planned_videos is not None


def _always(options: DatasetOptions) -> bool:
    del options
    return True


def _never(options: DatasetOptions) -> bool:
    """Tables may mix labelled and unlabelled videos: their labels are the target's alone."""
    del options
    return False


def _from_folders(options: folder.FolderOptions) -> bool:
    return options.labels_from_folders


ADAPTERS: Mapping[str, Adapter] = {
    "ucf101": Adapter(
        ucf101.Ucf101Options,
        ucf101.list_videos,
        ucf101.split_names,
        ucf101.required_paths,
        ucf101.LAYOUT,
        ucf101.ORIGIN,
        _always,
    ),
    "hmdb51": Adapter(
        hmdb51.Hmdb51Options,
        hmdb51.list_videos,
        hmdb51.split_names,
        hmdb51.required_paths,
        hmdb51.LAYOUT,
        hmdb51.ORIGIN,
        _always,
    ),
    "kinetics": Adapter(
        kinetics.KineticsOptions,
        kinetics.list_videos,
        kinetics.split_names,
        kinetics.required_paths,
        kinetics.LAYOUT,
        kinetics.ORIGIN,
        _always,
    ),
    "ssv2": Adapter(
        ssv2.Ssv2Options,
        ssv2.list_videos,
        ssv2.split_names,
        ssv2.required_paths,
        ssv2.LAYOUT,
        ssv2.ORIGIN,
        _always,
    ),
    "ava": Adapter(
        ava.AvaOptions,
        ava.list_videos,
        ava.split_names,
        ava.required_paths,
        ava.LAYOUT,
        ava.ORIGIN,
        _never,
        list_boxes=ava.list_boxes,
    ),
    "csv": Adapter(
        annotations.CsvOptions,
        annotations.list_videos,
        annotations.split_names,
        annotations.required_paths,
        annotations.LAYOUT,
        annotations.ORIGIN,
        _never,
        split_columns=annotations.split_columns,
    ),
    "folder": Adapter(
        folder.FolderOptions,
        folder.list_videos,
        folder.split_names,
        folder.required_paths,
        folder.LAYOUT,
        folder.ORIGIN,
        _from_folders,
    ),
    "images": Adapter(
        images.ImagesOptions,
        images.list_videos,
        images.split_names,
        images.required_paths,
        images.LAYOUT,
        images.ORIGIN,
        _always,
        medium=IMAGES,
    ),
    "demo": Adapter(
        demo.DemoOptions,
        demo.list_videos,
        demo.split_names,
        demo.required_paths,
        demo.LAYOUT,
        demo.ORIGIN,
        _never,
        planned_videos=demo.planned_videos,
    ),
    "ava_demo": Adapter(
        ava_demo.AvaDemoOptions,
        ava_demo.list_videos,
        ava_demo.split_names,
        ava_demo.required_paths,
        ava_demo.LAYOUT,
        ava_demo.ORIGIN,
        _never,
        planned_videos=ava_demo.planned_videos,
        list_boxes=ava_demo.list_boxes,
    ),
}
