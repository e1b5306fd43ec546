"""What the rules of `encoding` read."""


def track_files(wildcards):
    """What trajectories are made from, or the full dump of them."""
    if SETTINGS.presets[wildcards.preset]["encoding"]["descriptors"] == "computed":
        return {"boxes": people_boxes(wildcards)}
    where = f"results/trajectories/tracks/{home(wildcards.preset, 'tracks')}/{wildcards.dataset}"
    return {
        "tracks": f"{where}/shard-{wildcards.shard}.h5",
        "untracked": f"{where}/skipped/shard-{wildcards.shard}.parquet",
    }


def track_options(wildcards):
    """The command-line options that go with `track_files`."""
    found = track_files(wildcards)
    if "boxes" in found:
        found["root"] = SETTINGS.datasets[wildcards.dataset]["root"]
    return " ".join(f"--{name} {shlex.quote(path)}" for name, path in found.items())


def source_shards(stage, wildcards, folder=""):
    """Sample or vector shards of a source, or with `folder` their skipped tables."""
    kept = {"samples": "sample", "vectors": "vectors"}[stage]
    where = f"results/encoding/{stage}/{home(wildcards.preset, kept)}/{wildcards.source}"
    kind = "parquet" if folder else "h5"
    return [
        f"{where}/{dataset}/{folder}shard-{shard}.{kind}"
        for dataset in datasets_of(wildcards.source)
        for shard in shards(dataset)
    ]


def sample_shards(wildcards):
    return source_shards("samples", wildcards)


def skipped_samples(wildcards):
    return source_shards("samples", wildcards, "skipped/")


def vector_shards(wildcards):
    return source_shards("vectors", wildcards)


def skipped_vectors(wildcards):
    return source_shards("vectors", wildcards, "skipped/")


def encoder_of(wildcards):
    return f"results/encoding/encoder/{home(wildcards.preset, 'encoder')}/{wildcards.source}.h5"
