# A GAN on scikit-learn's digits. The discriminator learns from the generator's images cut off by detach(): its step
# leaves no gradient in the generator, and the generator's step changes no byte of the discriminator. Both are checked.
import argparse

import torch
import torch.nn as nn
from sklearn.datasets import load_digits
from torch.utils.data import DataLoader


class Generator(nn.Module):
    def __init__(self, noise):
        super().__init__()
        self.main = nn.Sequential(
            nn.Linear(noise, 128), nn.BatchNorm1d(128), nn.LeakyReLU(0.2), nn.Linear(128, 64), nn.Sigmoid()
        )

    def forward(self, z):
        return self.main(z)


class Discriminator(nn.Module):
    def __init__(self):
        super().__init__()
        self.main = nn.Sequential(
            nn.Linear(64, 128), nn.LeakyReLU(0.2), nn.Dropout(0.3),
            nn.Linear(128, 64), nn.LeakyReLU(0.2), nn.Linear(64, 1),
        )

    def forward(self, x):
        return self.main(x).view(-1)


def weights_init(module):
    if isinstance(module, nn.Linear):
        nn.init.normal_(module.weight, 0.0, 0.05)
        nn.init.zeros_(module.bias)


def show(image):
    """An 8x8 image as text."""
    for row in image.view(8, 8).tolist():
        print("   ", "".join(" .:-=+*#%@"[min(int(value * 10), 9)] * 2 for value in row).rstrip())


def main():
    parser = argparse.ArgumentParser(description="a GAN on digits")
    parser.add_argument("--short", action="store_true", help="a few epochs only")
    parser.add_argument("--noise", type=int, default=16)
    args = parser.parse_args()
    epochs = 12 if args.short else 120
    torch.manual_seed(5)

    pixels, classes = load_digits(return_X_y=True)
    images = torch.tensor(pixels / 16.0, dtype=torch.float32)
    loader = DataLoader(images, batch_size=64, shuffle=True, drop_last=True)
    generator, discriminator = Generator(args.noise), Discriminator()
    generator.apply(weights_init)
    discriminator.apply(weights_init)
    criterion = nn.BCEWithLogitsLoss()
    optimizer_g = torch.optim.Adam(generator.parameters(), lr=1e-3, betas=(0.5, 0.999))
    optimizer_d = torch.optim.Adam(discriminator.parameters(), lr=1e-3, betas=(0.5, 0.999))
    fixed = torch.randn(256, args.noise)
    with torch.no_grad():
        far = distance(generator.eval()(fixed), images)

    for epoch in range(1, epochs + 1):
        generator.train()
        for real in loader:
            batch = real.size(0)
            ones, zeros = torch.full((batch,), 0.9), torch.zeros(batch)

            discriminator.zero_grad()
            fake = generator(torch.randn(batch, args.noise))
            loss_real = criterion(discriminator(real), ones)
            loss_fake = criterion(discriminator(fake.detach()), zeros)      # the cut
            (loss_real + loss_fake).backward()
            assert all(p.grad is None for p in generator.parameters())
            optimizer_d.step()

            before = [p.detach().clone() for p in discriminator.parameters()]
            loss_g = criterion(discriminator(fake), ones)
            loss_g.backward()
            optimizer_g.step()
            assert all(torch.equal(p, kept) for p, kept in zip(discriminator.parameters(), before))
            generator.zero_grad(set_to_none=True)
        if epoch % (4 if args.short else 20) == 0 or epoch == 1:
            loss_d = (loss_real + loss_fake).item()
            print(f"epoch {epoch:3}: discriminator {loss_d:.4f}, generator {loss_g.item():.4f}")

    generator.eval()
    with torch.no_grad():
        made = generator(fixed)
    print(f"distance of the mean image from that of the digits: {far:.3f} at first, {distance(made, images):.3f} now")
    show(made[0])


def distance(made, real):
    """How far the mean of made images is from that of real ones."""
    return (made.mean(0) - real.mean(0)).norm().item()


if __name__ == "__main__":
    main()
