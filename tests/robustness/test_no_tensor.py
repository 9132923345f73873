"""Arguments that are no tensors, or have no dims, where a tensor with some is meant: errors of PyTorch's classes."""

import pytest
import torch

import headgate

BOTH = (headgate, torch)
METHODS = """data_ptr is_shared item requires_grad_ set_ share_memory_ storage tolist untyped_storage resize_ type
    float_power_""".split()


@pytest.mark.parametrize("given", [None, 2, 2.0, "x"])
@pytest.mark.parametrize("name", METHODS)
def test_methods_called_on_what_is_no_tensor(name: str, given: object) -> None:
    more = [headgate.ones(3)] if name == "float_power_" else []
    with pytest.raises(TypeError):
        getattr(headgate.Tensor, name)(given, *more)


def test_scattering_into_a_number() -> None:
    for lib in BOTH:
        with pytest.raises(IndexError, match=r"slice\(\) cannot be applied to a 0-dim tensor"):
            lib.slice_scatter(lib.tensor(3), lib.zeros(2, 0, dtype=lib.int64), start=-2)
        with pytest.raises(IndexError, match=r"select\(\) cannot be applied to a 0-dim tensor"):
            lib.select_scatter(lib.tensor(3), lib.tensor(3), 0, 0)


def test_conv_tbc_needs_a_bias() -> None:
    for lib in BOTH:
        with pytest.raises(TypeError):
            lib.conv_tbc(lib.ones(5, 2, 3), lib.ones(2, 3, 4), None)
