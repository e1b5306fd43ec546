rule detect_people:
    input:
        people_file,
        videos="results/data/{dataset}/probed/shard-{shard}.parquet",
    output:
        boxes="results/trajectories/boxes/{preset}/{dataset}/shard-{shard}.parquet",
        skipped="results/trajectories/boxes/{preset}/{dataset}/skipped/shard-{shard}.parquet",
    log:
        "logs/trajectories/detect_people/{preset}-{dataset}-{shard}.log",
    benchmark:
        "benchmarks/trajectories/detect_people/{preset}-{dataset}-{shard}.tsv"
    conda:
        "../envs/pipeline.yaml"
    threads: 1
    resources:
        mem_mb=growing(2000),
        runtime=growing(720),
    params:
        config=lambda wildcards: section(
            wildcards.preset, "trajectories.max_height_px", "trajectories.people"
        ),
        root=lambda wildcards: SETTINGS.datasets[wildcards.dataset]["root"],
        code=source_digest("pipelines.trajectories.detect_people"),
    shell:
        "python -m pipelines.trajectories.detect_people"
        " --config {params.config:q}"
        " --root {params.root:q}"
        " --videos {input.videos}"
        " --out {output.boxes}"
        " --skipped {output.skipped}"
        " > {log} 2>&1"


rule track_trajectories:
    input:
        videos="results/data/{dataset}/probed/shard-{shard}.parquet",
        boxes=people_boxes,
    output:
        tracks="results/trajectories/tracks/{preset}/{dataset}/shard-{shard}.h5",
        skipped="results/trajectories/tracks/{preset}/{dataset}/skipped/shard-{shard}.parquet",
    log:
        "logs/trajectories/track_trajectories/{preset}-{dataset}-{shard}.log",
    benchmark:
        "benchmarks/trajectories/track_trajectories/{preset}-{dataset}-{shard}.tsv"
    conda:
        "../envs/pipeline.yaml"
    threads: 1
    resources:
        mem_mb=growing(3000),
        runtime=growing(720),
    params:
        config=lambda wildcards: section(
            wildcards.preset, "trajectories.max_height_px", "trajectories.tracks"
        ),
        root=lambda wildcards: SETTINGS.datasets[wildcards.dataset]["root"],
        code=source_digest("pipelines.trajectories.track_trajectories"),
    shell:
        "python -m pipelines.trajectories.track_trajectories"
        " --config {params.config:q}"
        " --root {params.root:q}"
        " --videos {input.videos}"
        " --boxes {input.boxes}"
        " --out {output.tracks}"
        " --skipped {output.skipped}"
        " > {log} 2>&1"


rule index_tracks:
    input:
        tracks=track_shards,
        skipped=skipped_tracks,
    output:
        index="results/trajectories/tracks/{preset}/{dataset}/index.parquet",
        skipped="results/trajectories/tracks/{preset}/{dataset}/skipped.parquet",
    log:
        "logs/trajectories/index_tracks/{preset}-{dataset}.log",
    benchmark:
        "benchmarks/trajectories/index_tracks/{preset}-{dataset}.tsv"
    conda:
        "../envs/pipeline.yaml"
    threads: 1
    resources:
        mem_mb=growing(2000),
        runtime=growing(60),
    params:
        tracks=lambda wildcards: listed(track_shards(wildcards)),
        skipped=lambda wildcards: listed(skipped_tracks(wildcards)),
        code=source_digest("pipelines.trajectories.index_tracks"),
    shell:
        "python -m pipelines.trajectories.index_tracks"
        " --shards-list {params.tracks}"
        " --skipped-list {params.skipped}"
        " --out {output.index}"
        " --skipped {output.skipped}"
        " > {log} 2>&1"
