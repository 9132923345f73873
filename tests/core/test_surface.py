"""The tensor as Python objects see it, beside PyTorch: numbers, NumPy, copies, pickles, storages, subclasses."""

import copy
import pickle
import warnings
import weakref
from typing import Any

import numpy as np
import pytest
import torch

import headgate

LIBRARIES = (torch, headgate)
SETUP = """x = T.arange(6.0).reshape(2, 3); g = T.ones(3, requires_grad=True); y = g * 2"""
CALLS = """x.item()|x[0, 1].item()|x.tolist()|g.numpy()|g.numpy(force=True).tolist()|y.tolist()|N.asarray(g)
N.asarray(x).tolist()|N.sin(x).tolist()|g.__dlpack__()|N.from_dlpack(x).tolist()
T.from_dlpack(x).data_ptr() == x.data_ptr()
x.element_size()|x.storage_offset()|x[1].storage_offset()|x.size(-1)|x.size(5)|x.stride()|x.dim()|x.is_cuda|x.nbytes
x.is_floating_point()|x.type()|x.type("torch.LongTensor").tolist()|x.type("foo")|y.to("cuda")|y.to("foo")|y.cuda()
format(T.tensor(3.14159), ".2f")|format(T.tensor(3), "d")|f"{x}"|int(T.tensor(2.7))|float(x)|bool(x)|2 in x|"a" in x
[1, 2, 3][T.tensor(1)]|[1, 2, 3][T.tensor(1.0)]|len(T.tensor(1.0))|list(T.tensor(1.0))|C.deepcopy(y)
C.deepcopy(g).requires_grad|C.copy(g).data_ptr() == g.data_ptr()|C.copy(y).is_leaf|P.loads(P.dumps(g)).requires_grad
P.loads(P.dumps(x.t())).stride()|P.loads(P.dumps(x.t())).tolist()|x.untyped_storage().nbytes()|x.is_shared()
x[1].untyped_storage().data_ptr() == x.untyped_storage().data_ptr()
T.zeros(2).set_(x)._version|T.zeros(6).resize_(2)._version
T.zeros(2).set_(x.untyped_storage()).tolist()|T.zeros(2).resize_(4).shape|g.resize_(2)|T.zeros(2).set_().shape
T.is_tensor(x)|T.numel(x)|T.numel(3)|T.result_type(x, 1)|T.result_type(T.tensor(1), 2.5)
T.promote_types(T.int8, T.uint8)
T.can_cast(T.float32, T.int64)|T.finfo(T.float32).eps|T.iinfo(T.int8).max|T.set_num_threads(0)|T.device("cuda:1").index
repr(T.device("cpu"))|T.device("cpu") == T.device("cpu", 0)|T.device("cpu:a")|T.set_default_dtype(T.int64)
T.cuda.is_available()|T.cuda.current_device()|T.nn.Parameter(x)|T.nn.Parameter(T.ones(2, dtype=T.int64))
type(T.nn.Parameter(x) + 1).__name__|T.nn.Parameter(x).data_ptr() == x.data_ptr()|T.nn.Parameter(y).is_leaf
P.loads(P.dumps(T.nn.Parameter(x)))|C.deepcopy(T.nn.Parameter(x))|T.autograd.Variable(x, requires_grad=True)
T.autograd.Variable([1])|isinstance(x, T.autograd.Variable)|isinstance(x, T.FloatTensor)|isinstance(x, T.LongTensor)
x.foo|x.imag|x.real is x|T.typename(x)|x.as_subclass(int)
T.Tensor._make_subclass(int, x)""".replace("\n", "|").split("|")


def outcome(library: Any, call: str) -> Any:
    names = {"T": library, "N": np, "C": copy, "P": pickle}
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")
        exec(SETUP, names)
        try:
            found = eval(call, names)
        except Exception as error:
            text = str(error).replace("headgate.core.records.Tensor", "Tensor")
            return type(error), text.splitlines()[0][:40]
    plain = (bool, int, float, str, list, tuple)
    return found if isinstance(found, plain) else repr(found)


@pytest.mark.parametrize("call", CALLS)
def test_as_pytorch(call: str) -> None:
    assert outcome(headgate, call) == outcome(torch, call)


def test_attributes_and_weak_references() -> None:
    x = headgate.ones(2)
    x.note = "mine"
    reference = weakref.ref(x)
    assert copy.deepcopy(x).note == "mine" and pickle.loads(pickle.dumps(x)).note == "mine" and reference() is x
    del x
    assert reference() is None


def test_volatile_only_warns() -> None:
    with pytest.warns(UserWarning, match="no_grad"):
        made = headgate.autograd.Variable(headgate.ones(2), volatile=True)
    assert not made.requires_grad


def test_an_exported_array_is_read_only_in_strict_mode() -> None:
    x = headgate.ones(2, requires_grad=True) * 2
    headgate.set_write_guard("error")
    try:
        assert not x.detach().numpy().flags.writeable and headgate.ones(2).numpy().flags.writeable
    finally:
        headgate.set_write_guard("warn")
    assert x.detach().numpy().flags.writeable


def with_subclass(library: Any) -> list[Any]:
    """What a subclass sees and gives, as text."""
    seen: list[Any] = []

    class Logged(library.Tensor):
        @classmethod
        def __torch_function__(cls, func: Any, types: Any, args: Any = (), kwargs: Any = None) -> Any:
            seen.append((func.__name__, [kind.__name__ for kind in types]))
            return super().__torch_function__(func, types, args, kwargs or {})

    class Plain(library.Tensor):
        pass

    a, b, p = library.ones(2, 3).as_subclass(Logged), library.ones(2, 3), library.ones(2, 3).as_subclass(Plain)
    for call in (
        lambda: a + 1, lambda: b + a, lambda: 1 - a, lambda: a[0], lambda: library.add(b, a), lambda: a.sum(),
        lambda: library.stack([b, a]), lambda: a.T, lambda: a.shape, lambda: a.requires_grad, lambda: len(a),
        lambda: a.add_(1), lambda: p * 2, lambda: p.view(3, 2), lambda: p.detach(), lambda: p.tolist(), lambda: p.data,
        lambda: p.clone(), lambda: Plain([1.0, 2.0]), lambda: repr(Plain([1.0, 2.0])),
        lambda: p.split(1)[0], lambda: library.nn.Parameter(p), lambda: isinstance(library.nn.Parameter(p), Plain),
    ):
        result = call()
        seen.append(result if isinstance(result, (str, bool)) else type(result).__name__)
    return seen


def test_subclasses() -> None:
    try:
        assert with_subclass(headgate) == with_subclass(torch)
    finally:
        headgate.core.entry.overrides(False)


def test_a_subclass_with_constructors_of_its_own() -> None:
    for library in LIBRARIES:

        class Named(library.Tensor):  # type: ignore[name-defined]
            @staticmethod
            def __new__(cls: Any, data: Any, name: str) -> Any:
                return library.Tensor._make_subclass(cls, data)

            def __init__(self, data: Any, name: str) -> None:
                self.label = name

        made = Named(library.ones(2), "n")
        assert (type(made), made.label, made.tolist()) == (Named, "n", [1, 1])
        assert type(made * 2) is Named and not hasattr(made * 2, "label")
    headgate.core.entry.overrides(False)
