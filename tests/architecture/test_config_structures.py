"""The schema of config.yaml and the structures that commands decode have the same keys."""

from pathlib import Path
from typing import get_args

import msgspec
import pytest
import yaml

from pipelines.clips.clip_dataset import ClipConfig
from pipelines.clustering.assign_pseudolabels import AssignConfig
from pipelines.clustering.cluster_vectors import ClusterVectorsConfig
from pipelines.clustering.extract_features import FeaturesConfig
from pipelines.clustering.fit_clusters import ClustersConfig
from pipelines.data.adapters import ADAPTERS
from pipelines.data.generate_action_demo import ActionDemoConfig
from pipelines.data.generate_demo import DemoConfig
from pipelines.encoding.encode_fisher import EncodeFisherConfig
from pipelines.encoding.fit_encoder import EncoderConfig
from pipelines.encoding.sample_descriptors import SampleDescriptorsConfig
from pipelines.evaluation.classify_vectors import ClassifyVectorsConfig
from pipelines.evaluation.detection_config import DetectionTestConfig, DetectorConfig
from pipelines.evaluation.finetune import FinetuneConfig
from pipelines.evaluation.retrieve import RetrieveConfig
from pipelines.evaluation.test_model import TestConfig as PredictionConfig
from pipelines.figures.draw_motion import DrawMotionConfig
from pipelines.frames.decode_frames import DecodeFramesConfig
from pipelines.motion.export_flow import ExportFlowConfig
from pipelines.motion.extract_edges import ExtractEdgesConfig
from pipelines.motion.extract_flow import ExtractFlowConfig
from pipelines.pretraining import (
    pretrain_clip_order,
    pretrain_instance_recognition,
    pretrain_local_aggregation,
    pretrain_modist,
    pretrain_mosi,
    pretrain_pseudo_labels,
)
from pipelines.pretraining.recipe import PretrainingRecipe
from pipelines.training.recipe import (
    FinetuningRecipe,
    GeneratorRecipe,
    RecipeConfig,
    SelfTrainingRecipe,
    TrainingConfig,
)
from pipelines.trajectories.detect_people import DetectPeopleConfig
from pipelines.trajectories.track_trajectories import TrackTrajectoriesConfig

ROOT = Path(__file__).resolve().parents[2]
SCHEMA = yaml.safe_load((ROOT / "workflow/schemas/config.schema.yaml").read_text())
DEFINITIONS = SCHEMA["$defs"]
PRESET = DEFINITIONS["preset"]["properties"]
EVALUATION = DEFINITIONS["evaluation"]["properties"]
MOTION = PRESET["motion"]["properties"]
FLOW = MOTION["flow"]
FRAMES = PRESET["frames"]["properties"]
CLUSTERING = PRESET["clustering"]["properties"]
TRAJECTORIES = PRESET["trajectories"]["properties"]
ENCODING = PRESET["encoding"]["properties"]
DETECTION = EVALUATION["detection"]["properties"]

# The command of each objective of the section `pretraining`.
OBJECTIVES = {
    "clip_order": pretrain_clip_order,
    "instance_recognition": pretrain_instance_recognition,
    "local_aggregation": pretrain_local_aggregation,
    "modist": pretrain_modist,
    "mosi": pretrain_mosi,
    "pseudo_labels": pretrain_pseudo_labels,
}

