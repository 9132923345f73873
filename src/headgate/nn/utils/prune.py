"""Pruning: parameters multiplied by masks of zeros and ones, which hooks do before every call.

A method says which elements go; a parameter `weight` becomes the parameter `weight_orig` and the buffer `weight_mask`.
Nothing here knows layers.
"""

from __future__ import annotations

import numbers
from abc import ABC, abstractmethod
from collections.abc import Iterable, Iterator
from typing import Any

from headgate.core.entry import PUBLIC
from headgate.core.typed import Tensor
from headgate.nn.utils.convert_parameters import parameters_to_vector


def check_amount(amount: Any) -> None:
    """TypeError or ValueError unless it is a whole number from 0, or a part from 0 to 1."""
    if not isinstance(amount, numbers.Real):
        raise TypeError(f"Invalid type for amount: {amount}. Must be int or float.")
    whole = isinstance(amount, numbers.Integral)
    if whole and amount < 0 or not whole and not 0 <= float(amount) <= 1:
        raise ValueError(f"amount={amount} should either be a float in the range [0, 1] or a non-negative integer")


def count_of(amount: Any, size: int) -> int:
    """How many of `size` go. ValueError for more than there are."""
    if not isinstance(amount, numbers.Integral):
        return round(amount * size)
    if int(amount) > size:
        raise ValueError(f"amount={amount} should be smaller than the number of parameters to prune={size}")
    return int(amount)


def check_channels(t: Any, dim: int) -> None:
    """ValueError for a tensor without channels, IndexError for a dim that it lacks."""
    if t.ndim <= 1:
        raise ValueError("Structured pruning can only be applied to multidimensional tensors. Found tensor of shape "
                         f"{t.shape} with {t.ndim} dims")
    if dim >= t.ndim:
        raise IndexError(f"Invalid index {dim} for tensor of size {t.shape}")


def rows_mask(t: Any, dim: int, kept: Any) -> Any:
    """Zeros, and ones at the channels `kept` (numbers, or truth values) of a dim."""
    mask = PUBLIC["zeros_like"](t)
    place: list[Any] = [slice(None)] * t.ndim
    place[dim] = kept
    mask[tuple(place)] = 1
    return mask


class BasePruningMethod(ABC):
    """What all methods do; one of your own gives `compute_mask`, and says by PRUNING_TYPE what it looks at."""

    PRUNING_TYPE: str
    _tensor_name: str

    def __call__(self, module: Any, inputs: Any) -> None:
        setattr(module, self._tensor_name, self.apply_mask(module))

    @abstractmethod
    def compute_mask(self, t: Any, default_mask: Any) -> Any:
        """The mask for scores of a tensor that has been pruned by `default_mask` so far."""

    def apply_mask(self, module: Any) -> Tensor:
        """The parameter times its mask."""
        if self._tensor_name is None:
            raise AssertionError(f"Module {module} has to be pruned")
        mask, whole = (getattr(module, self._tensor_name + end) for end in ("_mask", "_orig"))
        return mask.to(dtype=whole.dtype) * whole  # type: ignore[no-any-return]

    @classmethod
    def apply(cls, module: Any, name: str, *args: Any, importance_scores: Any = None, **kwargs: Any) -> Any:
        """Prune a parameter, further if it has been pruned before; the method, or the container of all so far.

        Elements go by `importance_scores`, by default the parameter's own values. AssertionError for scores of another
        shape.
        """
        method: Any = cls(*args, **kwargs)
        method._tensor_name = name
        before = earlier(module, name)
        if before is not None:
            container = before if isinstance(before, PruningContainer) else PruningContainer(before)
            container.add_pruning_method(method)
            method = container
        whole = getattr(module, name)
        scores = whole if importance_scores is None else importance_scores
        if scores.shape != whole.shape:
            raise AssertionError("importance_scores should have the same shape as parameter "
                                 f"{name} of {module}")
        if before is None:
            module.register_parameter(name + "_orig", whole)
            del module._parameters[name]
            mask = PUBLIC["ones_like"](whole).detach()
        else:
            mask = getattr(module, name + "_mask").detach().clone()
        try:
            module.register_buffer(name + "_mask", method.compute_mask(scores, default_mask=mask))
            setattr(module, name, method.apply_mask(module))
            module.register_forward_pre_hook(method)
        except Exception:
            if before is None:
                module.register_parameter(name, module._parameters.pop(name + "_orig"))
            raise
        return method

    def prune(self, t: Any, default_mask: Any = None, importance_scores: Any = None) -> Tensor:
        """A tensor times the mask that the method makes for it. AssertionError for scores of another shape."""
        scores = t if importance_scores is None else importance_scores
        if scores.shape != t.shape:
            raise AssertionError("importance_scores should have the same shape as tensor t")
        mask = PUBLIC["ones_like"](t) if default_mask is None else default_mask
        return t * self.compute_mask(scores, default_mask=mask)  # type: ignore[no-any-return]

    def remove(self, module: Any) -> None:
        """Make the pruned values the parameter itself."""
        if self._tensor_name is None:
            raise AssertionError(f"Module {module} has to be pruned before pruning can be removed")
        name, weight = self._tensor_name, self.apply_mask(module)
        if hasattr(module, name):
            delattr(module, name)
        whole = module._parameters.pop(name + "_orig")
        whole.data = weight.data
        del module._buffers[name + "_mask"]
        setattr(module, name, whole)


