"""Random straight-line programs: what a statement is, and how one is drawn while the oracle runs beside it.

The generator looks at the oracle's live tensors so that most statements succeed. It knows nothing of the library.
"""

from __future__ import annotations

import math
import random
from collections.abc import Callable
from dataclasses import dataclass
from typing import Any

from expressions import BINARY, PRELUDE, REDUCE, ROUGH, ROUGH_BINARY, ROUGH_REDUCE, UNARY, views_of
from rarer import Rarer, settled

SHAPES = ((), (1,), (3,), (2, 3), (3, 2), (1, 3), (2, 1), (2, 2), (2, 1, 3))
LARGEST = 1e4  # a program ends once a live value leaves this range: rounding would drown the comparison


@dataclass(frozen=True)
class Statement:
    """One line. For the functional interpreter: what is written (`target`), with what (`value`), or what is made.

    kind: "new" (name = value), "view" (names are views of target), "write" (target gets value), "cut" (flags only),
    "loss" (a backward pass from `value`), "other" (the functional interpreter cannot follow it).
    """

    text: str
    kind: str
    names: tuple[str, ...] = ()
    target: str = ""
    value: str = ""
    no_grad: bool = False

    @property
    def source(self) -> str:
        return f"with torch.no_grad(): {self.text}" if self.no_grad else self.text


def live(namespace: dict[str, Any]) -> list[str]:
    """The names of the tensors of a run, in order of creation."""
    names = (name for name in namespace if name[0] == "t" and name[1:].isdigit())
    return sorted((n for n in names if hasattr(type(namespace[n]), "requires_grad_")), key=lambda name: int(name[1:]))


CONSTANTS = ("0.75", "1.25", "-0.5", "2")


