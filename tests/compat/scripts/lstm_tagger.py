"""Words tagged by a two-way LSTM over packed sequences of different lengths."""

import torch
import torch.nn as nn
from torch.nn.utils.rnn import pack_padded_sequence, pad_packed_sequence, pad_sequence
from torch.utils.data import DataLoader

torch.manual_seed(2)
SENTENCES = [
    ("the dog saw a red ball", "DET NOUN VERB DET ADJ NOUN"),
    ("a cat sleeps", "DET NOUN VERB"),
    ("the small cat saw the dog", "DET ADJ NOUN VERB DET NOUN"),
    ("red dog sleeps", "ADJ NOUN VERB"),
    ("the ball is red", "DET NOUN VERB ADJ"),
    ("a dog is a small cat", "DET NOUN VERB DET ADJ NOUN"),
]
words = {"<pad>": 0}
tags = {}
for sentence, labels in SENTENCES:
    for word, tag in zip(sentence.split(), labels.split()):
        words.setdefault(word, len(words))
        tags.setdefault(tag, len(tags))
names = list(tags)


def encode(text, table):
    return torch.tensor([table[part] for part in text.split()], dtype=torch.long)


def collate(batch):
    batch = sorted(batch, key=lambda pair: len(pair[0]), reverse=True)
    xs, ys = zip(*batch)
    lengths = torch.tensor([len(x) for x in xs])
    return pad_sequence(xs, batch_first=True), pad_sequence(ys, batch_first=True, padding_value=-100), lengths


class Tagger(nn.Module):
    def __init__(self, vocabulary, classes, embedding=10, hidden=12):
        super().__init__()
        self.embed = nn.Embedding(vocabulary, embedding, padding_idx=0)
        self.lstm = nn.LSTM(embedding, hidden, num_layers=2, batch_first=True, bidirectional=True)
        self.norm = nn.LayerNorm(2 * hidden)
        self.out = nn.Linear(2 * hidden, classes)
        for name, parameter in self.lstm.named_parameters():
            if "weight_hh" in name:
                nn.init.orthogonal_(parameter)
            elif "bias" in name:
                nn.init.zeros_(parameter)
                with torch.no_grad():
                    parameter[hidden : 2 * hidden].fill_(1.0)

    def forward(self, x, lengths):
        packed = pack_padded_sequence(self.embed(x), lengths.cpu(), batch_first=True)
        output, (h, c) = self.lstm(packed)
        output, _ = pad_packed_sequence(output, batch_first=True)
        return self.out(self.norm(output)), h


data = [(encode(s, words), encode(t, tags)) for s, t in SENTENCES]
loader = DataLoader(data, batch_size=3, shuffle=True, collate_fn=collate)
model = Tagger(len(words), len(tags))
loss_function = nn.CrossEntropyLoss(ignore_index=-100, weight=torch.tensor([1.0, 1.0, 1.2, 1.5]))
optimizer = torch.optim.Adam(model.parameters(), lr=0.02, betas=(0.9, 0.98), eps=1e-9)
decay = torch.optim.lr_scheduler.ExponentialLR(optimizer, gamma=0.95)

for epoch in range(12):
    sizes = []
    for x, y, lengths in loader:
        scores, last = model(x, lengths)
        loss = loss_function(scores.reshape(-1, scores.size(-1)), y.view(-1))
        optimizer.zero_grad()
        loss.backward()
        norm = nn.utils.clip_grad_norm_(model.parameters(), max_norm=1.0)
        optimizer.step()
        sizes.append((loss.item(), norm.item()))
    decay.step()
    if epoch in (0, 1, 11):
        print(f"epoch {epoch:2d}:", "  ".join(f"loss {a:.3f} norm {b:.3f}" for a, b in sizes))

model.eval()
with torch.no_grad():
    x, y, lengths = collate(data)
    scores, last = model(x, lengths)
    mask = y.ne(-100)
    accuracy = (scores.argmax(-1) == y).masked_select(mask).float().mean()
    print("padded row of the embedding:", model.embed.weight[0].abs().sum().item(), "hidden", tuple(last.shape))
    print(f"accuracy {accuracy:.3f} over {mask.sum()} words")
    guess = scores[-1, : lengths[-1]].topk(1, dim=-1).indices.squeeze(-1)
    print([names[i] for i in guess.tolist()])
