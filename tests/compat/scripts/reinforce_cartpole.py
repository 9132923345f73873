"""REINFORCE with a learned baseline on gymnasium's CartPole."""

from collections import deque

import gymnasium as gym
import numpy as np
import torch
import torch.nn as nn
import torch.optim as optim
from torch.distributions import Categorical

torch.manual_seed(6)
np.random.seed(6)
env = gym.make("CartPole-v1")


class Policy(nn.Module):
    def __init__(self, observations, actions):
        super().__init__()
        self.trunk = nn.Linear(observations, 32)
        self.actor, self.critic = nn.Linear(32, actions), nn.Linear(32, 1)
        self.saved = []

    def forward(self, x):
        x = torch.relu(self.trunk(x))
        return torch.softmax(self.actor(x), dim=-1), self.critic(x)


policy = Policy(env.observation_space.shape[0], env.action_space.n)
optimizer = optim.Adam(policy.parameters(), lr=2e-2)
eps = np.finfo(np.float32).eps.item()


def select_action(state):
    probs, value = policy(torch.from_numpy(state).float())
    m = Categorical(probs)
    action = m.sample()
    policy.saved.append((m.log_prob(action), value, m.entropy()))
    return action.item()


def finish_episode(rewards, gamma=0.99):
    running, returns = 0.0, deque()
    for reward in rewards[::-1]:
        running = reward + gamma * running
        returns.appendleft(running)
    returns = torch.tensor(list(returns))
    returns = (returns - returns.mean()) / (returns.std() + eps)
    policy_loss, value_loss = [], []
    for (log_prob, value, entropy), target in zip(policy.saved, returns):
        advantage = target - value.item()
        policy_loss.append(-log_prob * advantage - 0.01 * entropy)
        value_loss.append(nn.functional.smooth_l1_loss(value, target.view(1)))
    optimizer.zero_grad()
    loss = torch.stack(policy_loss).sum() + torch.stack(value_loss).sum()
    loss.backward()
    optimizer.step()
    del policy.saved[:]
    return loss.item()


for episode in range(4):
    state, info = env.reset(seed=100 + episode)
    rewards = []
    for _ in range(40):
        state, reward, terminated, truncated, _ = env.step(select_action(state))
        rewards.append(float(reward))
        if terminated or truncated:
            break
    loss = finish_episode(rewards)
    print(f"episode {episode}: {len(rewards)} steps, loss {loss:.3f}")
env.close()

probs, value = policy(torch.as_tensor(state, dtype=torch.float32))
print("probabilities", [f"{p:.3f}" for p in probs.tolist()], "value", f"{value.item():.3f}")
mean, std = torch.zeros(2, requires_grad=True), torch.ones(2)
gaussian = torch.distributions.Independent(torch.distributions.Normal(mean, std), 1)
action = gaussian.sample()
(-gaussian.log_prob(action) * 2.0).backward()
print("score:", torch.allclose(mean.grad, -2.0 * action), gaussian.batch_shape, gaussian.event_shape)
