"""Test videos that a target's sources, or its own training split, offer for training.

File `results/data/overlap/{target}.parquet`. Schema: split, target_video_id, source,
source_video_id, checksum (SHA-256 of the common file).
"""

import pyarrow as pa

RULE = "report_overlap"

# In the place of a source: the labelled training videos of the target's own split.
TRAINING = "training"

OVERLAP_SCHEMA = pa.schema(
    [
        ("split", pa.string()),
        ("target_video_id", pa.string()),
        ("source", pa.string()),
        ("source_video_id", pa.string()),
        ("checksum", pa.string()),
    ]
)
