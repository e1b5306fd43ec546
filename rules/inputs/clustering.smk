"""What the rules of `clustering` read."""


def features_input(wildcards):
    """One shard's frames or flow, and the generator's weights."""
    _, modality, _ = parts_of(wildcards.generator)
    name = f"{wildcards.dataset}/shard-{wildcards.shard}.h5"
    stage, folder = ("flow", "motion/flow") if modality == "flow" else ("frames", "frames")
    return {
        "model": generator_model(wildcards.preset, wildcards.generator),
        "clips": f"results/{folder}/{home(wildcards.preset, stage)}/{name}",
    }


def feature_shards(preset, generator, source):
    _, modality, _ = parts_of(generator)
    where = f"results/clustering/features/{home(preset, f'features.{modality}')}/{generator}"
    return [f"{where}/{d}/shard-{shard}.h5" for d in datasets_of(source) for shard in shards(d)]


def source_features(wildcards):
    return feature_shards(wildcards.preset, wildcards.generator, wildcards.source)
