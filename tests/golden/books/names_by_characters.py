"""A recurrent network over characters tells languages apart."""
import string
import torch
import torch.nn as nn

all_letters = string.ascii_letters + " .,;'"
n_letters = len(all_letters)
names = {"English": ["Adam", "Smith", "Brown"], "Italian": ["Rossi", "Bianchi", "Conti"], "Greek": ["Kouris", "Samios"]}
cats = list(names)


def line_to_tensor(line):
    tensor = torch.zeros(len(line), 1, n_letters)
    for li, letter in enumerate(line):
        tensor[li][0][all_letters.find(letter)] = 1
    return tensor


class RNN(nn.Module):
    def __init__(self, input_size, hidden_size, output_size):
        super(RNN, self).__init__()
        self.hidden_size = hidden_size
        self.i2h = nn.Linear(input_size, hidden_size)
        self.h2h = nn.Linear(hidden_size, hidden_size)
        self.h2o = nn.Linear(hidden_size, output_size)
        self.softmax = nn.LogSoftmax(dim=1)

    def forward(self, input, hidden):
        hidden = torch.tanh(self.i2h(input) + self.h2h(hidden))
        output = self.softmax(self.h2o(hidden))
        return output, hidden

    def initHidden(self):
        return torch.zeros(1, self.hidden_size)


torch.manual_seed(6)
rnn = RNN(n_letters, 16, len(cats))
criterion = nn.NLLLoss()
for epoch in range(20):
    total = 0
    for k, cat in enumerate(cats):
        for name in names[cat]:
            hidden = rnn.initHidden()
            rnn.zero_grad()
            line = line_to_tensor(name)
            for i in range(line.size()[0]):
                output, hidden = rnn(line[i], hidden)
            loss = criterion(output, torch.tensor([k], dtype=torch.long))
            loss.backward()
            for p in rnn.parameters():
                p.data.add_(p.grad.data, alpha=-0.05)
            total += loss.item()
    if epoch % 5 == 4:
        print(epoch, f"{total:.4f}")
top_v, top_i = output.topk(1)
print(top_v, cats[top_i[0].item()], line_to_tensor("Jones").size())
lstm = nn.LSTM(n_letters, 8)
out, (h, c) = lstm(line_to_tensor("Rossi"))
print(out.shape, h.shape, c.shape, out[-1], h)
