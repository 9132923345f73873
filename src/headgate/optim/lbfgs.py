"""L-BFGS: quasi-Newton steps from a short memory of gradients. It must not know the other optimizers."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

from headgate.autograd.grad_mode import enable_grad, no_grad
from headgate.core.entry import PUBLIC
from headgate.optim.line_search import Point, StrongWolfe
from headgate.optim.optimizer import Optimizer, is_tensor
from headgate.optim.stepping import check_rate, plain_number

MEMORY = ("d", "t", "old_dirs", "old_stps", "ro", "H_diag", "prev_flat_grad", "prev_loss")


def _value(loss: Any) -> float:
    """A loss as a number."""
    return float(loss.detach() if is_tensor(loss) else loss)


class LBFGS(Optimizer):
    """Limited-memory BFGS; `step(closure)` runs up to `max_iter` iterations, calling `closure` for loss and gradients.

    The direction is -H g with H from the last `history_size` pairs of steps and gradient differences (two-loop
    recursion); the step length `lr`, or with line_search_fn="strong_wolfe" one that satisfies the strong Wolfe
    conditions. Stops when the largest gradient is below `tolerance_grad` or step and loss change by less than
    `tolerance_change`, or after `max_eval` evaluations (1.25 max_iter by default). One parameter group only.

    ValueError for several groups or a negative rate; RuntimeError for another line search. Its sums are Headgate's, so
    it follows PyTorch within rounding, not bit for bit. Source: Liu & Nocedal, 1989.
    """

    def __init__(
        self, params: Any, lr: Any = 1, max_iter: int = 20, max_eval: int | None = None, tolerance_grad: float = 1e-7,
        tolerance_change: float = 1e-9, history_size: int = 100, line_search_fn: str | None = None,
    ) -> None:  # fmt: skip
        check_rate(lr)
        if max_eval is None:
            max_eval = max_iter * 5 // 4
        defaults = {
            "lr": lr, "max_iter": max_iter, "max_eval": max_eval, "tolerance_grad": tolerance_grad,
            "tolerance_change": tolerance_change, "history_size": history_size, "line_search_fn": line_search_fn,
        }  # fmt: skip
        super().__init__(params, defaults)
        if len(self.param_groups) != 1:
            raise ValueError("LBFGS doesn't support per-parameter options (parameter groups)")
        self._params = self.param_groups[0]["params"]

    def __setstate__(self, state: dict[str, Any]) -> None:
        super().__setstate__(state)
        self._params = self.param_groups[0]["params"]

    def _gather_flat_grad(self) -> Any:
        """All gradients as one vector, zeros where there is none."""
        parts = [
            param.new_zeros(param.numel()) if param.grad is None else param.grad.reshape(-1) for param in self._params
        ]
        return PUBLIC["cat"](parts, 0)

    def _add_grad(self, step_size: Any, update: Any) -> None:
        """Move the parameters by step_size * update."""
        offset = 0
        for param in self._params:
            count = param.numel()
            param.add_(update[offset : offset + count].view_as(param), alpha=step_size)
            offset += count

    def _evaluator(self, closure: Callable[[], Any], direction: Any) -> Callable[[Any], tuple[float, Any]]:
        """Loss and gradient at a step length; the parameters are where they were afterwards."""
        before = [param.clone() for param in self._params]

        def evaluate(step: Any) -> tuple[float, Any]:
            self._add_grad(step, direction)
            loss = _value(closure())
            gradient = self._gather_flat_grad()
            for param, value in zip(self._params, before):
                param.copy_(value)
            return loss, gradient

        return evaluate

    def _direction(self, state: dict[str, Any], memory: dict[str, Any], gradient: Any, history_size: int) -> Any:
        """Where to go: -H times the gradient, its memory brought up to date first."""
        if state["n_iter"] == 1:
            memory.update(old_dirs=[], old_stps=[], ro=[], H_diag=1)
            return gradient.neg()
        changes, steps, ro = memory["old_dirs"], memory["old_stps"], memory["ro"]
        change = gradient.sub(memory["prev_flat_grad"])
        step = memory["d"].mul(memory["t"])
        curvature = change.dot(step)
        if curvature > 1e-10:
            if len(changes) == history_size:
                for kept in (changes, steps, ro):
                    kept.pop(0)
            changes.append(change)
            steps.append(step)
            ro.append(1.0 / curvature)
            memory["H_diag"] = curvature / change.dot(change)
        if "al" not in state:
            state["al"] = [None] * history_size
        weights = state["al"]
        q = gradient.neg()
        for i in range(len(changes) - 1, -1, -1):
            weights[i] = steps[i].dot(q) * ro[i]
            q.add_(changes[i], alpha=-weights[i])
        direction = q.mul(memory["H_diag"])
        for i in range(len(changes)):
            direction.add_(steps[i], alpha=weights[i] - changes[i].dot(direction) * ro[i])
        return direction

    def _advance(
        self, closure: Callable[[], Any], group: dict[str, Any], memory: dict[str, Any], point: Point, left: int,
        last: bool,
    ) -> tuple[Point, int]:  # fmt: skip
        """Go along the direction: the point reached, and how many evaluations that took."""
        search = group["line_search_fn"]
        direction, step = memory["d"], memory["t"]
        if search is None:
            self._add_grad(step, direction)
            if last:  # of no use to anybody
                return point, 0
            loss = _value(closure())
            return Point(step, loss, self._gather_flat_grad(), None), 1
        if search != "strong_wolfe":
            raise RuntimeError("only 'strong_wolfe' is supported")
        found = StrongWolfe(self._evaluator(closure, direction), direction, point, left)
        point = found.run(step)
        memory["t"] = point.step
        self._add_grad(point.step, direction)
        return point, found.evaluations

    @no_grad()
    def step(self, closure: Any) -> Any:  # type: ignore[override]
        """Run up to `max_iter` iterations; returns the loss of the first evaluation. `closure` is called with
        gradients on."""
        closure = enable_grad()(closure)
        group = self.param_groups[0]
        state = self.state[self._params[0]]
        state.setdefault("func_evals", 0)
        state.setdefault("n_iter", 0)
        first = closure()
        state["func_evals"] += 1
        point = Point(0, _value(first), self._gather_flat_grad(), None)
        if point.gradient.abs().max() <= group["tolerance_grad"]:
            return first
        memory = {name: state.get(name) for name in MEMORY}
        self._iterate(closure, group, state, memory, point)
        state.update(memory)
        return first

    def _iterate(
        self, closure: Callable[[], Any], group: dict[str, Any], state: dict[str, Any], memory: dict[str, Any],
        point: Point,
    ) -> None:  # fmt: skip
        lr, tolerance = plain_number(group["lr"]), group["tolerance_change"]
        evaluations = 1
        for count in range(1, group["max_iter"] + 1):
            state["n_iter"] += 1
            memory["d"] = self._direction(state, memory, point.gradient, group["history_size"])
            if memory["prev_flat_grad"] is None:
                memory["prev_flat_grad"] = point.gradient.clone()
            else:
                memory["prev_flat_grad"].copy_(point.gradient)
            memory["prev_loss"] = point.loss
            memory["t"] = min(1.0, 1.0 / point.gradient.abs().sum()) * lr if state["n_iter"] == 1 else lr
            point.slope = point.gradient.dot(memory["d"])
            if point.slope > -tolerance:
                return
            point, used = self._advance(
                closure, group, memory, point, group["max_eval"] - evaluations, count == group["max_iter"]
            )
            evaluations += used
            state["func_evals"] += used
            if count == group["max_iter"] or evaluations >= group["max_eval"]:
                return
            if point.gradient.abs().max() <= group["tolerance_grad"]:
                return
            if memory["d"].mul(memory["t"]).abs().max() <= tolerance:
                return
            if abs(point.loss - memory["prev_loss"]) < tolerance:
                return
