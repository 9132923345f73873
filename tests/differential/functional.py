"""The right gradient of a program, found without aliasing: every storage is a pure value, every write makes a new one.

The oracle runs beside it and is asked only for geometry (which elements of which storage a tensor is) and for the
flags by which a user declares a cut (`requires_grad`, `no_grad`). What a tensor holds, and how that came about, is
kept here: one pure vector with history per storage. Reading a tensor gathers from that vector; reading one that
does not require a gradient gives a constant; reading a leaf, or a view of one, gives its current value with the
leaf as its only history.
"""

from __future__ import annotations

import warnings
from dataclasses import dataclass, field
from typing import Any

from expressions import PRELUDE
from statements import Statement, live

TOLERANCE = 1e-8


class Unfollowed(Exception):
    """The program does something that this interpreter does not model; nothing can be said about it."""


@dataclass
class Leaf:
    """A leaf, by identity of the oracle's tensor: the variable of differentiation and where its elements lie."""

    tensor: Any
    variable: Any
    cells: list[int]


@dataclass
class Verdict:
    """What a statement did: whether the oracle raised, and, for a backward pass, whether its gradients are right."""

    raised: bool
    agrees: bool | None = None
    detail: str = ""


@dataclass
class Interpreter:
    """Follows one program on the oracle, statement by statement."""

    torch: Any
    memory: dict[int, Any] = field(default_factory=dict)  # storage address -> pure vector with history
    leaves: list[Leaf] = field(default_factory=list)
    keep: list[Any] = field(default_factory=list)  # oracle storages, so that addresses are not used twice

    def __post_init__(self) -> None:
        self.namespace: dict[str, Any] = {"torch": self.torch}
        exec(PRELUDE, self.namespace)

    def run(self, statement: Statement) -> Verdict:
        """Execute on the oracle and follow; the verdict on a backward pass compares the two gradients."""
        if statement.kind == "other":
            raise Unfollowed(statement.text)
        with warnings.catch_warnings():
            warnings.simplefilter("ignore")
            prepared = self.prepare(statement)
            before = self.gradients()
            try:
                exec(statement.source, self.namespace)
            except Exception:
                return Verdict(raised=True)
            return self.follow(statement, prepared, before)

    def prepare(self, statement: Statement) -> Any:
        """The pure value that a statement makes, from what is in memory before it; None if it cannot be computed."""
        expression = statement.target if statement.kind == "view" else statement.value  # a "view" may turn out a copy
        if not expression:
            return None
        try:
            names = {name: self.read(self.namespace[name], statement.no_grad) for name in live(self.namespace)}
            value = eval(expression, {"torch": self.torch}, names)
        except Exception:
            return None
        return value

    def follow(self, statement: Statement, value: Any, before: dict[int, Any]) -> Verdict:
        if statement.kind == "loss":
            return self.judge(value, before)
        if statement.kind == "new":
            self.adopt(self.namespace[statement.names[0]], value)
        if statement.kind == "view" and len(statement.names) == 1:
            made = self.namespace[statement.names[0]]
            if made.untyped_storage().data_ptr() not in self.memory:
                self.adopt(made, value)
        if statement.kind == "write":
            self.store(statement, value)
        if statement.kind == "rebind":
            self.rebound(self.namespace[statement.names[0]])
        self.verify()
        return Verdict(raised=False)

    def adopt(self, tensor: Any, value: Any) -> None:
        """A fresh storage: its pure vector is the computed value, or, for a constant or leaf, what the oracle holds."""
        storage = tensor.untyped_storage()
        self.keep.append(storage)
        cells = self.cells(tensor)
        if value is None or len(set(cells)) != len(cells):
            raise Unfollowed("a result that the interpreter could not compute")
        vector = self.torch.zeros(storage.nbytes() // 8, dtype=self.torch.float64)
        self.memory[storage.data_ptr()] = put(self.torch, vector, cells, value.detach() if tensor.is_leaf else value)

    def rebound(self, tensor: Any) -> None:
        storage = tensor.untyped_storage()
        if storage.data_ptr() in self.memory:
            return
        self.keep.append(storage)
        whole = self.torch.empty(0, dtype=self.torch.float64).set_(storage)
        self.memory[storage.data_ptr()] = whole.detach().clone()

    def store(self, statement: Statement, value: Any) -> None:
        """A write: the storage's vector with the written elements replaced."""
        with self.torch.no_grad():
            written = eval(statement.target, self.namespace)
        address = written.untyped_storage().data_ptr()
        cells = self.cells(written)
        if value is None or address not in self.memory or len(set(cells)) != len(cells):
            raise Unfollowed("a write that the interpreter could not compute")
        value = value.detach() if statement.no_grad or isinstance(value, float) else value
        self.memory[address] = put(self.torch, self.memory[address], cells, value.expand(written.shape))

    def read(self, tensor: Any, cut: bool = False) -> Any:
        """The pure value of a tensor, with the history that its storage has, or its leaf, or none."""
        address = tensor.untyped_storage().data_ptr()
        if address not in self.memory:
            raise Unfollowed("an unknown storage")
        cells = self.cells(tensor)
        value = self.memory[address][self.torch.tensor(cells, dtype=self.torch.int64)].reshape(tensor.shape)
        if cut or not tensor.requires_grad:
            return value.detach()
        leaf = self.leaf_of(tensor)
        if leaf is None:
            return value
        where = self.torch.tensor([leaf.cells.index(cell) for cell in cells], dtype=self.torch.int64)
        variable = leaf.variable[where].reshape(tensor.shape)
        return value.detach() + (variable - variable.detach())

    def leaf_of(self, tensor: Any) -> Leaf | None:
        """The leaf that a tensor is, or is a view of."""
        root = tensor if tensor.is_leaf else tensor._base
        if root is None or not root.is_leaf or not root.requires_grad:
            return None
        for leaf in self.leaves:
            if leaf.tensor is root:
                if leaf.cells != self.cells(root):
                    raise Unfollowed("a leaf that was rebound")
                return leaf
        if len(set(self.cells(root))) != root.numel():
            raise Unfollowed("a leaf whose elements share memory")
        variable = self.torch.zeros(root.numel(), dtype=self.torch.float64, requires_grad=True)
        self.leaves.append(Leaf(root, variable, self.cells(root)))
        return self.leaves[-1]

    def cells(self, tensor: Any) -> list[int]:
        """Where in its storage each element of a tensor lies, in reading order."""
        if str(tensor.dtype) != "torch.float64":
            raise Unfollowed("another dtype")
        size = tensor.untyped_storage().nbytes() // 8
        numbers = self.torch.arange(size)
        with self.torch.no_grad():
            return numbers.as_strided(tensor.shape, tensor.stride(), tensor.storage_offset()).reshape(-1).tolist()

    def gradients(self) -> dict[int, Any]:
        return {
            number: None if leaf.tensor.grad is None else leaf.tensor.grad.clone()
            for number, leaf in enumerate(self.leaves)
        }

    def judge(self, value: Any, before: dict[int, Any]) -> Verdict:
        """Compare what the oracle added to each leaf's gradient with the pure gradient."""
        if value is None:
            raise Unfollowed("a loss that the interpreter could not compute")
        variables = [leaf.variable for leaf in self.leaves]
        right = [None] * len(variables)
        if variables and value.requires_grad:
            right = self.torch.autograd.grad(value, variables, retain_graph=True, allow_unused=True)
        for number, (leaf, expected) in enumerate(zip(self.leaves, right)):
            old = before.get(number)
            found = leaf.tensor.grad
            added = self.torch.zeros(leaf.variable.shape, dtype=self.torch.float64)
            if found is not None:
                added = (found - old if old is not None else found).detach().reshape(-1)
            wanted = added * 0 if expected is None or not leaf.tensor.requires_grad else expected
            if not self.torch.allclose(
                added, wanted, rtol=TOLERANCE, atol=TOLERANCE * max(1.0, float(wanted.abs().sum()))
            ):
                return Verdict(False, False, f"{added.tolist()} should be {wanted.tolist()}")
        return Verdict(False, True)

    def verify(self) -> None:
        """The pure memory must hold what the oracle holds, or the interpreter itself is wrong."""
        for name in live(self.namespace):
            tensor = self.namespace[name]
            value = self.memory[tensor.untyped_storage().data_ptr()][
                self.torch.tensor(self.cells(tensor), dtype=self.torch.int64)
            ]
            found = tensor.detach().reshape(-1)
            if not self.torch.allclose(found, value.detach(), rtol=1e-9, atol=1e-9):
                raise AssertionError(f"{name} holds {found.tolist()}, the interpreter has {value.tolist()}")


def put(torch: Any, vector: Any, cells: list[int], value: Any) -> Any:
    """The vector with the elements at `cells` replaced, without writing into it."""
    return vector.index_put((torch.tensor(cells, dtype=torch.int64),), value.reshape(-1).to(torch.float64))
