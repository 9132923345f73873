# Actor and critic learn to balance gymnasium's CartPole, one episode after the other: a Categorical policy, returns
# that are normalised, the advantage cut off from the critic by item().
import argparse
from collections import namedtuple

import gymnasium as gym
import numpy as np
import torch
import torch.nn as nn
import torch.nn.functional as F
import torch.optim as optim
from torch.distributions import Categorical

SavedAction = namedtuple("SavedAction", ["log_prob", "value"])


class Policy(nn.Module):
    """One layer for both; from it the chances of the actions and the value of the state."""

    def __init__(self):
        super().__init__()
        self.affine1 = nn.Linear(4, 128)
        self.action_head = nn.Linear(128, 2)
        self.value_head = nn.Linear(128, 1)
        self.saved_actions = []
        self.rewards = []

    def forward(self, x):
        x = F.relu(self.affine1(x))
        return F.softmax(self.action_head(x), dim=-1), self.value_head(x)


def select_action(model, state):
    probabilities, value = model(torch.from_numpy(state).float())
    chances = Categorical(probabilities)
    action = chances.sample()
    model.saved_actions.append(SavedAction(chances.log_prob(action), value))
    return action.item()


def finish_episode(model, optimizer, gamma):
    total, returns = 0.0, []
    for reward in reversed(model.rewards):
        total = reward + gamma * total
        returns.insert(0, total)
    returns = torch.tensor(returns)
    returns = (returns - returns.mean()) / (returns.std() + np.finfo(np.float32).eps.item())
    policy_losses, value_losses = [], []
    for (log_prob, value), wanted in zip(model.saved_actions, returns):
        advantage = wanted - value.item()
        policy_losses.append(-log_prob * advantage)
        value_losses.append(F.smooth_l1_loss(value, torch.tensor([wanted])))
    optimizer.zero_grad()
    loss = torch.stack(policy_losses).sum() + torch.stack(value_losses).sum()
    loss.backward()
    optimizer.step()
    del model.rewards[:]
    del model.saved_actions[:]
    return loss.item()


def main():
    parser = argparse.ArgumentParser(description="CartPole with actor and critic")
    parser.add_argument("--gamma", type=float, default=0.99)
    parser.add_argument("--seed", type=int, default=543)
    parser.add_argument("--short", action="store_true", help="a hundred episodes only")
    args = parser.parse_args()
    env = gym.make("CartPole-v1")
    env.reset(seed=args.seed)
    torch.manual_seed(args.seed)

    model = Policy()
    optimizer = optim.Adam(model.parameters(), lr=1e-2)
    running, best = 10.0, 0.0
    for episode in range(1, (101 if args.short else 1001)):
        state, _ = env.reset()
        done = False
        while not done:
            state, reward, terminated, truncated, _ = env.step(select_action(model, state))
            model.rewards.append(float(reward))
            done = terminated or truncated
        length = len(model.rewards)
        running = 0.05 * length + 0.95 * running
        best = max(best, running)
        loss = finish_episode(model, optimizer, args.gamma)
        if episode % 20 == 0:
            print(f"episode {episode:4}: balanced {length:3} steps, running mean {running:6.2f}, loss {loss:9.4f}")
        if running > env.spec.reward_threshold:
            print(f"solved in episode {episode}")
            break
    print(f"best running mean {best:.2f}")
    env.close()


if __name__ == "__main__":
    main()
