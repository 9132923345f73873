"""PyTorch's default type for its GeneralizedPareto, which compares a parameter with a number of that type and fails for
parameters of another.
"""

from collections.abc import Iterator

import pytest
import torch

ITS_DOUBLES = ("test_log_prob_with_gradients", "test_distribution_functions", "test_expand", "test_bad_parameters",
               "test_batches_of_every_shape", "test_values_inside_and_outside_of_the_support",
               "test_an_expanded_law_has_the_gradients_of_its_parameters")


@pytest.fixture(autouse=True)
def doubles_for_one_law(request: pytest.FixtureRequest) -> Iterator[None]:
    given = request.node.callspec.params if hasattr(request.node, "callspec") else {}
    wanted = given.get("name") == "GeneralizedPareto" and given.get("dtype") != "float32"
    if wanted and request.node.originalname in ITS_DOUBLES:
        torch.set_default_dtype(torch.float64)
    yield
    torch.set_default_dtype(torch.float32)