def earlier(module: Any, name: str) -> Any:
    """The method by which a parameter has been pruned so far, taken from the module; None for one that has not."""
    found = [number for number, hook in module._forward_pre_hooks.items()
             if isinstance(hook, BasePruningMethod) and hook._tensor_name == name]
    if len(found) > 1:
        raise AssertionError(f"Avoid adding multiple pruning hooks to the same tensor {name} of module {module}. Use a "
                             "PruningContainer.")
    return module._forward_pre_hooks.pop(found[0]) if found else None


class PruningContainer(BasePruningMethod):
    """Several methods for one parameter: each looks at what those before it left."""

    def __init__(self, *args: Any) -> None:
        self._pruning_methods: tuple[Any, ...] = ()
        if not isinstance(args, Iterable) or len(args) == 0:
            return
        self._tensor_name = args[0]._tensor_name
        for method in args:
            self.add_pruning_method(method)

    def add_pruning_method(self, method: Any) -> None:
        """Put a further method for the same parameter at the end."""
        if not isinstance(method, BasePruningMethod) and method is not None:
            raise TypeError(f"{type(method)} is not a BasePruningMethod subclass")
        if method is not None and self._tensor_name != method._tensor_name:
            raise ValueError("Can only add pruning methods acting on the parameter named "
                             f"'{self._tensor_name}' to PruningContainer {self}. Found '{method._tensor_name}'")
        self._pruning_methods += (method,)

    def __len__(self) -> int:
        return len(self._pruning_methods)

    def __iter__(self) -> Iterator[Any]:
        return iter(self._pruning_methods)

    def __getitem__(self, idx: int) -> Any:
        return self._pruning_methods[idx]

    def compute_mask(self, t: Any, default_mask: Any) -> Any:
        """The mask so far with that of the last method put in where something was left to prune."""
        method, mask = self._pruning_methods[-1], default_mask.to(dtype=t.dtype)
        if method.PRUNING_TYPE == "unstructured":
            place: Any = mask == 1
        elif method.PRUNING_TYPE == "structured":
            dim = method.dim + t.ndim if method.dim < 0 else method.dim
            if dim >= t.ndim:
                raise IndexError(f"Index is out of bounds for tensor with dimensions {t.ndim}")
            kept = mask.sum(dim=[one for one in range(t.ndim) if one != dim]) != 0
            place = tuple(kept if one == dim else slice(None) for one in range(t.ndim))
        elif method.PRUNING_TYPE == "global":
            place = (slice(None),) * t.ndim
        else:
            raise ValueError(f"Unrecognized PRUNING_TYPE {method.PRUNING_TYPE}")
        found = mask.clone()
        found[place] = method.compute_mask(t[place], default_mask=mask[place]).to(found.dtype)
        return found


class Identity(BasePruningMethod):
    """Nothing goes: a mask of ones."""

    PRUNING_TYPE = "unstructured"

    def compute_mask(self, t: Any, default_mask: Any) -> Any:
        """The mask as it is."""
        return default_mask


class SingleElements(BasePruningMethod):
    """Methods that take single elements. amount: how many, or which part."""

    PRUNING_TYPE = "unstructured"

    def __init__(self, amount: float) -> None:
        check_amount(amount)
        self.amount = amount


class RandomUnstructured(SingleElements):
    """Elements go at random. amount: how many, or which part."""

    def compute_mask(self, t: Any, default_mask: Any) -> Any:
        """The mask without as many elements more."""
        return without(default_mask, t, self.amount, lambda: PUBLIC["rand_like"](t), True)


class L1Unstructured(SingleElements):
    """The elements that are nearest to zero go. amount: how many, or which part."""

    def compute_mask(self, t: Any, default_mask: Any) -> Any:
        """The mask without as many elements more."""
        return without(default_mask, t, self.amount, t.abs, False)


def without(mask: Any, t: Any, amount: Any, scores: Any, largest: bool) -> Any:
    """A copy of a mask with zeros at the elements whose scores are largest, or smallest."""
    count, mask = count_of(amount, t.nelement()), mask.clone().contiguous()
    if count:
        mask.view(-1)[PUBLIC["topk"](scores().reshape(-1), k=count, largest=largest).indices] = 0
    return mask


class RandomStructured(BasePruningMethod):
    """Whole channels of a dim go at random. amount: how many, or which part."""

    PRUNING_TYPE = "structured"

    def __init__(self, amount: float, dim: int = -1) -> None:
        check_amount(amount)
        self.amount, self.dim = amount, dim

    def compute_mask(self, t: Any, default_mask: Any) -> Any:
        """The mask without as many channels more."""
        check_channels(t, self.dim)
        size = t.shape[self.dim]
        count = count_of(self.amount, size)
        if count == 0:
            return default_mask
        chances = PUBLIC["rand"](size)
        kept = chances > PUBLIC["kthvalue"](chances, k=count).values
        return rows_mask(t, self.dim, kept) * default_mask.to(dtype=t.dtype)


