"""What chapters on tensors print: indexing of every kind, broadcasting, einsum, gather and scatter, sorting, dtypes."""
import torch

a = torch.arange(24).reshape(2, 3, 4)
print(a[0, 1], a[:, -1], a[..., 0], a[:, [0, 2]], a[a % 5 == 0], a[0][torch.tensor([True, False, True])], sep="\n")
print(a[:, :, None].shape, a[1, :, ::2], a[torch.tensor([0, 1]), torch.tensor([2, 0])], sep="\n")
b = a.float()
b[0, :, 1:3] = torch.tensor([[9.0, 8.0]])
b[b > 20] = -1
print(b, b.index_select(1, torch.tensor([2, 0]))[0], torch.masked_select(b, b < 0), torch.take(b, torch.tensor([0, 5])), sep="\n")
print(torch.gather(torch.tensor([[1, 2], [3, 4]]), 1, torch.tensor([[0, 0], [1, 0]])))
print(torch.zeros(3, 5).scatter_(0, torch.tensor([[0, 1, 2, 0, 0]]), torch.arange(1.0, 6).unsqueeze(0)))
u, v = torch.arange(3.0).reshape(3, 1), torch.arange(2.0)
print(u + v, torch.outer(u.squeeze(), v), torch.broadcast_tensors(u, v)[1], sep="\n")
A, B = torch.arange(6.0).reshape(2, 3), torch.arange(12.0).reshape(3, 4)
print(torch.einsum("ij,jk->ik", A, B), torch.einsum("bij->bji", a).shape, torch.einsum("i,i", v, v), torch.einsum("...ij->...", b), sep="\n")
print(torch.tensordot(A, B, dims=1).shape, torch.kron(torch.eye(2), v.unsqueeze(0)), torch.trace(A[:, :2]), torch.tril(torch.ones(3, 3)), sep="\n")
print(b.sum(dim=(0, 2)), b.mean(dim=1, keepdim=True).shape, b.min(), b.max(dim=2), b.argmin(dim=1), b.median(), b.norm(), b.std(0).shape, sep="\n")
s = torch.tensor([3.0, 1.0, 2.0, 1.0])
print(s.sort(), s.sort(descending=True, stable=True).indices, s.argsort(), s.unique(return_counts=True), s.topk(2, largest=False), s.flip(0), s.roll(1), sep="\n")
print(torch.cumsum(s, 0), torch.cumprod(s, 0), torch.diff(s), torch.bucketize(s, torch.tensor([1.5, 2.5])), torch.searchsorted(torch.tensor([1.0, 2.0]), s), torch.histc(s, 3), sep="\n")
for x, y in ((torch.tensor(1), torch.tensor(2.5)), (torch.arange(2), 1.5), (torch.ones(2, dtype=torch.float64), torch.ones(2)),
             (torch.ones(2, dtype=torch.int8), torch.ones(2, dtype=torch.uint8)), (torch.ones(2, dtype=torch.bool), 3), (torch.ones(2), 1j)):
    print((x + y).dtype, (x * y).dtype, torch.result_type(x, y))
print(torch.tensor([7, -7]) // 2, torch.tensor([7, -7]) % 3, torch.tensor([7, -7]) / 2, torch.div(torch.tensor([7, -7]), 2, rounding_mode="trunc"), torch.fmod(torch.tensor([7, -7]), 3))
print(torch.tensor([1, 2]).float().dtype, torch.tensor([1.9]).int(), torch.tensor([0, 3]).bool(), torch.tensor(5).item(), torch.finfo(torch.float32).eps, torch.iinfo(torch.int8).max)
c = torch.arange(6)
d = c.view(2, 3)
d[0, 0] = 100
print(c, d.data_ptr() == c.data_ptr(), d.is_contiguous(), d.t().is_contiguous(), d.stride(), d.t().reshape(-1), d.storage_offset(), d[1].storage_offset())
try:
    d.t().view(-1)
except RuntimeError as e:
    print(str(e)[:70])
try:
    torch.ones(2, 3) @ torch.ones(2, 3)
except RuntimeError as e:
    print(str(e)[:54])
try:
    torch.ones(2) + torch.ones(3)
except RuntimeError as e:
    print(str(e)[:88])
try:
    torch.ones(2)[5]
except IndexError as e:
    print(e)
print(torch.cat([A, A], 1).split(4, dim=1)[1], torch.stack([v, v], dim=1), torch.hstack([v, v]), torch.vstack([v, v]), torch.meshgrid(v, v, indexing="ij")[0], torch.combinations(v), sep="\n")
print(torch.allclose(A, A + 1e-9), torch.isclose(torch.tensor(1.0), torch.tensor(1.1)), torch.any(A > 4), torch.all(A >= 0), (A > 2).sum(), torch.count_nonzero(A), torch.logical_xor(A > 2, A < 4))
