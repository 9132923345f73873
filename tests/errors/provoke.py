"""How a row says which text PyTorch should give for a mistake, and the small tensors and functions that rows use.

Knows PyTorch alone, no text.
"""

from __future__ import annotations

import torch
from torch.autograd import Function

ROWS = {}


def says(name, kind, case=None, /, **fields):
    """Register a function that makes PyTorch raise (or warn) with the text of template ``name``."""

    def keep(provoke):
        ROWS[f"{name}-{case}" if case else name] = (name, kind, fields, provoke)
        return provoke

    return keep


def row(name, kind, provoke, /, case=None, **fields):
    says(name, kind, case, **fields)(provoke)


def leaf(*shape):
    return torch.ones(*shape, requires_grad=True)


def made(*shape):
    return leaf(*shape) * 1


def ones(*shape, dtype=torch.float32):
    return torch.ones(*shape, dtype=dtype)


def integers(*values):
    return torch.tensor(values)


def expanded():
    return ones(1).expand(3)


def function(forward, backward=None):
    methods = {"forward": staticmethod(forward)}
    if backward is not None:
        methods["backward"] = staticmethod(backward)
    return type("Mine", (Function,), methods)


def assign(tensor, name, value):
    setattr(tensor, name, value)


def doubled(context, tensor):
    return tensor * 2


def passed(context, *gradients):
    return gradients[0]
