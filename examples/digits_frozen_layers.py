# A network on real data whose first two layers are cut off from the gradient, with plain tensors.
#
# The data are the 1,797 handwritten digits that scikit-learn bundles. All eight parameters require a gradient,
# and all that got one are stepped; what keeps the first layers still is one `detach()`. At the end their bytes are
# compared.
import hashlib
import sys

import torch

try:
    from sklearn.datasets import load_digits
except ImportError:
    sys.exit("This example needs scikit-learn: pip install scikit-learn (or headgate[demo])")

torch.manual_seed(0)
pixels, classes = load_digits(return_X_y=True)
order = torch.randperm(len(pixels))
images = torch.tensor(pixels / 16.0, dtype=torch.float32)[order]
labels = torch.tensor(classes, dtype=torch.int64)[order]
train_images, train_labels = images[:1500], labels[:1500]
test_images, test_labels = images[1500:], labels[1500:]


def layer(inputs, outputs):
    weight = torch.randn(inputs, outputs) * (2.0 / inputs) ** 0.5
    return weight.requires_grad_(), torch.zeros(outputs, requires_grad=True)


first, second = layer(64, 128), layer(128, 128)      # the layers that are cut off
third, last = layer(128, 64), layer(64, 10)          # the layers that learn
names = ["first.weight", "first.bias", "second.weight", "second.bias",
         "third.weight", "third.bias", "last.weight", "last.bias"]
parameters = dict(zip(names, [*first, *second, *third, *last]))


def features(x):
    h = (x @ first[0] + first[1]).relu()
    return (h @ second[0] + second[1]).relu()


def logits(x):
    h = features(x).detach()                          # the cut: no gradient passes this line
    h = (h @ third[0] + third[1]).relu()
    return h @ last[0] + last[1]


def accuracy(x, y):
    with torch.no_grad():
        return 100.0 * (logits(x).argmax(1) == y).float().mean().item()


def digest(tensor):
    return hashlib.sha256(tensor.detach().numpy().tobytes()).hexdigest()[:16]


before = {name: digest(p) for name, p in parameters.items()}
print(f"before training: {accuracy(test_images, test_labels):5.1f} % of the test digits right")
for epoch in range(1, 21):
    total = 0.0
    shuffled = torch.randperm(len(train_images))
    for batch in shuffled.split(50):
        log_p = logits(train_images[batch]).log_softmax(1)
        loss = -log_p.gather(1, train_labels[batch].unsqueeze(1)).mean()
        loss.backward()
        total += loss.item() * len(batch)
        with torch.no_grad():
            for p in parameters.values():
                if p.grad is not None:
                    p -= 0.3 * p.grad
                    p.grad = None
    if epoch == 1 or epoch % 5 == 0:
        right = accuracy(test_images, test_labels)
        print(f"epoch {epoch:2}: loss {total / len(train_images):.4f}, test accuracy {right:5.1f} %")

print()
moved = {name: digest(p) != before[name] for name, p in parameters.items()}
for name, p in parameters.items():
    state = "learned" if moved[name] else "did not move by a bit"
    print(f"{name:13} {before[name]} -> {digest(p)}  {state}")

frozen = [name for name in names if name.startswith(("first", "second"))]
assert not any(moved[name] for name in frozen), "a layer before the cut moved"
assert all(moved[name] for name in names if name not in frozen), "a layer after the cut did not learn"
assert all(parameters[name].grad is None for name in frozen), "a gradient passed the cut"
assert accuracy(test_images, test_labels) > 90, "the network did not learn"
