"""The line search of L-BFGS: a step length that satisfies the strong Wolfe conditions, by cubic interpolation.

It knows functions of a step length; it must not know parameters or optimizers.
"""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

SUFFICIENT, CURVATURE = 1e-4, 0.9  # of decrease and of slope, Nocedal & Wright's c1 and c2


class Point:
    """A step length with the loss there, the gradient, and the slope along the direction."""

    def __init__(self, step: Any, loss: Any, gradient: Any, slope: Any) -> None:
        self.step, self.loss, self.gradient, self.slope = step, loss, gradient, slope

    def kept(self) -> Point:
        """The same with a gradient of its own memory."""
        return Point(self.step, self.loss, self.gradient.clone(), self.slope)


def cubic_minimum(first: Point, second: Point, bounds: tuple[Any, Any] | None = None) -> Any:
    """Where the cubic through two points with their slopes is least, within `bounds` or between them."""
    x1, f1, g1, x2, f2, g2 = first.step, first.loss, first.slope, second.step, second.loss, second.slope
    low, high = bounds if bounds is not None else (x1, x2) if x1 <= x2 else (x2, x1)
    d1 = g1 + g2 - 3 * (f1 - f2) / (x1 - x2)
    square = d1**2 - g1 * g2
    if not square >= 0:
        return (low + high) / 2.0
    d2 = square.sqrt()
    if x1 <= x2:
        place = x2 - (x2 - x1) * ((g2 + d2 - d1) / (g2 - g1 + 2 * d2))
    else:
        place = x1 - (x1 - x2) * ((g1 + d2 - d1) / (g1 - g2 + 2 * d2))
    return min(max(place, low), high)


class StrongWolfe:
    """One search from a point along a direction; `evaluate(step)` gives loss and gradient there.

    Source: Nocedal & Wright, Numerical Optimization, 2006, algorithms 3.5 and 3.6, with PyTorch's safeguards.
    """

    def __init__(
        self, evaluate: Callable[[Any], tuple[float, Any]], direction: Any, start: Point, limit: int,
        tolerance_change: float = 1e-9,
    ) -> None:  # fmt: skip
        self.evaluate, self.direction, self.start = evaluate, direction, start
        self.limit, self.tolerance = limit, tolerance_change
        self.evaluations = self.rounds = 0

    def at(self, step: Any) -> Point:
        """The point at a step length, evaluated."""
        loss, gradient = self.evaluate(step)
        self.evaluations += 1
        return Point(step, loss, gradient, gradient.dot(self.direction))

    def too_high(self, point: Point) -> bool:
        """Whether the loss has not decreased enough for the step."""
        return bool(point.loss > self.start.loss + SUFFICIENT * point.step * self.start.slope)

    def flat(self, point: Point) -> bool:
        """Whether the slope is small enough."""
        return bool(abs(point.slope) <= -CURVATURE * self.start.slope)

    def run(self, step: Any) -> Point:
        """The point found, trying `step` first. It is the best of the bracket if the limit is reached."""
        size = self.direction.abs().max()
        bracket, done = self.bracket(step)
        return bracket[0] if len(bracket) == 1 else self.zoom(bracket, size, done)

    def bracket(self, step: Any) -> tuple[list[Point], bool]:
        """Two points around an acceptable one, or such a one alone."""
        before = Point(0, self.start.loss, self.start.gradient.clone(), self.start.slope)
        point = self.at(step)
        while self.rounds < self.limit:
            if self.too_high(point) or (self.rounds > 1 and point.loss >= before.loss):
                return [before, point.kept()], False
            if self.flat(point):
                return [point], True
            if point.slope >= 0:
                return [before, point.kept()], False
            bounds = (point.step + 0.01 * (point.step - before.step), point.step * 10)
            step = cubic_minimum(before, point, bounds)
            before = point.kept()
            point = self.at(step)
            self.rounds += 1
        return [Point(0, self.start.loss, self.start.gradient.clone(), self.start.slope), point], False

    def zoom(self, bracket: list[Point], size: Any, done: bool) -> Point:
        """Narrow the bracket until a point in it is acceptable, it is too small, or the limit is reached."""
        stuck = False
        low, high = (0, 1) if bracket[0].loss <= bracket[-1].loss else (1, 0)
        while not done and self.rounds < self.limit:
            if abs(bracket[1].step - bracket[0].step) * size < self.tolerance:
                break
            step, stuck = self.inside(bracket, stuck)
            point = self.at(step)
            self.rounds += 1
            if self.too_high(point) or point.loss >= bracket[low].loss:
                bracket[high] = point.kept()
                low, high = (0, 1) if bracket[0].loss <= bracket[1].loss else (1, 0)
                continue
            if self.flat(point):
                done = True
            elif point.slope * (bracket[high].step - bracket[low].step) >= 0:
                bracket[high] = bracket[low]
            bracket[low] = point.kept()
        return bracket[low]

    def inside(self, bracket: list[Point], stuck: bool) -> tuple[Any, bool]:
        """A step within the bracket, kept off its ends if that made no progress; whether it may be stuck."""
        step = cubic_minimum(bracket[0], bracket[1])
        least, most = min(bracket[0].step, bracket[1].step), max(bracket[0].step, bracket[1].step)
        margin = 0.1 * (most - least)
        if not min(most - step, step - least) < margin:
            return step, False
        if not (stuck or step >= most or step <= least):
            return step, True
        return (most - margin if abs(step - most) < abs(step - least) else least + margin), False
