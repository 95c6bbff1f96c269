"""A policy gradient in a corridor: Categorical, log_prob, discounted returns, and an actor with a critic."""
import torch
import torch.nn as nn
import torch.nn.functional as F
import torch.optim as optim
from torch.distributions import Categorical

torch.manual_seed(543)


class Corridor:
    def reset(self):
        self.s = 2
        return self.obs()

    def obs(self):
        return [float(self.s), 1.0]

    def step(self, a):
        self.s += 1 if a == 1 else -1
        done = self.s in (0, 5)
        return self.obs(), (1.0 if self.s == 5 else -0.1), done


class Policy(nn.Module):
    def __init__(self):
        super(Policy, self).__init__()
        self.affine1 = nn.Linear(2, 16)
        self.action_head = nn.Linear(16, 2)
        self.value_head = nn.Linear(16, 1)

    def forward(self, x):
        x = F.relu(self.affine1(x))
        return F.softmax(self.action_head(x), dim=-1), self.value_head(x)


env, model = Corridor(), Policy()
optimizer = optim.Adam(model.parameters(), lr=3e-2)
for episode in range(15):
    state, saved, rewards, done = env.reset(), [], [], False
    while not done and len(rewards) < 30:
        probs, value = model(torch.tensor(state))
        m = Categorical(probs)
        action = m.sample()
        saved.append((m.log_prob(action), value, m.entropy()))
        state, reward, done = env.step(action.item())
        rewards.append(reward)
    R, returns = 0, []
    for r in rewards[::-1]:
        R = r + 0.99 * R
        returns.insert(0, R)
    returns = torch.tensor(returns)
    returns = (returns - returns.mean()) / (returns.std(unbiased=False) + 1e-5)
    policy_losses, value_losses = [], []
    for (log_prob, value, entropy), R in zip(saved, returns):
        advantage = R - value.item()
        policy_losses.append(-log_prob * advantage - 0.01 * entropy)
        value_losses.append(F.smooth_l1_loss(value, torch.tensor([R])))
    optimizer.zero_grad()
    loss = torch.stack(policy_losses).sum() + torch.stack(value_losses).sum()
    loss.backward()
    optimizer.step()
    if episode % 5 == 4:
        print(episode, len(rewards), f"{loss.item():.4f}")
print(model(torch.tensor([2.0, 1.0])))
