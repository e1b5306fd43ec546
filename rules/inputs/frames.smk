"""What the rules of `frames` read."""


def skipped_shards(wildcards):
    where = f"results/frames/{wildcards.preset}/{wildcards.dataset}/skipped"
    return [f"{where}/shard-{shard}.parquet" for shard in shards(wildcards.dataset)]
