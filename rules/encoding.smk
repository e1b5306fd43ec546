rule sample_descriptors:
    input:
        unpack(track_files),
        videos="results/data/{dataset}/probed/shard-{shard}.parquet",
        source="results/data/sources/{source}.parquet",
    output:
        sample="results/encoding/samples/{preset}/{source}/{dataset}/shard-{shard}.h5",
        skipped="results/encoding/samples/{preset}/{source}/{dataset}/skipped/shard-{shard}.parquet",
    log:
        "logs/encoding/sample_descriptors/{preset}-{source}-{dataset}-{shard}.log",
    benchmark:
        "benchmarks/encoding/sample_descriptors/{preset}-{source}-{dataset}-{shard}.tsv"
    conda:
        "../envs/pipeline.yaml"
    threads: 1
    resources:
        mem_mb=growing(2000),
        runtime=growing(720),
    params:
        config=lambda wildcards: section(
            wildcards.preset,
            "trajectories.max_height_px",
            "trajectories.tracks",
            "encoding.descriptors",
            "encoding.sample",
            "encoding.seed",
        ),
        options=track_options,
        code=source_digest("pipelines.encoding.sample_descriptors"),
    shell:
        "python -m pipelines.encoding.sample_descriptors"
        " --config {params.config:q}"
        " {params.options}"
        " --videos {input.videos}"
        " --source {input.source}"
        " --out {output.sample}"
        " --skipped {output.skipped}"
        " > {log} 2>&1"


rule fit_encoder:
    input:
        samples=sample_shards,
        skipped=skipped_samples,
    output:
        encoder="results/encoding/encoder/{preset}/{source}.h5",
    log:
        "logs/encoding/fit_encoder/{preset}-{source}.log",
    benchmark:
        "benchmarks/encoding/fit_encoder/{preset}-{source}.tsv"
    priority: 10
    conda:
        "../envs/pipeline.yaml"
    threads: COMPUTE["num_threads"]
    resources:
        mem_mb=growing(4000),
        runtime=growing(720),
    params:
        config=lambda wildcards: section(
            wildcards.preset,
            "encoding.pca",
            "encoding.gmm",
            "encoding.seed",
        ),
        samples=lambda wildcards: listed(sample_shards(wildcards)),
        skipped=lambda wildcards: listed(skipped_samples(wildcards)),
        code=source_digest("pipelines.encoding.fit_encoder"),
    shell:
        "python -m pipelines.encoding.fit_encoder"
        " --config {params.config:q}"
        " --samples-list {params.samples}"
        " --skipped-list {params.skipped}"
        " --out {output.encoder}"
        " > {log} 2>&1"


rule encode_fisher:
    input:
        unpack(track_files),
        videos="results/data/{dataset}/probed/shard-{shard}.parquet",
        encoder=encoder_of,
    output:
        vectors="results/encoding/vectors/{preset}/{source}/{dataset}/shard-{shard}.h5",
        skipped="results/encoding/vectors/{preset}/{source}/{dataset}/skipped/shard-{shard}.parquet",
    log:
        "logs/encoding/encode_fisher/{preset}-{source}-{dataset}-{shard}.log",
    benchmark:
        "benchmarks/encoding/encode_fisher/{preset}-{source}-{dataset}-{shard}.tsv"
    conda:
        "../envs/pipeline.yaml"
    threads: 1
    resources:
        mem_mb=growing(2000),
        runtime=growing(720),
    params:
        config=lambda wildcards: section(
            wildcards.preset,
            "trajectories.max_height_px",
            "trajectories.tracks",
            "encoding.descriptors",
            "encoding.fisher",
            "encoding.sketch",
            "encoding.seed",
        ),
        options=track_options,
        code=source_digest("pipelines.encoding.encode_fisher"),
    shell:
        "python -m pipelines.encoding.encode_fisher"
        " --config {params.config:q}"
        " {params.options}"
        " --videos {input.videos}"
        " --encoder {input.encoder}"
        " --out {output.vectors}"
        " --skipped {output.skipped}"
        " > {log} 2>&1"