# What each command's config is made of, as rules/*.smk put it together.
COMMANDS = [
    (DecodeFramesConfig, PRESET["frames"]),
    (ExtractFlowConfig, {**FLOW["properties"], "raft": MOTION["raft"]}),
    (ExportFlowConfig, PRESET["motion"]["properties"]["export"]),
    (
        ExtractEdgesConfig,
        {
            "edges": MOTION["edges"],
            "raft": MOTION["raft"],
            "tvl1": FLOW["properties"]["tvl1"],
            "target_fps": FRAMES["target_fps"],
            "max_frames": FRAMES["max_frames"],
        },
    ),
    *(
        (kind, {name: TRAJECTORIES[name] for name in ("max_height_px", section)})
        for kind, section in ((DetectPeopleConfig, "people"), (TrackTrajectoriesConfig, "tracks"))
    ),
    (ClipConfig, PRESET["clips"]),
    (FeaturesConfig, {"clips": PRESET["clips"], "features": CLUSTERING["features"]}),
    (ClustersConfig, {"units": CLUSTERING["units"], "kmeans": CLUSTERING["kmeans"]}),
    (AssignConfig, {"units": CLUSTERING["units"]}),
    (
        SampleDescriptorsConfig,
        {
            "max_height_px": TRAJECTORIES["max_height_px"],
            "tracks": TRAJECTORIES["tracks"],
            "descriptors": ENCODING["descriptors"],
            "sample": ENCODING["sample"],
            "seed": ENCODING["seed"],
        },
    ),
    (EncoderConfig, {name: ENCODING[name] for name in ("pca", "gmm", "seed")}),
    (
        EncodeFisherConfig,
        {
            "max_height_px": TRAJECTORIES["max_height_px"],
            "tracks": TRAJECTORIES["tracks"],
            "descriptors": ENCODING["descriptors"],
            "fisher": ENCODING["fisher"],
            "sketch": ENCODING["sketch"],
            "seed": ENCODING["seed"],
        },
    ),
    (ClusterVectorsConfig, {"vectors": CLUSTERING["vectors"]}),
    (
        TrainingConfig,
        {
            "clips": PRESET["clips"],
            "validation": PRESET["validation"],
            "backbone": {},
            "recipe": DEFINITIONS["detector_training"],
        },
    ),
    (
        FinetuneConfig,
        {
            "clips": EVALUATION["clips"],
            "validation": PRESET["validation"],
            "backbone": {},
            "recipe": DEFINITIONS["finetuning"],
            "labels": EVALUATION["labels"],
        },
    ),
    (PretrainingRecipe, DEFINITIONS["pretraining"]),
    *((command.Options, DEFINITIONS[f"{name}_options"]) for name, command in OBJECTIVES.items()),
    (
        ClassifyVectorsConfig,
        {
            "validation": PRESET["validation"],
            "labels": EVALUATION["labels"],
            "svm": EVALUATION["svm"],
        },
    ),
    (
        PredictionConfig,
        {
            "clips": EVALUATION["clips"],
            "validation": PRESET["validation"],
            "test": EVALUATION["test"],
        },
    ),
    (
        RetrieveConfig,
        {
            "clips": EVALUATION["clips"],
            "backbone": {},
            "retrieval": EVALUATION["retrieval"],
        },
    ),
    (
        DetectorConfig,
        {
            "clips": EVALUATION["clips"],
            "validation": PRESET["validation"],
            "backbone": {},
            "recipe": DETECTION["recipe"],
            "widen_last_stage": DETECTION["widen_last_stage"],
        },
    ),
    (
        DetectionTestConfig,
        {
            "clips": EVALUATION["clips"],
            "validation": PRESET["validation"],
            **{name: kind for name, kind in DETECTION.items() if name != "recipe"},
        },
    ),
    (
        DrawMotionConfig,
        {
            "motion": PRESET["figures"]["properties"]["motion"],
            "frame_size": FRAMES["size"],
            "target_fps": FRAMES["target_fps"],
            "max_frames": FRAMES["max_frames"],
            "source": FLOW["properties"]["source"],
            "tvl1": FLOW["properties"]["tvl1"],
            "raft": MOTION["raft"],
            "edges": MOTION["edges"],
            "max_height_px": TRAJECTORIES["max_height_px"],
            "people": TRAJECTORIES["people"],
            "tracks": TRAJECTORIES["tracks"],
        },
    ),
]


NAMES = [f"{kind.__module__}.{kind.__name__}" for kind, _ in COMMANDS]


