"""What the rules of `training` read."""

STUDENT_CLIPS = "training.self_training.clips"


def generator_input(wildcards):
    """The labelled videos of one split, as frames or flow."""
    dataset = dataset_of(wildcards.labels)
    check_flow_clips(wildcards.preset, "clips", [wildcards.modality])
    found = stores(wildcards.preset, [dataset], [wildcards.modality])
    found["manifest"] = split_manifest(dataset, split_of(wildcards.labels))
    return found | generator_initial(wildcards)


def generator_initial(wildcards):
    """Weights that a generator starts from: a recipe trained on its own videos, labels unread."""
    recipe = initial_recipe(wildcards.preset, wildcards.modality)
    if not recipe:
        return {}
    labels, seed = wildcards.labels, wildcards.seed
    return {"initial": pretrained_model(wildcards.preset, recipe, labels, seed)}


def generator_initial_option(wildcards):
    """The command-line option that goes with `generator_initial`."""
    return " ".join(f"--{name} {path}" for name, path in generator_initial(wildcards).items())


def generator_recipe(wildcards):
    suffix = "" if wildcards.modality == "flow" else "_appearance"
    return training_config(wildcards.preset, f"training.generator{suffix}", wildcards.modality)


def pseudolabels_of(wildcards):
    _, modality, _ = parts_of(wildcards.generator)
    where = home(wildcards.preset, f"clusters.{modality}")
    folder = f"results/clustering/clusters/{where}/{wildcards.generator}/{wildcards.source}"
    return f"{folder}/pseudolabels.parquet"


def self_training_input(wildcards):
    """The source's frames and their pseudo-labels."""
    found = stores(wildcards.preset, datasets_of(wildcards.source), ["rgb"], STUDENT_CLIPS)
    return found | {"pseudolabels": pseudolabels_of(wildcards)}


def distillation_input(wildcards):
    """The source's frames and flow, and the motion network that teaches."""
    check_flow_clips(wildcards.preset, "clips", ["rgb", "flow"])
    found = stores(wildcards.preset, datasets_of(wildcards.source), ["rgb", "flow"])
    return found | {
        "teacher": generator_model(wildcards.preset, wildcards.generator),
        "source": f"results/data/sources/{wildcards.source}.parquet",
    }


def supervised_input(wildcards):
    """The source's frames with its own labels."""
    found = stores(wildcards.preset, datasets_of(wildcards.source), ["rgb"])
    return found | {"source": f"results/data/sources/{wildcards.source}.parquet"}