class Generator(Rarer):
    """Draws statements, running each on the oracle. `smooth`: only what the functional interpreter follows."""

    def __init__(self, seed: int, oracle: Any, smooth: bool) -> None:
        self.random, self.smooth, self.count, self.hooks = random.Random(seed), smooth, 0, 0
        # A value saved before its tensor was rebound is read anew by PyTorch; by Headgate only while the tensor lives.
        self.rebound: set[str] = set()
        # Leaves that a multi-grad hook waits for: PyTorch forgets the one from which alone a pass starts.
        self.awaited: set[str] = set()
        self.namespace: dict[str, Any] = {"torch": oracle}
        self.single = not smooth and self.random.random() < 0.3
        exec(PRELUDE, self.namespace)

    def pick(self, items: Any) -> Any:
        return self.random.choice(items)

    def name(self) -> str:
        self.count += 1
        return f"t{self.count - 1}"

    def chance(self, probability: float) -> bool:
        return self.random.random() < probability

    def any_tensor(self, wanted: Callable[[Any], bool] = lambda tensor: True) -> str | None:
        """A live tensor, later ones more often; one that fulfils `wanted`, nearly always."""
        names = live(self.namespace)
        fitting = [name for name in names if holds(self.namespace[name], wanted)]
        if not fitting:
            return None
        return fitting[-1 - int(len(fitting) * self.random.random() ** 1.5)]

    def partner(self, name: str) -> str:
        """A tensor that broadcasts with the named one, mostly."""
        shape = tuple(self.namespace[name].shape)
        if self.chance(0.05) and not self.smooth:
            return self.any_tensor() or name
        return self.any_tensor(lambda tensor: broadcasts(shape, tuple(tensor.shape))) or name

    def fitting_value(self, target: Any) -> str:
        """A number, or a tensor that can be written into the target, as an expression."""
        if self.chance(0.4):
            return self.pick(CONSTANTS)
        shape = tuple(target.shape)
        name = self.any_tensor(lambda tensor: fits(tuple(tensor.shape), shape) and settled(tensor, target))
        return name or self.pick(CONSTANTS)

    def draw(self) -> Statement | None:
        """The next statement, not yet run."""
        if self.count < 3:
            return self.create(requires_grad=self.count == 0)
        kinds = KINDS if not self.smooth else SMOOTH_KINDS
        (kind,) = self.random.choices([kind for kind, _ in kinds], [weight for _, weight in kinds])
        statement: Statement | None = getattr(self, kind)()
        if not self.smooth and statement is not None and statement.text[:4] != "del " and self.chance(0.03):
            return self.within(statement)
        if statement is not None and statement.kind in ("new", "view", "write") and self.chance(0.1):
            return Statement(statement.text, statement.kind, statement.names, statement.target, statement.value, True)
        return statement

    def new(self, value: str) -> Statement:
        name = self.name()
        return Statement(f"{name} = {value}", "new", (name,), value=value)

    def statement(self, text: str) -> Statement:
        return Statement(text, "other")

    def create(self, requires_grad: bool | None = None) -> Statement:
        shape = self.pick(SHAPES)
        numbers = nested(shape, iter([round(self.random.uniform(-1.5, 1.5), 2) for _ in range(math.prod(shape))]))
        dtype = "float32" if self.single and self.chance(0.7) else "float64"
        wanted = self.chance(0.5) if requires_grad is None else requires_grad
        tail = ", requires_grad=True" if wanted else ""
        return self.new(f"torch.tensor({numbers}, dtype=torch.{dtype}{tail})")

    def unary(self) -> Statement | None:
        a = self.any_tensor()
        return a and self.new(self.pick(UNARY if self.smooth or self.chance(0.6) else ROUGH).format(a=a))

    def binary(self) -> Statement | None:
        a = self.any_tensor()
        table = BINARY if self.smooth or self.chance(0.6) else ROUGH_BINARY
        return a and self.new(self.pick(table).format(a=a, b=self.partner(a)))

    def reduction(self) -> Statement | None:
        a = self.any_tensor(lambda tensor: tensor.dim() > 0)
        return a and self.new(self.pick(REDUCE if self.smooth or self.chance(0.6) else ROUGH_REDUCE).format(a=a))

    def combine(self) -> Statement | None:
        a = self.any_tensor(lambda tensor: tensor.dim() > 0)
        if a is None:
            return None
        shape = tuple(self.namespace[a].shape)
        b = self.any_tensor(lambda tensor: tuple(tensor.shape) == shape) or a
        table = [
            "torch.cat([{a}, {b}])",
            "torch.stack([{a}, {b}], 0)",
            "{a}[torch.tensor([0, 0])]",
            "{a}.index_select(0, torch.tensor([0, -1 % {a}.shape[0]]))",
            "torch.cat([{a}, {b}, {a}], -1)",
            "{a}[{a} > 0]",
            "{a}.gather(0, torch.zeros_like({a}, dtype=torch.int64))",
            "{a}.index_add(0, torch.tensor([0]), {b}[0:1])",
            "torch.einsum('...i,...i->...', {a}, {b})",
            "{a}.repeat(2, *[1] * ({a}.dim() - 1))",
            "{a}.sort(-1)[0]",
            "{a}.topk(1, -1)[0]",
        ]
        return self.new(self.pick(table).format(a=a, b=b))

    def product(self) -> Statement | None:
        a = self.any_tensor(lambda tensor: tensor.dim() == 2)
        if a is None:
            return None
        inner = self.namespace[a].shape[1]
        b = self.any_tensor(lambda tensor: tensor.dim() in (1, 2) and tensor.shape[0] == inner)
        if b is None or str(self.namespace[a].dtype) != str(self.namespace[b].dtype):
            return self.new(f"{a} @ {a}.t()")
        return self.new(f"{a} @ {b}")

    def view(self) -> Statement | None:
        a = self.any_tensor()
        if a is None:
            return None
        expression = self.pick(views_of(tuple(self.namespace[a].shape))).format(a=a)
        name = self.name()
        return Statement(f"{name} = {expression}", "view", (name,), target=expression)

    def pieces(self) -> Statement | None:
        a = self.any_tensor(lambda tensor: tensor.dim() > 0 and tensor.shape[0] in (2, 3))
        if a is None:
            return None
        one, two = self.name(), self.name()
        expression = self.pick((f"{a}.chunk(2)", f"{a}.unbind(0)[:2]", f"{a}.split([1, {a}.shape[0] - 1])"))
        return Statement(f"{one}, {two} = {expression}", "view", (one, two), target=expression)

    def write(self) -> Statement | None:
        a = self.any_tensor(writable if not self.chance(0.1) else lambda tensor: True)
        if a is None:
            return None
        target = self.pick((a, a, a, f"{a}.detach()", f"{a}.data")) if self.chance(0.5) else a
        return self.write_to(target, tuple(self.namespace[a].shape))

    def write_to(self, target: str, shape: tuple[int, ...]) -> Statement:
        other = self.fitting_value(self.namespace[target.split(".")[0]])
        forms = [
            (f"{target}.add_({other})", f"{target} + {other}"),
            (f"{target}.mul_({other})", f"{target} * {other}"),
            (f"{target}.sub_({other})", f"{target} - {other}"),
            (f"{target}.fill_(0.75)", f"torch.full_like({target}, 0.75)"),
            (f"{target}.sin_()", f"{target}.sin()"),
            (f"{target}.tanh_()", f"{target}.tanh()"),
            (f"{target}.exp_()", f"{target}.exp()"),
            (f"{target}.sigmoid_()", f"{target}.sigmoid()"),
            (f"{target}.div_(2)", f"{target} / 2"),
            (f"{target}.neg_()", f"-{target}"),
        ]
        if other[0] == "t":
            forms.append((f"{target}.copy_({other})", f"{other}.expand({target}.shape)"))
        rough = [
            f"{target}.zero_()",
            f"{target}.relu_()",
            f"{target}.clamp_(-0.5, 0.5)",
            f"{target}.masked_fill_({target} > 0.01, 0.5)",
            f"{target}.pow_(2)",
            f"{target}.addcmul_({target}, {target})",
            f"{target}.abs_()",
            f"{target}.cos_()",
            f"{target}.index_fill_(0, torch.tensor([0]), 0.5)",
            f"{target}.index_add_(0, torch.tensor([0]), {target}[0:1])",
            f"{target}.square_()",
            f"{target}.atan_()",
            f"{target}.cumsum_(0)",
            f"{target}.requires_grad_()",
            f"{target}.div_(2 + {target} ** 2)",
            f"{target}.lerp_({target} * 2, 0.5)",
        ]
        if not self.smooth and self.chance(0.35):
            if self.namespace[target.split(".")[0]]._is_view() and self.chance(0.7):  # as in `toggle`
                rough = [form for form in rough if "requires_grad_" not in form]
            if shape[:1] == (0,):  # PyTorch fails inside itself instead of refusing the index
                rough = [form for form in rough if "index_fill_" not in form]
            return Statement(self.pick(rough), "other")
        text, value = self.pick(forms)
        return Statement(text, "write", target=target, value=value)

    def augmented(self) -> Statement | None:
        a = self.any_tensor(writable)
        if a is None:
            return None
        sign = self.pick("+-*")
        other = self.fitting_value(self.namespace[a])
        return Statement(f"{a} {sign}= {other}", "write", target=a, value=f"{a} {sign} {other}")

    def set_item(self) -> Statement | None:
        a = self.any_tensor(lambda tensor: tensor.dim() > 0 and tensor.numel() > 0)
        if a is None:
            return None
        where = self.pick(("0", "0:1", "-1", "...", "1:", "..., 0"))
        base = self.pick((a, a, a, f"{a}.detach()", f"{a}.data"))
        if not self.smooth and self.chance(0.25):
            where = self.pick((f"{a} > 0", "torch.tensor([0])", "torch.tensor([0, 0])", "[0]"))
            return Statement(f"{base}[{where}] = {self.pick(CONSTANTS)}", "other")
        try:
            part = eval(f"{a}[{where}]", self.namespace)
        except (IndexError, RuntimeError):
            return None
        other = self.fitting_value(part)
        value = (
            f"{other}.expand({base}[{where}].shape)"
            if other[0] == "t"
            else f"torch.full_like({base}[{where}], {other})"
        )
        return Statement(f"{base}[{where}] = {other}", "write", target=f"{base}[{where}]", value=value)

    def cut(self) -> Statement | None:
        a = self.any_tensor()
        if a is None:
            return None
        name = self.name()
        form = self.pick(("{a}.detach()", "{a}.detach()", "{a}.data", "{a}.detach().requires_grad_()"))
        expression = form.format(a=a)
        return Statement(f"{name} = {expression}", "view", (name,), target=expression)

    def cut_in_place(self) -> Statement | None:
        a = self.any_tensor(lambda tensor: not tensor._is_view()) if self.smooth else self.any_tensor()
        return a and Statement(f"{a}.detach_()", "cut")

    def toggle(self) -> Statement | None:
        a = self.any_tensor(lambda tensor: tensor.is_leaf) if self.chance(0.85) else self.any_tensor()
        if a is not None and self.namespace[a]._is_view() and self.chance(0.7):
            return None  # seldom: PyTorch aborts in a pass to a leaf that is a view of a base that it was written to
        flag = self.pick((True, False))
        return a and Statement(self.pick((f"{a}.requires_grad_({flag})", f"{a}.requires_grad = {flag}")), "cut")

    def rebind(self) -> Statement | None:
        a = self.any_tensor()
        if a is None:
            return None
        shape = tuple(self.namespace[a].shape)
        # One shape and type: what gradients PyTorch wants after others depends on which nodes of before still live.
        dtype = self.namespace[a].dtype
        b = self.any_tensor(lambda tensor: tuple(tensor.shape) == shape and tensor.dtype == dtype)
        self.rebound.add(a)
        value = self.pick((f"{b}", f"{b}.data", f"{b}.clone()", f"{b}.detach() * 2", f"torch.full_like({a}, 0.5)"))
        return b and Statement(f"{a}.data = {value}", "rebind", (a,), target=value)

    def delete(self) -> Statement | None:
        names = [name for name in live(self.namespace) if name not in self.rebound]
        return Statement(f"del {self.pick(names)}", "cut") if len(names) > 4 else None

    def rename(self) -> Statement | None:
        a = self.any_tensor()
        return (
            None
            if a in self.rebound
            else a and Statement(f"{a} = {self.pick(UNARY).format(a=a)}", "new", (a,), value="")
        )

    def hook(self) -> Statement | None:
        a = self.any_tensor(lambda tensor: tensor.requires_grad) if self.chance(0.95) else self.any_tensor()
        tag = self.hooks = self.hooks + 1
        # Documented: PyTorch calls tensor hooks that no gradient reached.
        forms: tuple[str, ...] = (
            f"{{a}}.register_hook(lambda g: None if g is None else log.append(({tag}, values(g))))",
            "{a}.register_hook(lambda g: None if g is None else g * 2)",
            "{a}.retain_grad()",
            "{a}.register_post_accumulate_grad_hook(lambda p: log.append(p.grad is None or values(p.grad)))",
            f"{{a}}.grad_fn.register_hook(lambda i, o, n={{a}}.grad_fn: log.append(({tag}, wanted(i, n), listed(o))))",
            f"{{a}}.grad_fn.register_prehook(lambda o: log.append(({tag}, listed(o))))",
        )
        if a is not None and self.namespace[a]._is_view() and self.chance(0.7):
            # PyTorch may crash on views whose base was written, unless somebody looked at them since.
            forms = (*(f"{{a}}.grad_fn, {form}" for form in forms[:2]), *forms[2:-1])
        return a and Statement(self.pick(forms).format(a=a), "other")

    def loss(self) -> Statement | None:
        a = self.any_tensor(lambda tensor: tensor.requires_grad and not tensor.is_leaf)
        if self.chance(0.05) or a is None:
            a = self.any_tensor()
        if a is None:
            return None
        options = self.pick(("", "retain_graph=True", "retain_graph=True"))
        if self.smooth:
            return Statement(f"{a}.sum().backward({options})", "loss", value=f"{a}.sum()")
        options = self.pick((options, options, "create_graph=True"))
        forms = (
            f"{a}.sum().backward({options})",
            f"({a} * {a}).sum().backward({options})",
            f"{a}.backward(torch.ones_like({a}){', ' + options if options else ''})",
            f"{a}.backward()",
            f"{a}.mean().backward({options})",
        )
        form = self.pick(forms)
        return Statement(forms[0] if a in self.awaited and form.startswith(f"{a}.backward(") else form, "other")

    def grad(self) -> Statement | None:
        a = self.any_tensor(lambda tensor: tensor.requires_grad and not tensor.is_leaf) or self.any_tensor()
        b = self.any_tensor(lambda tensor: tensor.requires_grad) or a
        options = self.pick(
            ("", ", create_graph=True", ", create_graph=True", ", retain_graph=True", ", allow_unused=True")
        )
        # In one layout: a gradient's own is an affair of its formula.
        copy = "clone(memory_format=torch.contiguous_format)"
        return a and self.new(f"torch.autograd.grad({a}.sum(), [{b}]{options})[0].{copy}")

    def gradient_use(self) -> Statement | None:
        a = self.any_tensor(lambda tensor: tensor.is_leaf and tensor.grad is not None)
        if a is None:
            return None
        form = self.pick(
            (
                "{a}.grad = None",
                "{a}.grad.zero_()",
                "{n} = {a}.grad.clone()",
                "{a}.grad.mul_(0.5)",
                "{a}.grad.detach_()",
                "{a}.grad = torch.ones_like({a})",
            )
        )
        if self.smooth:
            return Statement(f"{a}.grad = None", "cut")
        name = self.name() if "{n}" in form else ""
        return Statement(form.format(a=a, n=name), "other", (name,) if name else ())

    def step(self) -> Statement | None:
        a = self.any_tensor(lambda tensor: tensor.is_leaf and tensor.grad is not None)
        return a and Statement(f"{a}.sub_({a}.grad, alpha=0.1)", "other", no_grad=True)

    def out_form(self) -> Statement | None:
        b = self.any_tensor()
        source = b and self.namespace[b]  # of this shape: a resized leaf leaves PyTorch's own graph in disorder
        a = b and self.any_tensor(lambda tensor: tensor.shape == source.shape and settled(source, tensor))
        return a and Statement(
            self.pick((f"torch.add({b}, 1, out={a})", f"torch.mul({b}, {b}, out={a})")),
            "other",
            no_grad=self.chance(0.5),
        )

    def custom(self) -> Statement | None:
        """One of the Functions of the prelude."""
        a = self.any_tensor(writable)
        if a is None:
            return None
        shape = tuple(self.namespace[a].shape)
        b = self.any_tensor(lambda tensor: tuple(tensor.shape) == shape) or a
        form = self.pick(
            ("Square.apply({a})", "Scale.apply({a})", "Pair.apply({a}, {b})[0]", "Pair.apply({b}, {a})[1]")
        )
        return self.new(form.format(a=a, b=b))

    def metadata(self) -> Statement | None:
        # Of one without hooks: PyTorch leaves them at the node of before, and hangs further ones there.
        a = self.any_tensor(lambda tensor: not tensor._backward_hooks and not tensor.retains_grad)
        forms = ("{a}.t_()", "{a}.unsqueeze_(0)", "{a}.squeeze_()", "{a}.transpose_(0, -1)")
        return a and Statement(self.pick(forms).format(a=a), "other")