def leaves_of_schema(node, prefix=""):
    if "$ref" in node:
        name = node["$ref"].rsplit("/", 1)[1]
        node = DEFINITIONS[name]
        if name == "clips":
            # Rules choose the stores by it, and commands take those that they are given.
            properties = node["properties"]
            node = {key: properties[key] for key in properties if key != "frame_size"}
    if "properties" in node:
        node = node["properties"]
    elif not node or any(key in node for key in ("type", "enum", "oneOf", "items")):
        return {prefix}
    return {
        leaf
        for key, sub in node.items()
        for leaf in leaves_of_schema(sub, f"{prefix}.{key}".strip("."))
    }


def is_structure(kind):
    return isinstance(kind, type) and issubclass(kind, msgspec.Struct)


def leaves_of_structure(kind, prefix=""):
    # A section that may be null has the keys of the structure beside None.
    kind = next((part for part in get_args(kind) if is_structure(part)), kind)
    if not is_structure(kind):
        return {prefix}
    return {
        leaf
        for field in msgspec.structs.fields(kind)
        for leaf in leaves_of_structure(field.type, f"{prefix}.{field.encode_name}".strip("."))
    }


def test_leaves_are_found_at_every_depth():
    # Guards the tests below against comparing nothing with nothing.
    found = leaves_of_structure(TrainingConfig)

    assert {"recipe.schedule.drop_factor", "clips.rgb_mean", "backbone"} <= found
    assert "tvl1.scale_step" in leaves_of_schema(FLOW)


@pytest.mark.parametrize(
    ("kind", "section"), COMMANDS, ids=[f"{k.__module__}.{k.__name__}" for k, _ in COMMANDS]
)
def test_every_key_has_a_reader_and_every_reader_a_key(kind, section):
    assert leaves_of_structure(kind) == leaves_of_schema(section)


def test_every_objective_has_a_command_and_closed_options():
    definition = DEFINITIONS["pretraining"]
    folder = ROOT / "pipelines/pretraining"
    commands = {p.stem.removeprefix("pretrain_") for p in folder.glob("pretrain_*.py")}

    assert set(definition["properties"]["objective"]["enum"]) == set(OBJECTIVES) == commands
    for rule in definition["allOf"]:
        name = rule["if"]["properties"]["objective"]["const"]
        assert rule["then"]["properties"]["options"] == {"$ref": f"#/$defs/{name}_options"}
    assert len(definition["allOf"]) == len(OBJECTIVES)


@pytest.mark.parametrize(
    ("name", "kind"),
    [
        ("recipe", RecipeConfig),
        ("detector_training", RecipeConfig),
        ("finetuning", FinetuningRecipe),
        ("partial_finetuning", FinetuningRecipe),
        ("generator", GeneratorRecipe),
        ("partial_generator", GeneratorRecipe),
        ("self_training", SelfTrainingRecipe),
    ],
)
def test_every_recipe_of_the_schema_is_read(name, kind):
    known = leaves_of_structure(kind)
    # Clips stand beside the recipe in what commands are given.
    written = {leaf for leaf in leaves_of_schema(DEFINITIONS[name]) if leaf[:6] != "clips."}

    assert written <= known
    missing = known - written
    assert missing <= {"trainable", "frozen_statistics", "distillation_weight", "initial"}


def test_what_may_be_left_out_of_a_row_may_be_left_out_of_the_whole():
    for name, more in (("finetuning", set()), ("generator", {"initial"})):
        partial, whole = DEFINITIONS[f"partial_{name}"], DEFINITIONS[name]
        assert partial["properties"].keys() - whole["properties"].keys() == more
        assert whole["properties"].items() <= partial["properties"].items()


def test_every_dataset_key_belongs_to_an_adapter():
    options = [leaves_of_structure(adapter.options) for adapter in ADAPTERS.values()]

    assert set().union(*options) == set(DEFINITIONS["dataset"]["properties"])
    assert set(ADAPTERS) == set(DEFINITIONS["dataset"]["properties"]["adapter"]["enum"])
    assert leaves_of_schema(DEFINITIONS["demo_generator"]) <= leaves_of_structure(DemoConfig)
    assert leaves_of_schema(DEFINITIONS["action_scenes"]) <= leaves_of_structure(ActionDemoConfig)
