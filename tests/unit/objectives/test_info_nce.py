import math

import pytest
import torch
from torch.nn import functional

from pipelines.objectives.info_nce import (
    Embeddings,
    contrast_logits,
    info_nce,
    key_is_nearest,
    modist_terms,
    spread,
)

ALL = ("visual", "motion", "distillation")
NAMES = ["visual", "motion", "visual_to_motion", "motion_to_visual"]


def unit(seed: int, *shape: int) -> torch.Tensor:
    drawn = torch.randn(*shape, generator=torch.Generator().manual_seed(seed), dtype=torch.float64)
    return functional.normalize(drawn, dim=-1)


def some_embeddings(seed: int, batch: int = 4, memory: int = 9, width: int = 5) -> Embeddings:
    mask = torch.rand(batch, memory, generator=torch.Generator().manual_seed(seed)) < 0.3
    return Embeddings(
        unit(seed, batch, width), unit(seed + 1, batch, width), unit(seed + 2, memory, width), mask
    )


def equation_1(query, key, negatives, is_excluded, temperature):
    """Equation 1 as printed, query by query and negative by negative."""
    total = 0.0
    for b in range(len(query)):
        positive = math.exp(
            sum(float(q * k) for q, k in zip(query[b], key[b], strict=True)) / temperature
        )
        others = 0.0
        for n in range(len(negatives)):
            if not is_excluded[b, n]:
                product = sum(float(q * x) for q, x in zip(query[b], negatives[n], strict=True))
                others += math.exp(product / temperature)
        total += -math.log(positive / (positive + others))
    return total / len(query)


@pytest.mark.parametrize(("batch", "memory"), [(4, 9), (1, 1), (3, 0), (1, 20)])
@pytest.mark.parametrize("temperature", [0.1, 1.0])
def test_equals_the_loop_over_queries_and_negatives(batch, memory, temperature):
    found = some_embeddings(3, batch, memory)

    expected = equation_1(*found, temperature)

    assert float(info_nce(*found, temperature)) == pytest.approx(expected, abs=1e-12)


def test_orthogonal_negatives_cost_log_of_one_plus_n_over_e():
    # Key equal to the query, N orthogonal negatives: -log(e^(1/t) / (e^(1/t) + N)).
    query, negatives = torch.eye(8)[:1], torch.eye(8)[1:6]

    loss = info_nce(query, query, negatives, torch.zeros(1, 5, dtype=torch.bool), 0.5)

    assert float(loss) == pytest.approx(math.log(1 + 5 * math.exp(-2)))


def test_excluded_negatives_leave_no_trace():
    query, key, negatives, mask = some_embeddings(0)
    kept = torch.stack([unit(9, 9, 5)[n] if mask[0, n] else negatives[n] for n in range(9)])

    first = info_nce(query[:1], key[:1], negatives, mask[:1], 0.1)
    second = info_nce(query[:1], key[:1], kept, mask[:1], 0.1)

    assert 0 < int(mask[0].sum()) < 9
    torch.testing.assert_close(first, second, rtol=0, atol=0)


def test_without_negatives_there_is_neither_cost_nor_gradient():
    query, key, negatives, _ = some_embeddings(1)
    query = query.clone().requires_grad_()

    loss = info_nce(query, key, negatives, torch.ones(4, 9, dtype=torch.bool), 0.1)
    loss.backward()

    assert float(loss.detach()) == 0
    assert query.grad.abs().max() == 0


def test_gradient_reaches_the_queries_alone():
    parts = [t.clone().requires_grad_() for t in some_embeddings(2)[:3]]
    mask = some_embeddings(2).is_excluded

    info_nce(*parts, mask, 0.1).backward()

    assert parts[0].grad.abs().max() > 0
    assert parts[1].grad is None
    assert parts[2].grad is None
    assert torch.autograd.gradcheck(lambda q: info_nce(q, *parts[1:], mask, 0.5), [parts[0]])


def test_half_precision_is_widened_first():
    rounded = [t.bfloat16() for t in some_embeddings(4)[:3]]
    mask = some_embeddings(4).is_excluded

    loss = info_nce(*rounded, mask, 0.1)

    assert loss.dtype == torch.float32
    assert float(loss) == pytest.approx(equation_1(*rounded_exactly(rounded), mask, 0.1), rel=1e-5)


def rounded_exactly(tensors):
    return [t.double() for t in tensors]


