rule finetune:
    input:
        unpack(finetuning_input),
    output:
        model="results/evaluation/{target}/{method}/{split}/seed{seed}/model.pt",
        history="results/evaluation/{target}/{method}/{split}/seed{seed}/history.parquet",
    log:
        "logs/evaluation/finetune/{target}-{method}-{split}-seed{seed}.log",
    benchmark:
        "benchmarks/evaluation/finetune/{target}-{method}-{split}-seed{seed}.tsv"
    conda:
        "../envs/pipeline.yaml"
    threads: TRAINING_THREADS
    resources:
        mem_mb=growing(8000),
        runtime=growing(2880),
        gpu=COMPUTE["num_processes"],
    params:
        config=finetuning_config,
        models=finetuning_models,
        stores=lambda wildcards: store_options(
            target_preset(wildcards),
            [target_dataset(wildcards)],
            finetuning_modalities(wildcards),
            JUDGED_CLIPS,
        ),
        code=source_digest("pipelines.evaluation.finetune"),
    shell:
        "python $PIPELINE_TORCHRUN -m pipelines.evaluation.finetune"
        " --config {params.config:q}"
        " --manifest {input.manifest}"
        " --split {wildcards.split}"
        " {params.models}"
        " {params.stores}"
        " --seed {wildcards.seed}"
        " --state scratch/evaluation"
        " --out {output.model}"
        " --history {output.history}"
        " > {log} 2>&1"


rule test_model:
    input:
        unpack(test_input),
        model=lambda wildcards: tested_model(
            wildcards.target, wildcards.method, wildcards.split, wildcards.seed
        ),
    output:
        predictions="results/evaluation/{target}/{method}/{split}/seed{seed}/{role}.parquet",
    log:
        "logs/evaluation/test_model/{target}-{method}-{split}-seed{seed}-{role}.log",
    benchmark:
        "benchmarks/evaluation/test_model/{target}-{method}-{split}-seed{seed}-{role}.tsv"
    conda:
        "../envs/pipeline.yaml"
    threads: NETWORK_THREADS
    resources:
        mem_mb=growing(8000),
        runtime=growing(720),
        gpu=1,
    params:
        config=test_config,
        stores=lambda wildcards: store_options(
            target_preset(wildcards),
            [target_dataset(wildcards)],
            tested_modalities(wildcards),
            tested_clips(wildcards),
        ),
        code=source_digest("pipelines.evaluation.test_model"),
    shell:
        "python -m pipelines.evaluation.test_model"
        " --config {params.config:q}"
        " --manifest {input.manifest}"
        " --split {wildcards.split}"
        " --role {wildcards.role}"
        " --model {input.model}"
        " {params.stores}"
        " --seed {wildcards.seed}"
        " --out {output.predictions}"
        " > {log} 2>&1"


rule retrieve:
    input:
        unpack(retrieval_input),
    output:
        retrieved="results/evaluation/{target}/{method}/{split}/seed{seed}/retrieval.parquet",
    log:
        "logs/evaluation/retrieve/{target}-{method}-{split}-seed{seed}.log",
    benchmark:
        "benchmarks/evaluation/retrieve/{target}-{method}-{split}-seed{seed}.tsv"
    conda:
        "../envs/pipeline.yaml"
    threads: NETWORK_THREADS
    resources:
        mem_mb=growing(16000),
        runtime=growing(720),
        gpu=1,
    params:
        config=retrieval_config,
        initial=retrieval_initial,
        stores=lambda wildcards: store_options(
            target_preset(wildcards), [target_dataset(wildcards)], ["rgb"], JUDGED_CLIPS
        ),
        code=source_digest("pipelines.evaluation.retrieve"),
    shell:
        "python -m pipelines.evaluation.retrieve"
        " --config {params.config:q}"
        " --manifest {input.manifest}"
        " --split {wildcards.split}"
        " {params.initial}"
        " {params.stores}"
        " --seed {wildcards.seed}"
        " --out {output.retrieved}"
        " > {log} 2>&1"


