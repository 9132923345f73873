"""A Gaussian process whose kernel is learned by L-BFGS on the marginal likelihood."""

import math

import torch
from torch import Tensor
from torch.distributions import MultivariateNormal

torch.manual_seed(14)
torch.set_default_dtype(torch.float64)
x = torch.sort(torch.rand(25) * 6).values
y = torch.sin(x) + 0.15 * torch.randn(25)


class Kernel(torch.nn.Module):
    def __init__(self) -> None:
        super().__init__()
        self.raw = torch.nn.Parameter(torch.log(torch.expm1(torch.tensor([1.0, 1.0, 0.3]))))

    @property
    def values(self) -> Tensor:
        return torch.nn.functional.softplus(self.raw)

    def forward(self, a: Tensor, b: Tensor) -> Tensor:
        length, scale, _ = self.values
        return scale.square() * torch.exp(-0.5 * torch.cdist(a[:, None], b[:, None]).pow(2) / length**2)

    def noisy(self, a: Tensor) -> Tensor:
        return self(a, a) + (self.values[2] ** 2 + 1e-8) * torch.eye(len(a))


def likelihood(kernel: Kernel) -> Tensor:
    lower = torch.linalg.cholesky(kernel.noisy(x))
    alpha = torch.cholesky_solve(y[:, None], lower)
    fit = 0.5 * torch.dot(y, alpha.squeeze())
    return fit + torch.log(torch.diagonal(lower)).sum() + 0.5 * len(x) * math.log(2 * math.pi)


kernel = Kernel()
optimizer = torch.optim.LBFGS(kernel.parameters(), lr=0.5, max_iter=8, history_size=5, line_search_fn="strong_wolfe")


def closure() -> Tensor:
    optimizer.zero_grad()
    loss = likelihood(kernel)
    loss.backward()
    return loss


print(f"before {likelihood(kernel).item():.5f}", [round(v, 3) for v in kernel.values.tolist()])
for _ in range(3):
    optimizer.step(closure)
print(f"after {likelihood(kernel).item():.5f}", [round(v, 4) for v in kernel.values.tolist()])
with torch.no_grad():
    at = torch.linspace(0, 6, 7)
    cross = kernel(at, x)
    lower = torch.linalg.cholesky(kernel.noisy(x))
    half = torch.linalg.solve_triangular(lower, cross.mT, upper=False)
    mean = cross @ torch.cholesky_solve(y[:, None], lower).squeeze(1)
    covariance = kernel(at, at) - half.mT @ half
    print("mean", [f"{v:.4f}" for v in mean.tolist()])
    print("deviation", [f"{v:.4f}" for v in covariance.diagonal().clamp_min(0).sqrt().tolist()])
    exact = torch.linalg.inv(kernel.noisy(x))
    print(torch.allclose(exact @ kernel.noisy(x), torch.eye(25), atol=1e-8),
          f"{torch.logdet(kernel.noisy(x)):.4f} {torch.linalg.slogdet(kernel.noisy(x))[1]:.4f}")
    prior = MultivariateNormal(torch.zeros(25), covariance_matrix=kernel.noisy(x))
    print(f"{-prior.log_prob(y):.5f} {prior.entropy():.5f}", prior.rsample((2,)).shape)
    system = torch.stack([torch.ones(25), x, x**2], dim=1)
    coefficients = torch.linalg.solve(system.T @ system, system.T @ y)
    print("quadratic", [f"{v:.4f}" for v in coefficients.tolist()], torch.linalg.matrix_norm(system).item() > 1)
torch.set_default_dtype(torch.float32)
print(torch.get_default_dtype(), torch.tensor(1.0).dtype)
