"""Operations with gradients of their own, checked, hooked and differentiated twice."""

import torch
from torch.autograd import Function, gradcheck, gradgradcheck
from torch.autograd.function import once_differentiable

torch.manual_seed(10)


class Swish(Function):
    @staticmethod
    def forward(ctx, x, beta):
        ctx.save_for_backward(x)
        ctx.beta = beta
        return x * torch.sigmoid(beta * x)

    @staticmethod
    def backward(ctx, grad):
        x, = ctx.saved_tensors
        s = torch.sigmoid(ctx.beta * x)
        return grad * (s + ctx.beta * x * s * (1 - s)), None


class Round(Function):
    @staticmethod
    def forward(ctx, x, levels):
        return torch.round(x * levels) / levels

    @staticmethod
    def backward(ctx, grad):
        return grad, None


class SortedSum(Function):
    @staticmethod
    def forward(x, weights):
        values, index = torch.sort(x, descending=True)
        return (values * weights).sum(), index

    @staticmethod
    def setup_context(ctx, inputs, output):
        x, weights = inputs
        _, index = output
        ctx.mark_non_differentiable(index)
        ctx.save_for_backward(x, weights, index)

    @staticmethod
    @once_differentiable
    def backward(ctx, grad, _):
        x, weights, index = ctx.saved_tensors
        gx = gw = None
        if ctx.needs_input_grad[0]:
            gx = torch.zeros_like(x).scatter_(0, index, weights * grad)
        if ctx.needs_input_grad[1]:
            gw = x.gather(0, index) * grad
        return gx, gw


x = torch.randn(4, 3, dtype=torch.double, requires_grad=True)
print(gradcheck(lambda v: Swish.apply(v, 1.5), (x,)), gradgradcheck(lambda v: Swish.apply(v, 1.5), (x,)))
first, = torch.autograd.grad(Swish.apply(x, 1.5).sum(), x, create_graph=True)
second, = torch.autograd.grad(first.pow(2).sum(), x)
print(f"{first.sum():.6f} {second.norm():.6f}", first.grad_fn is not None, Swish.apply(x, 1.5).grad_fn.name())

weights = torch.tensor([3.0, 2.0, 1.0], dtype=torch.double, requires_grad=True)
row = x[0]
total, order = SortedSum.apply(row, weights)
print(order.requires_grad, gradcheck(lambda a, b: SortedSum.apply(a, b)[0], (row.detach().requires_grad_(), weights)))
total.backward()
print([round(v, 4) for v in x.grad[0].tolist()], [round(v, 4) for v in weights.grad.tolist()])

w = torch.tensor([0.31, -0.74, 0.05], requires_grad=True)
optimizer = torch.optim.SGD([w], lr=0.1)
for _ in range(20):
    loss = (Round.apply(w, 4) - torch.tensor([0.5, -0.25, 1.0])).abs().sum()
    optimizer.zero_grad()
    loss.backward()
    optimizer.step()
print(f"straight through: {loss:.4f}", [round(v, 3) for v in w.tolist()])

log = []
a = torch.tensor([1.0, 2.0], requires_grad=True)
b = a.exp()
b.retain_grad()
b.register_hook(lambda g: log.append(("b", [round(v, 3) for v in g.tolist()])))
a.register_post_accumulate_grad_hook(lambda p: log.append(("a", round(p.grad.sum().item(), 3))))
b.grad_fn.register_prehook(lambda grads: log.append(("before", len(grads))))
with torch.autograd.graph.saved_tensors_hooks(lambda t: (t.numpy().copy(),), lambda p: torch.from_numpy(p[0])):
    c = (b * b).sum()
c.backward()
print(log, [round(v, 3) for v in b.grad.tolist()])

jacobian = torch.autograd.functional.jacobian(lambda v: v.cumprod(0), torch.tensor([1.0, 2.0, 3.0]))
hessian = torch.autograd.functional.hessian(lambda v: (v**3).sum(), torch.tensor([1.0, 2.0]))
print(jacobian.tolist(), hessian.tolist())
try:
    with torch.autograd.set_detect_anomaly(True):
        torch.sqrt(torch.tensor(-1.0, requires_grad=True)).backward()
except RuntimeError as error:
    print(str(error).split(".")[0])
try:
    y = a.sigmoid()
    y.add_(1)
    y.sum().backward()
except RuntimeError as error:
    print(str(error)[:95])
print(torch.is_grad_enabled(), a.is_leaf, b.is_leaf, c.requires_grad)
