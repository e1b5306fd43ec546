"""What the rules of `trajectories` read."""


def people_file(wildcards):
    """Weights or boxes that the detection of people reads, if it reads any."""
    people = SETTINGS.presets[wildcards.preset]["trajectories"]["people"]
    return people["path"] or []


def people_boxes(wildcards):
    where = f"results/trajectories/boxes/{home(wildcards.preset, 'people')}/{wildcards.dataset}"
    return f"{where}/shard-{wildcards.shard}.parquet"


def track_shards(wildcards):
    where = f"results/trajectories/tracks/{home(wildcards.preset, 'tracks')}/{wildcards.dataset}"
    return [f"{where}/shard-{shard}.h5" for shard in shards(wildcards.dataset)]


def skipped_tracks(wildcards):
    where = f"results/trajectories/tracks/{home(wildcards.preset, 'tracks')}/{wildcards.dataset}"
    return [f"{where}/skipped/shard-{shard}.parquet" for shard in shards(wildcards.dataset)]