class LnStructured(BasePruningMethod):
    """The channels of a dim with the smallest n-norms go. amount: how many, or which part."""

    PRUNING_TYPE = "structured"

    def __init__(self, amount: float, n: Any, dim: int = -1) -> None:
        check_amount(amount)
        self.amount, self.n, self.dim = amount, n, dim

    def compute_mask(self, t: Any, default_mask: Any) -> Any:
        """The mask without as many channels more."""
        check_channels(t, self.dim)
        size = t.shape[self.dim]
        count = count_of(self.amount, size)
        if count == 0:
            return default_mask
        others = [one for one in range(t.ndim) if one != self.dim % t.ndim]
        norms = PUBLIC["norm"](t, p=self.n, dim=others)
        kept = PUBLIC["topk"](norms, k=size - count, largest=True).indices
        return rows_mask(t, self.dim, kept) * default_mask.to(dtype=t.dtype)


class CustomFromMask(BasePruningMethod):
    """The elements go where a given mask has zeros."""

    PRUNING_TYPE = "global"

    def __init__(self, mask: Any) -> None:
        self.mask = mask

    def compute_mask(self, t: Any, default_mask: Any) -> Any:
        """Both masks together. AssertionError for one of another shape."""
        if default_mask.shape != self.mask.shape:
            raise AssertionError(f"default_mask.shape={default_mask.shape} must match self.mask.shape="
                                 f"{self.mask.shape}")
        return default_mask * self.mask.to(dtype=default_mask.dtype)


def identity(module: Any, name: str) -> Any:
    """Give a parameter a mask of ones; the module."""
    Identity.apply(module, name)
    return module


def random_unstructured(module: Any, name: str, amount: float) -> Any:
    """Prune elements of a parameter at random; the module."""
    RandomUnstructured.apply(module, name, amount)
    return module


def l1_unstructured(module: Any, name: str, amount: float, importance_scores: Any = None) -> Any:
    """Prune the elements of a parameter nearest to zero (or of the smallest scores); the module."""
    L1Unstructured.apply(module, name, amount=amount, importance_scores=importance_scores)
    return module


def random_structured(module: Any, name: str, amount: float, dim: int) -> Any:
    """Prune channels of a parameter at random; the module."""
    RandomStructured.apply(module, name, amount, dim)
    return module


def ln_structured(module: Any, name: str, amount: float, n: Any, dim: int, importance_scores: Any = None) -> Any:
    """Prune the channels of a parameter with the smallest n-norms; the module."""
    LnStructured.apply(module, name, amount, n, dim, importance_scores=importance_scores)
    return module


def custom_from_mask(module: Any, name: str, mask: Any) -> Any:
    """Prune a parameter where a mask has zeros; the module."""
    CustomFromMask.apply(module, name, mask)
    return module


def global_unstructured(parameters: Any, pruning_method: Any, importance_scores: Any = None, **kwargs: Any) -> None:
    """Prune several parameters, pairs (module, name), as if they were one: a method that looks at single elements.

    importance_scores: scores by such pairs. TypeError for other methods and arguments.
    """
    if not isinstance(parameters, Iterable):
        raise TypeError("global_unstructured(): parameters is not an Iterable")
    scores = {} if importance_scores is None else importance_scores
    if not isinstance(scores, dict):
        raise TypeError("global_unstructured(): importance_scores must be of type dict")
    pairs = list(parameters)
    weights = parameters_to_vector([scores.get(pair, getattr(*pair)) for pair in pairs])
    masks = parameters_to_vector([getattr(module, name + "_mask", PUBLIC["ones_like"](getattr(module, name)))
                                  for module, name in pairs])
    method = pruning_method(**kwargs)
    method._tensor_name = "temp"
    if method.PRUNING_TYPE != "unstructured":
        raise TypeError('Only "unstructured" PRUNING_TYPE supported for the `pruning_method`. Found method '
                        f"{pruning_method} of type {method.PRUNING_TYPE}")
    container = PruningContainer()
    container._tensor_name = "temp"
    container.add_pruning_method(method)
    mask, start = container.compute_mask(weights, masks), 0
    for module, name in pairs:
        weight = getattr(module, name)
        custom_from_mask(module, name, mask=mask[start:start + weight.numel()].view_as(weight))
        start += weight.numel()


def remove(module: Any, name: str) -> Any:
    """Make a pruned parameter's values its own and take the mask away; the module. ValueError if it is not pruned."""
    for number, hook in list(module._forward_pre_hooks.items()):
        if isinstance(hook, BasePruningMethod) and hook._tensor_name == name:
            hook.remove(module)
            del module._forward_pre_hooks[number]
            return module
    raise ValueError(f"Parameter '{name}' of module {module} has to be pruned before pruning can be removed")


def is_pruned(module: Any) -> bool:
    """Whether a parameter of the module, or of one inside it, is pruned."""
    return any(isinstance(hook, BasePruningMethod) for one in module.modules()
               for hook in one._forward_pre_hooks.values())