@pytest.mark.parametrize("negatives", ["query_modality", "key_modality"])
def test_modist_is_the_sum_of_four_terms_written_out(negatives):
    visual, motion = some_embeddings(0), some_embeddings(10, memory=6)
    v_q, v_k, v_n, v_x = visual
    m_q, m_k, m_n, m_x = motion
    own = negatives == "query_modality"

    terms = modist_terms(visual, motion, 0.1, ALL, negatives)

    assert list(terms) == NAMES
    expected = {
        "visual": equation_1(v_q, v_k, v_n, v_x, 0.1),
        "motion": equation_1(m_q, m_k, m_n, m_x, 0.1),
        # Equation 2: the negatives are of the query's modality, not of the key's.
        "visual_to_motion": equation_1(v_q, m_k, *((v_n, v_x) if own else (m_n, m_x)), 0.1),
        "motion_to_visual": equation_1(m_q, v_k, *((m_n, m_x) if own else (v_n, v_x)), 0.1),
    }
    assert {name: float(value) for name, value in terms.items()} == pytest.approx(expected)


def test_the_two_readings_of_equation_2_differ():
    pair = some_embeddings(0), some_embeddings(10)
    found = [
        modist_terms(*pair, 0.1, ALL, reading) for reading in ("query_modality", "key_modality")
    ]

    assert found[0]["visual"] == found[1]["visual"]
    for name in NAMES[2:]:
        assert abs(float(found[0][name] - found[1][name])) > 0.01


@pytest.mark.parametrize(
    ("terms", "names"),
    [
        (["visual"], NAMES[:1]),
        (["visual", "distillation"], [NAMES[0], *NAMES[2:]]),
        (["motion"], NAMES[1:2]),
        (["distillation"], NAMES[2:]),
    ],
)
def test_terms_can_be_switched_off_without_moving_the_others(terms, names):
    pair = some_embeddings(0), some_embeddings(10)
    whole = modist_terms(*pair, 0.1, ALL, "query_modality")

    some = modist_terms(*pair, 0.1, terms, "query_modality")

    assert some == {name: whole[name] for name in names}


def test_the_visual_term_needs_no_motion():
    visual = some_embeddings(0)

    alone = modist_terms(visual, None, 0.1, ["visual"], "query_modality")

    assert list(alone) == ["visual"]
    with pytest.raises(ValueError, match="need motion"):
        modist_terms(visual, None, 0.1, ALL, "query_modality")


@pytest.mark.parametrize("terms", [[], ["visual", "colour"]])
def test_unknown_terms_are_refused(terms):
    with pytest.raises(ValueError, match="visual, motion, distillation"):
        modist_terms(some_embeddings(0), None, 0.1, terms, "query_modality")


def test_share_of_nearest_keys_ignores_excluded_negatives():
    query = torch.eye(2)
    key = torch.tensor([[0.6, 0.8], [0.6, 0.8]])
    negatives = torch.tensor([[1.0, 0.0]])
    for excluded, share in [([[False], [False]], 0.5), ([[True], [False]], 1.0)]:
        logits = contrast_logits(query, key, negatives, torch.tensor(excluded), 0.1)
        assert float(key_is_nearest(logits)) == share


def test_spread_is_0_for_one_direction_and_near_1_for_all():
    assert float(spread(unit(0, 1, 6).expand(5, -1))) == pytest.approx(0, abs=1e-7)
    assert float(spread(unit(0, 4000, 16))) == pytest.approx(1, abs=0.02)
    # Columns of plus and minus one in half of the rows: deviations 1, 0; root of 2.
    assert float(spread(torch.tensor([[1.0, 0.0], [-1.0, 0.0]]))) == pytest.approx(2**0.5 / 2)


@pytest.mark.parametrize(
    "shapes",
    [
        ((4, 5), (3, 5), (9, 5), (4, 9)),
        ((4, 5), (4, 5), (9, 6), (4, 9)),
        ((4, 5), (4, 5), (9, 5), (9, 4)),
        ((5,), (5,), (9, 5), (1, 9)),
    ],
)
def test_other_shapes_are_refused(shapes):
    query, key, negatives, mask = (torch.zeros(shape) for shape in shapes)

    with pytest.raises(ValueError, match="expected"):
        info_nce(query, key, negatives, mask.bool(), 0.1)


def test_a_temperature_of_zero_is_refused():
    with pytest.raises(ValueError, match="temperature"):
        info_nce(*some_embeddings(0), 0.0)