rule classify_vectors:
    input:
        vectors=target_vectors,
        index=lambda wildcards: frame_indices(target_preset(wildcards), target_dataset(wildcards)),
        manifest=lambda wildcards: split_manifest(target_dataset(wildcards), wildcards.split),
    output:
        predictions="results/evaluation/{target}/idt_svm/{split}/seed{seed}/{role}.parquet",
    log:
        "logs/evaluation/classify_vectors/{target}-{split}-seed{seed}-{role}.log",
    benchmark:
        "benchmarks/evaluation/classify_vectors/{target}-{split}-seed{seed}-{role}.tsv"
    conda:
        "../envs/pipeline.yaml"
    threads: 1
    resources:
        mem_mb=growing(8000),
        runtime=growing(720),
    params:
        config=lambda wildcards: section(
            target_preset(wildcards), "validation", "evaluation.labels", "evaluation.svm"
        ),
        vectors=lambda wildcards: listed(target_vectors(wildcards)),
        index=lambda wildcards: listed(
            frame_indices(target_preset(wildcards), target_dataset(wildcards))
        ),
        code=source_digest("pipelines.evaluation.classify_vectors"),
    shell:
        "python -m pipelines.evaluation.classify_vectors"
        " --config {params.config:q}"
        " --manifest {input.manifest}"
        " --split {wildcards.split}"
        " --role {wildcards.role}"
        " --index {params.index}"
        " --vectors-list {params.vectors}"
        " --seed {wildcards.seed}"
        " --out {output.predictions}"
        " > {log} 2>&1"


rule finetune_detector:
    input:
        unpack(detector_input),
    output:
        model="results/evaluation/{target}/{method}/{split}/seed{seed}/detector.pt",
        history="results/evaluation/{target}/{method}/{split}/seed{seed}/detector_history.parquet",
    log:
        "logs/evaluation/finetune_detector/{target}-{method}-{split}-seed{seed}.log",
    benchmark:
        "benchmarks/evaluation/finetune_detector/{target}-{method}-{split}-seed{seed}.tsv"
    conda:
        "../envs/pipeline.yaml"
    threads: TRAINING_THREADS
    resources:
        mem_mb=growing(8000),
        runtime=growing(2880),
        gpu=COMPUTE["num_processes"],
    params:
        config=lambda wildcards: detection_config(
            target_preset(wildcards),
            "recipe",
            "widen_last_stage",
            backbone=SETTINGS.presets[target_preset(wildcards)]["backbones"]["appearance"],
        ),
        models=finetuning_models,
        stores=lambda wildcards: store_options(
            target_preset(wildcards), [target_dataset(wildcards)], ["rgb"], JUDGED_CLIPS
        ),
        code=source_digest("pipelines.evaluation.finetune_detector"),
    shell:
        "python $PIPELINE_TORCHRUN -m pipelines.evaluation.finetune_detector"
        " --config {params.config:q}"
        " --manifest {input.manifest}"
        " --boxes {input.boxes}"
        " --split {wildcards.split}"
        " {params.models}"
        " {params.stores}"
        " --seed {wildcards.seed}"
        " --state scratch/evaluation"
        " --out {output.model}"
        " --history {output.history}"
        " > {log} 2>&1"


rule detect_actions:
    input:
        unpack(test_input),
        boxes=action_boxes,
        people=person_boxes,
        model="results/evaluation/{target}/{method}/{split}/seed{seed}/detector.pt",
    output:
        detections="results/evaluation/{target}/{method}/{split}/seed{seed}/detections.parquet",
    log:
        "logs/evaluation/detect_actions/{target}-{method}-{split}-seed{seed}.log",
    benchmark:
        "benchmarks/evaluation/detect_actions/{target}-{method}-{split}-seed{seed}.tsv"
    conda:
        "../envs/pipeline.yaml"
    threads: NETWORK_THREADS
    resources:
        mem_mb=growing(8000),
        runtime=growing(720),
        gpu=1,
    params:
        config=lambda wildcards: detection_config(
            target_preset(wildcards),
            "widen_last_stage",
            "boxes",
            "min_box_score",
            "max_labels_per_frame",
        ),
        stores=lambda wildcards: store_options(
            target_preset(wildcards), [target_dataset(wildcards)], ["rgb"], JUDGED_CLIPS
        ),
        code=source_digest("pipelines.evaluation.detect_actions"),
    shell:
        "python -m pipelines.evaluation.detect_actions"
        " --config {params.config:q}"
        " --manifest {input.manifest}"
        " --boxes {input.boxes}"
        " --split {wildcards.split}"
        " --model {input.model}"
        " {params.stores}"
        " --seed {wildcards.seed}"
        " --out {output.detections}"
        " > {log} 2>&1"
