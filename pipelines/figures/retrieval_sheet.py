"""What a pretrained network finds alike: queries and the training videos nearest to them.

MotionFit section 4.5 and Table 7 count them; here they are looked at.
"""

from collections.abc import Mapping, Sequence

import numpy as np
import pandas as pd
from numpy.typing import NDArray

from pipelines.figures.picture_grid import GridRow
from pipelines.figures.plotting import spaced

ImageArray = NDArray[np.uint8]


def chosen_queries(retrieved: pd.DataFrame, num_queries: int) -> pd.DataFrame:
    """Queries whose nearest video is of their class, then others, half of the number each.

    Evenly spread over their ids; where one kind has fewer, there are fewer.

    Args:
        retrieved: As `read_retrieved` gives it, sorted by video and clip.
        num_queries: At most so many.
    """
    nearest = [labels[0] for labels in retrieved["neighbour_labels"]]
    is_right = np.array(nearest, dtype=object) == retrieved["label"].to_numpy()
    parts = [retrieved[is_right], retrieved[~is_right]]
    chosen: pd.DataFrame = pd.concat(
        [part.iloc[spaced(part["video_id"].tolist(), num_queries // 2)] for part in parts]
    )
    return chosen


def retrieval_rows(
    queries: pd.DataFrame, pictures: Mapping[str, ImageArray], num_neighbours: int
) -> list[GridRow]:
    """One row per query: its picture, then its nearest videos', right or wrong.

    Args:
        queries: As `chosen_queries` gives them.
        pictures: A frame of each video, by id.
        num_neighbours: Shown of each query; every query has so many.
    """
    rows = []
    for query in queries.to_dict("records"):
        shown = [query["video_id"], *query["neighbours"][:num_neighbours]]
        captions = [str(query["label"])]
        for label, distance in zip(
            query["neighbour_labels"][:num_neighbours], query["distances"], strict=False
        ):
            verdict = "right" if label == query["label"] else "wrong"
            captions.append(f"{verdict}: {label}\ndistance {distance:.3f}")
        is_right = query["neighbour_labels"][0] == query["label"]
        heading = "nearest\nright" if is_right else "nearest\nwrong"
        rows.append(GridRow(heading, [pictures[video_id] for video_id in shown], captions))
    return rows


def column_names(num_neighbours: int) -> Sequence[str]:
    """Names of the columns."""
    return ["query", *(f"number {rank}" for rank in range(1, num_neighbours + 1))]