KINDS = (
    ("create", 2),
    ("unary", 9),
    ("binary", 9),
    ("reduction", 4),
    ("combine", 4),
    ("product", 2),
    ("view", 9),
    ("pieces", 2),
    ("write", 9),
    ("augmented", 2),
    ("set_item", 5),
    ("cut", 4),
    ("cut_in_place", 2),
    ("toggle", 2),
    ("rebind", 2),
    ("delete", 2),
    ("rename", 2),
    ("hook", 3),
    ("loss", 5),
    ("grad", 3),
    ("gradient_use", 2),
    ("step", 1),
    ("out_form", 1),
    ("metadata", 1),
    ("custom", 3),
    ("raising_hook", 1),
    ("many_hook", 1),
    ("chosen_pass", 2),
    ("rarer_custom", 2),
)
SMOOTH_KINDS = (
    ("create", 2),
    ("unary", 9),
    ("binary", 9),
    ("reduction", 2),
    ("view", 9),
    ("write", 9),
    ("augmented", 2),
    ("set_item", 4),
    ("cut", 5),
    ("cut_in_place", 1),
    ("toggle", 1),
    ("rebind", 1),
    ("delete", 1),
    ("loss", 6),
    ("gradient_use", 1),
)


def holds(tensor: Any, wanted: Callable[[Any], bool]) -> bool:
    """Whether a floating tensor fulfils `wanted`; one whose history cannot be read any more fulfils everything."""
    try:
        return tensor.is_floating_point() and wanted(tensor)
    except RuntimeError:
        return True


def broadcasts(one: tuple[int, ...], two: tuple[int, ...]) -> bool:
    return all(a == b or 1 in (a, b) for a, b in zip(reversed(one), reversed(two)))


def fits(source: tuple[int, ...], target: tuple[int, ...]) -> bool:
    """Whether the source broadcasts to exactly the target."""
    return len(source) <= len(target) and all(a in (1, b) for a, b in zip(reversed(source), reversed(target)))


def nested(shape: tuple[int, ...], numbers: Any) -> Any:
    """A nested list of this shape, filled from an iterator."""
    return next(numbers) if not shape else [nested(shape[1:], numbers) for _ in range(shape[0])]


def writable(tensor: Any) -> bool:
    """A write in place will probably be allowed."""
    leafy = tensor.requires_grad and (tensor.is_leaf or (tensor._base is not None and tensor._base.is_leaf))
    return not leafy
