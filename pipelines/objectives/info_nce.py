"""InfoNCE with excluded negatives, and MoDist's loss of four such terms (its Equations 1 to 3).

Shapes
------
B queries in a batch, N negatives in a memory, D columns of an embedding.

Conventions
-----------
- Embeddings have unit length; nothing here normalises them.
- v is the visual pathway, m the motion pathway; q a query of the online network, k a key of the
  momentum network, which no gradient reaches.
- A loss is a mean over the queries, in natural logarithms, computed in float32 or wider.

Source: Xiao et al., "MoDist: Motion Distillation for Self-supervised Video Representation
Learning", section 3.1.
"""

import math
from collections.abc import Collection
from typing import Literal, NamedTuple

import torch
from torch import Tensor
from torch.nn import functional

TermName = Literal["visual", "motion", "distillation"]
NegativesName = Literal["query_modality", "key_modality"]


class Embeddings(NamedTuple):
    """One modality of a batch, and the memory that its negatives come from.

    Attributes:
        query: ``(B, D)``, of the online network.
        key: ``(B, D)``, of the momentum network, from the same videos in the same order.
        negatives: ``(N, D)``, rows of the memory.
        is_excluded: ``(B, N)`` bool, negatives that a query must not see: those of its own video.
    """

    query: Tensor
    key: Tensor
    negatives: Tensor
    is_excluded: Tensor


def info_nce(
    query_BD: Tensor,
    key_BD: Tensor,
    negatives_ND: Tensor,
    is_excluded_BN: Tensor,
    temperature: float,
) -> Tensor:
    """IN(q, k, {n}) of Equation 1: the negative log-likelihood of the key among all candidates.

    A query whose negatives are all excluded costs nothing and has no gradient.

    Args:
        query_BD: Gradients flow to these only.
        key_BD: The positive of each query.
        negatives_ND: Shared by all queries; N may be 0.
        is_excluded_BN: True where a negative must not enter a query's sum.
        temperature: tau, above 0.

    Returns:
        Scalar, at least 0.

    Raises:
        ValueError: If shapes do not fit or the temperature is not positive.
    """
    logits = contrast_logits(query_BD, key_BD, negatives_ND, is_excluded_BN, temperature)
    return _cross_entropy_to_key(logits)


def contrast_logits(
    query_BD: Tensor,
    key_BD: Tensor,
    negatives_ND: Tensor,
    is_excluded_BN: Tensor,
    temperature: float,
) -> Tensor:
    """Logits of the candidates of each query, the key first; excluded ones are minus infinity.

    Arguments as `info_nce`.

    Returns:
        Shape ``(B, 1 + N)``.

    Raises:
        ValueError: As `info_nce`.
    """
    _check(query_BD, key_BD, negatives_ND, is_excluded_BN, temperature)
    # In half precision a similarity near 1 over a temperature of 0.1 is off by 0.04.
    wide = torch.promote_types(query_BD.dtype, torch.float32)
    with torch.autocast(query_BD.device.type, enabled=False):
        query = query_BD.to(wide)
        positive_B1 = (query * key_BD.detach().to(wide)).sum(dim=1, keepdim=True)
        negative_BN = query @ negatives_ND.detach().to(wide).T
    negative_BN = negative_BN.masked_fill(is_excluded_BN, -torch.inf)
    return torch.cat([positive_B1, negative_BN], dim=1) / temperature


def modist_terms(
    visual: Embeddings,
    motion: Embeddings | None,
    temperature: float,
    terms: Collection[TermName],
    negatives: NegativesName,
    visual_logits: Tensor | None = None,
) -> dict[str, Tensor]:
    """The chosen terms of Equation 3; their sum is MoDist's loss.

    Equation 2 pairs a query with a key of the other modality and, read literally, with negatives
    of the query's own: IN(v^q, m^k, v^n) + IN(m^q, v^k, m^n). That is `query_modality`;
    `key_modality` takes the negatives from the key's side, as cross-modal losses usually do.

    Args:
        visual: Of the visual pathway.
        motion: Of the motion pathway; None where no term needs it.
        temperature: tau, the same in every term.
        terms: "visual" is L_v, "motion" L_m, "distillation" both parts of L_mv. The paper's loss
            has all three, its RGB-only baseline "visual" alone.
        negatives: Which memory the parts of L_mv draw from.
        visual_logits: `contrast_logits` of the visual pathway, where they are known already.

    Returns:
        Scalars by name: "visual", "motion", and for L_mv "visual_to_motion", whose query is
        visual, and "motion_to_visual".

    Raises:
        ValueError: If no term is chosen, one is unknown, or one needs a missing motion pathway.
    """
    unknown = sorted(set(terms) - {"visual", "motion", "distillation"})
    if not terms or unknown:
        raise ValueError(f"expected terms out of visual, motion, distillation, found {terms}")
    found: dict[str, Tensor] = {}
    if "visual" in terms:
        if visual_logits is None:
            visual_logits = contrast_logits(*visual, temperature)
        found["visual"] = _cross_entropy_to_key(visual_logits)
    if set(terms) == {"visual"}:
        return found
    if motion is None:
        raise ValueError(f"terms {', '.join(terms)} need motion embeddings, found none")
    if "motion" in terms:
        found["motion"] = info_nce(*motion, temperature)
    if "distillation" in terms:
        own = negatives == "query_modality"
        found["visual_to_motion"] = _across(visual, motion, own, temperature)
        found["motion_to_visual"] = _across(motion, visual, own, temperature)
    return found


def key_is_nearest(logits: Tensor) -> Tensor:
    """Share of the queries whose key is more similar than every negative.

    Args:
        logits: Of `contrast_logits`, ``(B, 1 + N)``. A tie counts for the key, so a query without
            negatives counts as right.
    """
    return (logits.detach().argmax(dim=1) == 0).float().mean()


def spread(embeddings_BD: Tensor) -> Tensor:
    """How far unit vectors spread: the mean deviation of a column times the root of D.

    Near 1 for directions of all kinds, 0 where all are the same (the monitor of SimSiam, Chen and
    He 2021, section 4.1).
    """
    wide = embeddings_BD.detach().float()
    found: Tensor = wide.std(dim=0, correction=0).mean() * math.sqrt(wide.shape[1])
    return found


def _across(asking: Embeddings, asked: Embeddings, own: bool, temperature: float) -> Tensor:
    """One part of L_mv: a query of one modality, the key of the other."""
    memory = asking if own else asked
    return info_nce(asking.query, asked.key, memory.negatives, memory.is_excluded, temperature)


def _cross_entropy_to_key(logits: Tensor) -> Tensor:
    """Cross entropy to candidate 0."""
    first = torch.zeros(len(logits), dtype=torch.int64, device=logits.device)
    return functional.cross_entropy(logits, first)


def _check(
    query_BD: Tensor,
    key_BD: Tensor,
    negatives_ND: Tensor,
    is_excluded_BN: Tensor,
    temperature: float,
) -> None:
    shapes = [tuple(t.shape) for t in (query_BD, key_BD, negatives_ND, is_excluded_BN)]
    if query_BD.ndim != 2 or negatives_ND.ndim != 2 or query_BD.shape != key_BD.shape:
        raise ValueError(f"expected (B, D), (B, D), (N, D) and (B, N), found {shapes}")
    expected = (len(query_BD), len(negatives_ND))
    if negatives_ND.shape[1] != query_BD.shape[1] or is_excluded_BN.shape != expected:
        raise ValueError(f"expected (B, D), (B, D), (N, D) and (B, N), found {shapes}")
    if temperature <= 0:
        raise ValueError(f"temperature must be positive, found {temperature}")
