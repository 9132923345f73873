"""A variational autoencoder of small pictures of blobs."""

import torch
from torch import nn
from torch.distributions import Normal, kl_divergence
from torch.nn import functional as F

torch.manual_seed(3)


def blobs(count, size=8):
    centre = torch.rand(count, 2, 1, 1) * (size - 3) + 1
    rows, columns = torch.meshgrid(torch.arange(size), torch.arange(size), indexing="ij")
    square = (rows - centre[:, 0]) ** 2 + (columns - centre[:, 1]) ** 2
    return torch.exp(-square / 3).unsqueeze(1)


class VAE(nn.Module):
    def __init__(self, latent=3):
        super().__init__()
        self.encoder = nn.Sequential(
            nn.Conv2d(1, 6, 3, stride=2, padding=1), nn.ELU(), nn.Conv2d(6, 12, 3, stride=2, padding=1), nn.ELU(),
            nn.Flatten())
        self.to_mean, self.to_logvar = nn.Linear(48, latent), nn.Linear(48, latent)
        self.decoder = nn.Sequential(
            nn.Linear(latent, 48), nn.Unflatten(1, (12, 2, 2)), nn.ELU(),
            nn.ConvTranspose2d(12, 6, 4, stride=2, padding=1), nn.ELU(),
            nn.Upsample(scale_factor=2, mode="bilinear", align_corners=False), nn.Conv2d(6, 1, 1))

    def encode(self, x):
        hidden = self.encoder(x)
        return self.to_mean(hidden), self.to_logvar(hidden).clamp(-6, 4)

    def reparameterize(self, mean, logvar):
        std = torch.exp(0.5 * logvar)
        return mean + torch.randn_like(std).mul(std)

    def forward(self, x):
        mean, logvar = self.encode(x)
        z = self.reparameterize(mean, logvar)
        return self.decoder(z), mean, logvar


def loss_function(logits, x, mean, logvar, beta):
    bce = F.binary_cross_entropy_with_logits(logits, x, reduction="sum")
    kld = -0.5 * torch.sum(1 + logvar - mean.pow(2) - logvar.exp())
    return bce + beta * kld, bce, kld


data = blobs(128)
model = VAE()
optimizer = torch.optim.RMSprop(model.parameters(), lr=2e-3, alpha=0.95)
for epoch in range(6):
    beta = min(1.0, 0.1 + epoch / 5)
    order = torch.randperm(len(data))
    sums = torch.zeros(3)
    for batch in torch.split(data[order], 32):
        loss, bce, kld = loss_function(*[(out := model(batch))[0], batch, *out[1:]], beta)
        optimizer.zero_grad()
        loss.backward()
        optimizer.step()
        sums += torch.stack([loss, bce, kld]).detach()
    print("epoch {}: {:.3f} = {:.3f} + {:.2f} * {:.4f}".format(epoch, *(sums[:2] / 128).tolist(), beta, sums[2] / 128))

model.eval()
with torch.no_grad():
    mean, logvar = model.encode(data[:4])
    posterior = Normal(mean, (0.5 * logvar).exp())
    prior = Normal(torch.zeros_like(mean), torch.ones_like(mean))
    exact = kl_divergence(posterior, prior).sum(-1)
    samples = posterior.rsample((2000,))
    estimate = (posterior.log_prob(samples) - prior.log_prob(samples)).sum(-1).mean(0)
    print("KL:", [f"{value:.3f}" for value in exact.tolist()])
    print("estimated within 0.2:", torch.allclose(exact, estimate, atol=0.2))
    walk = torch.stack([torch.lerp(mean[0], mean[1], step) for step in torch.linspace(0, 1, 5)])
    pictures = torch.sigmoid(model.decoder(walk))
    print(pictures.shape, f"{pictures.mean():.3f} {pictures.var(unbiased=False):.3f}")
    generated = model.decoder(prior.sample()).sigmoid()
    print(generated.ge(0).logical_and(generated.le(1)).all().item())
