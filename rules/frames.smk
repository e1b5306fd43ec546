rule decode_frames:
    input:
        videos="results/data/{dataset}/probed/shard-{shard}.parquet",
    output:
        frames=frames_output("results/frames/{preset}/{dataset}/shard-{shard}.h5"),
        skipped="results/frames/{preset}/{dataset}/skipped/shard-{shard}.parquet",
    log:
        "logs/frames/decode_frames/{preset}-{dataset}-{shard}.log",
    benchmark:
        "benchmarks/frames/decode_frames/{preset}-{dataset}-{shard}.tsv"
    conda:
        "../envs/pipeline.yaml"
    threads: 1
    resources:
        mem_mb=growing(2000),
        runtime=growing(720),
    params:
        config=lambda wildcards: canonical(SETTINGS.presets[wildcards.preset]["frames"]),
        root=lambda wildcards: SETTINGS.datasets[wildcards.dataset]["root"],
        code=source_digest("pipelines.frames.decode_frames"),
    shell:
        "python -m pipelines.frames.decode_frames"
        " --config {params.config:q}"
        " --root {params.root:q}"
        " --videos {input.videos}"
        " --out {output.frames}"
        " --skipped {output.skipped}"
        " > {log} 2>&1"


rule index_frames:
    input:
        frames=lambda wildcards: frame_shards(wildcards.preset, wildcards.dataset),
        skipped=skipped_shards,
    output:
        index="results/frames/{preset}/{dataset}/index.parquet",
        skipped="results/frames/{preset}/{dataset}/skipped.parquet",
    log:
        "logs/frames/index_frames/{preset}-{dataset}.log",
    benchmark:
        "benchmarks/frames/index_frames/{preset}-{dataset}.tsv"
    conda:
        "../envs/pipeline.yaml"
    threads: 1
    resources:
        mem_mb=growing(2000),
        runtime=growing(60),
    params:
        frames=lambda wildcards: listed(frame_shards(wildcards.preset, wildcards.dataset)),
        skipped=lambda wildcards: listed(skipped_shards(wildcards)),
        code=source_digest("pipelines.frames.index_frames"),
    shell:
        "python -m pipelines.frames.index_frames"
        " --shards-list {params.frames}"
        " --skipped-list {params.skipped}"
        " --out {output.index}"
        " --skipped {output.skipped}"
        " > {log} 2>&1"
