# A network with two heads: the main head and the trunk learn to tell the digits; a second head learns from the same
# features whether a digit is odd, cut off by detach(), so that the trunk learns nothing from it. The same training
# without the second head shows it: trunk and main head end with the same bytes.
import argparse

import torch
from sklearn.datasets import load_digits
from torch import nn
from torch.nn import functional as F


class TwoHeads(nn.Module):
    def __init__(self):
        super().__init__()
        self.trunk = nn.Sequential(nn.Linear(64, 64), nn.Tanh(), nn.Linear(64, 64), nn.Tanh())
        self.digit = nn.Linear(64, 10)
        self.odd = nn.Sequential(nn.Linear(64, 16), nn.ReLU(), nn.Linear(16, 1))

    def forward(self, x, side=True):
        features = self.trunk(x)
        digits = self.digit(features)
        if not side:
            return digits, None
        return digits, self.odd(features.detach()).squeeze(-1)     # the cut: no gradient passes this line


def train(x, y, epochs, side):
    torch.manual_seed(3)
    model = TwoHeads()
    main_part = [*model.trunk.parameters(), *model.digit.parameters()]
    optimizer = torch.optim.RMSprop(main_part, lr=1e-3)
    side_optimizer = torch.optim.Adam(model.odd.parameters(), lr=3e-3)
    generator = torch.Generator().manual_seed(4)
    for epoch in range(1, epochs + 1):
        for batch in torch.randperm(len(x), generator=generator).split(64):
            digits, odd = model(x[batch], side)
            loss = F.cross_entropy(digits, y[batch])
            if side:
                side_loss = F.binary_cross_entropy_with_logits(odd, (y[batch] % 2).float())
                (loss + side_loss).backward()
                side_optimizer.step()
                side_optimizer.zero_grad()
            else:
                loss.backward()
            optimizer.step()
            optimizer.zero_grad()
        if side and (epoch % 5 == 0 or epoch == 1):
            print(f"epoch {epoch:2}: digits {loss.item():.4f}, odd or even {side_loss.item():.4f}")
    return model


def main():
    parser = argparse.ArgumentParser(description="two heads, one of them cut off")
    parser.add_argument("--short", action="store_true", help="a few epochs only")
    epochs = 10 if parser.parse_args().short else 30
    pixels, classes = load_digits(return_X_y=True)
    x, y = torch.tensor(pixels / 16.0, dtype=torch.float32), torch.tensor(classes)
    with_side = train(x[:1500], y[:1500], epochs, side=True)
    without = train(x[:1500], y[:1500], epochs, side=False)

    with torch.inference_mode():
        digits, odd = with_side(x[1500:])
        right = (digits.argmax(-1) == y[1500:]).float().mean().item()
        right_side = ((odd > 0) == (y[1500:] % 2 == 1)).float().mean().item()
    print(f"test: digits {100 * right:.1f} %, odd or even {100 * right_side:.1f} %")
    for name in ("trunk", "digit"):
        one, other = getattr(with_side, name).state_dict(), getattr(without, name).state_dict()
        assert all(torch.equal(one[key], other[key]) for key in one), name
    print("trunk and main head are, to the bit, what they are without the second head")


if __name__ == "__main__":
    main()
