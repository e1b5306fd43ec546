import math

import pytest
import torch

from pipelines.objectives.distillation import feature_mse, mars_loss, mers_loss

STUDENT = torch.tensor([[1.0, 2.0], [0.0, 0.0]])
TEACHER = torch.tensor([[1.0, 0.0], [3.0, 1.0]])
# Squared differences 0, 4, 9, 1 over four elements.
MSE = 3.5


def test_feature_mse_is_the_mean_over_elements():
    assert float(feature_mse(STUDENT, TEACHER)) == pytest.approx(MSE)


def test_feature_mse_trains_the_student_only():
    student, teacher = STUDENT.clone().requires_grad_(), TEACHER.clone().requires_grad_()

    feature_mse(student, teacher).backward()

    torch.testing.assert_close(student.grad, 2 * (STUDENT - TEACHER) / 4)
    assert teacher.grad is None


def test_feature_mse_refuses_to_broadcast():
    with pytest.raises(ValueError, match="one shape"):
        feature_mse(torch.zeros(4, 1), torch.zeros(4, 8))


def test_mers_weighs_the_error_by_50_unless_told():
    assert float(mers_loss(STUDENT, TEACHER)) == pytest.approx(50 * MSE)
    assert float(mers_loss(STUDENT, TEACHER, alpha=2)) == pytest.approx(2 * MSE)


@pytest.mark.parametrize("leading", [(2,), (1, 2)])
def test_mars_adds_cross_entropy_once(leading):
    # Softmax of (0, ln 3) is (1/4, 3/4).
    logits = torch.tensor([0.0, math.log(3)]).expand(*leading, 2)
    labels = torch.ones(leading, dtype=torch.int64)

    loss = mars_loss(logits, labels, STUDENT, TEACHER, alpha=50)

    assert float(loss) == pytest.approx(math.log(4 / 3) + 50 * MSE)


def test_mars_refuses_labels_of_another_shape():
    with pytest.raises(ValueError, match="expected logits"):
        mars_loss(torch.zeros(4, 3), torch.zeros(2, 2, dtype=torch.int64), STUDENT, TEACHER)
