"""Local aggregation: near videos of a clip's clusters against all near videos (paper 003, 3.2).

Shapes
------
B clips in a batch, N rows of the memory bank, K background neighbours of a clip, M clusterings.

Source: Equation 3 and Zhuang et al., "Local Aggregation for Unsupervised Learning of Visual
Embeddings", ICCV 2019. Details that both leave open are the authors' code's
(pvtokmakov/video_cluster at e8b6b4c, LocalAggregation/src/objectives/localagg.py): the neighbours
are found anew at every step, the clip's own row is neither forced in nor left out, and 1e-7 keeps
the logarithm finite where no close neighbour is near.
"""

import torch

EPSILON = 1e-7


def background_neighbours(similarity_BN: torch.Tensor, num_neighbours: int) -> torch.Tensor:
    """B_i: the nearest rows of the bank, in no order and without gradient.

    Rows and embeddings have unit length, so nearest means most similar.

    Args:
        similarity_BN: Dot products of embeddings and rows.
        num_neighbours: K, at most N.

    Returns:
        (B, K) int64, distinct within a row.

    Raises:
        ValueError: If there are fewer than K rows.
    """
    if not 1 <= num_neighbours <= similarity_BN.shape[-1]:
        raise ValueError(
            f"expected 1 to {similarity_BN.shape[-1]} neighbours in a bank of that many videos, "
            f"found {num_neighbours}"
        )
    return similarity_BN.detach().topk(num_neighbours, dim=1, sorted=False).indices


def close_neighbours(
    clusters_MN: torch.Tensor, index_B: torch.Tensor, neighbours_BK: torch.Tensor
) -> torch.Tensor:
    """Which background neighbours are in C_i: those that share a cluster in any clustering.

    Args:
        clusters_MN: Cluster of every video in every clustering.
        index_B: Rows of the clips' own videos.
        neighbours_BK: Rows of their background neighbours.

    Returns:
        (B, K) bool; True for the own row.

    Raises:
        ValueError: If the shapes do not fit.
    """
    if clusters_MN.ndim != 2 or neighbours_BK.ndim != 2 or len(index_B) != len(neighbours_BK):
        raise ValueError(
            "expected clusters (M, N), indices (B,) and neighbours (B, K), found "
            f"{tuple(clusters_MN.shape)}, {tuple(index_B.shape)} and {tuple(neighbours_BK.shape)}"
        )
    own_MB1 = clusters_MN[:, index_B, None]
    return (clusters_MN[:, neighbours_BK] == own_MB1).any(dim=0)


def local_aggregation_loss(
    similarity_BK: torch.Tensor, is_close_BK: torch.Tensor, temperature: float
) -> torch.Tensor:
    """-ln(P(C_i and B_i | d) / P(B_i | d) + 1e-7), mean over B (Equations 3 and 4).

    The sum over all videos in Equation 2 stands in both probabilities and cancels.

    Args:
        similarity_BK: Dot products of embeddings and their background neighbours' rows.
        is_close_BK: Which neighbours are close.
        temperature: tau.

    Returns:
        Scalar; a clip without a close neighbour costs -ln 1e-7 and gives no gradient.

    Raises:
        ValueError: If the shapes differ.
    """
    if similarity_BK.ndim != 2 or similarity_BK.shape != is_close_BK.shape:
        raise ValueError(
            f"expected similarities and marks of one shape (B, K), found "
            f"{tuple(similarity_BK.shape)} and {tuple(is_close_BK.shape)}"
        )
    share_BK = torch.softmax(similarity_BK / temperature, dim=1)
    close_B = torch.where(is_close_BK, share_BK, torch.zeros_like(share_BK)).sum(dim=1)
    return -torch.log(close_B + EPSILON).mean()
