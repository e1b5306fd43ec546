"""What the rules of `data` read."""


def generated_annotations(wildcards):
    """Only demos' videos are made by a rule; all others are the user's."""
    made = {"demo": "annotations.csv", "ava_demo": "action_demo.md"}
    name = made.get(SETTINGS.datasets[wildcards.dataset]["adapter"])
    return f"results/data/{wildcards.dataset}/{name}" if name else []


def shard_annotations(wildcards):
    """As `generated_annotations`; a path whose shard the dataset does not have stops here."""
    known = shards(wildcards.dataset)
    if wildcards.shard not in known:
        stop(
            f"shard-{wildcards.shard} of dataset {wildcards.dataset}: no such shard; "
            f"datasets.{wildcards.dataset}.num_shards is {len(known)}, ask for shard-{known[0]}"
            + (f" to shard-{known[-1]}" if len(known) > 1 else "")
        )
    return generated_annotations(wildcards)


def probe_config(wildcards):
    """Canonical JSON of what probing is told; nothing of labels or splits."""
    medium = medium_of(wildcards.dataset, SETTINGS.datasets[wildcards.dataset])
    return canonical({"min_frames": medium.min_frames})


def listed_split(wildcards):
    """The list of a split's videos; a split that the dataset does not have stops here."""
    known = listing(wildcards.dataset).splits
    try:
        check_one_of(f"splits of dataset {wildcards.dataset}", wildcards.split, known)
    except ConfigError as error:
        stop(f"{error}{unnamed_splits(wildcards.dataset)}")
    return known[wildcards.split]


def part_manifests(wildcards):
    """One manifest per part of a source; two parts may be splits of one dataset."""
    parts = parts_in(wildcards.source)
    return [split_manifest(shown_dataset(part.name), part.split) for part in parts]
