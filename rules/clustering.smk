rule extract_features:
    input:
        unpack(features_input),
    output:
        features="results/clustering/features/{preset}/{generator}/{dataset}/shard-{shard}.h5",
    log:
        "logs/clustering/extract_features/{preset}-{generator}-{dataset}-{shard}.log",
    benchmark:
        "benchmarks/clustering/extract_features/{preset}-{generator}-{dataset}-{shard}.tsv"
    priority: 10
    conda:
        "../envs/pipeline.yaml"
    threads: COMPUTE["num_threads"]
    resources:
        mem_mb=growing(4000),
        runtime=growing(720),
        gpu=1,
    params:
        config=lambda wildcards: section(wildcards.preset, "clips", "clustering.features"),
        modality=lambda wildcards: parts_of(wildcards.generator)[1],
        code=source_digest("pipelines.clustering.extract_features"),
    shell:
        "python -m pipelines.clustering.extract_features"
        " --config {params.config:q}"
        " --modality {params.modality}"
        " --model {input.model}"
        " --clips {input.clips}"
        " --out {output.features}"
        " > {log} 2>&1"


rule fit_clusters:
    input:
        features=source_features,
        source="results/data/sources/{source}.parquet",
    output:
        clusters="results/clustering/clusters/{preset}/{generator}/{source}/clusters.h5",
    log:
        "logs/clustering/fit_clusters/{preset}-{generator}-{source}.log",
    benchmark:
        "benchmarks/clustering/fit_clusters/{preset}-{generator}-{source}.tsv"
    priority: 10
    conda:
        "../envs/pipeline.yaml"
    threads: COMPUTE["num_threads"]
    resources:
        mem_mb=growing(8000),
        runtime=growing(720),
    params:
        config=lambda wildcards: section(wildcards.preset, "clustering.units", "clustering.kmeans"),
        seed=lambda wildcards: parts_of(wildcards.generator)[2],
        features=lambda wildcards: listed(source_features(wildcards)),
        code=source_digest("pipelines.clustering.fit_clusters"),
    shell:
        "python -m pipelines.clustering.fit_clusters"
        " --config {params.config:q}"
        " --seed {params.seed}"
        " --features-list {params.features}"
        " --source {input.source}"
        " --out {output.clusters}"
        " > {log} 2>&1"


rule assign_pseudolabels:
    input:
        features=source_features,
        source="results/data/sources/{source}.parquet",
        clusters="results/clustering/clusters/{preset}/{generator}/{source}/clusters.h5",
    output:
        pseudolabels="results/clustering/clusters/{preset}/{generator}/{source}/pseudolabels.parquet",
        diagnostics="results/clustering/clusters/{preset}/{generator}/{source}/diagnostics.parquet",
    log:
        "logs/clustering/assign_pseudolabels/{preset}-{generator}-{source}.log",
    benchmark:
        "benchmarks/clustering/assign_pseudolabels/{preset}-{generator}-{source}.tsv"
    priority: 10
    conda:
        "../envs/pipeline.yaml"
    threads: COMPUTE["num_threads"]
    resources:
        mem_mb=growing(8000),
        runtime=growing(720),
    params:
        config=lambda wildcards: section(wildcards.preset, "clustering.units"),
        features=lambda wildcards: listed(source_features(wildcards)),
        code=source_digest("pipelines.clustering.assign_pseudolabels"),
    shell:
        "python -m pipelines.clustering.assign_pseudolabels"
        " --config {params.config:q}"
        " --features-list {params.features}"
        " --source {input.source}"
        " --clusters {input.clusters}"
        " --out {output.pseudolabels}"
        " --diagnostics {output.diagnostics}"
        " > {log} 2>&1"


rule cluster_vectors:
    input:
        vectors=vector_shards,
        skipped=skipped_vectors,
        source="results/data/sources/{source}.parquet",
    output:
        clusters="results/clustering/vectors/{preset}/{source}/clusters.h5",
        assignments="results/clustering/vectors/{preset}/{source}/assignments.parquet",
        diagnostics="results/clustering/vectors/{preset}/{source}/diagnostics.parquet",
    log:
        "logs/clustering/cluster_vectors/{preset}-{source}.log",
    benchmark:
        "benchmarks/clustering/cluster_vectors/{preset}-{source}.tsv"
    priority: 10
    conda:
        "../envs/pipeline.yaml"
    threads: COMPUTE["num_threads"]
    resources:
        mem_mb=growing(16000),
        runtime=growing(720),
    params:
        config=lambda wildcards: section(wildcards.preset, "clustering.vectors"),
        vectors=lambda wildcards: listed(vector_shards(wildcards)),
        skipped=lambda wildcards: listed(skipped_vectors(wildcards)),
        code=source_digest("pipelines.clustering.cluster_vectors"),
    shell:
        "python -m pipelines.clustering.cluster_vectors"
        " --config {params.config:q}"
        " --vectors-list {params.vectors}"
        " --skipped-list {params.skipped}"
        " --source {input.source}"
        " --out {output.clusters}"
        " --assignments {output.assignments}"
        " --diagnostics {output.diagnostics}"
        " > {log} 2>&1"
