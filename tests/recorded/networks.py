"""Functions and modules of neural networks: values, names of operations, gradients, first parameters, printing.

In the expressions `x` draws a tensor that requires a gradient, `i` whole numbers below a bound, `m` truth values; `run`
calls a module on what follows it.
"""

import numpy as np

FUNCTIONS = """
F.conv1d(x(2, 4, 9), x(6, 2, 3), x(6), stride=2, padding=1, dilation=2, groups=2)
F.conv1d(x(4, 9), x(3, 4, 4), padding="same")
F.conv2d(x(2, 2, 6, 5), x(4, 2, 3, 2), x(4), stride=(2, 1), padding=(1, 0))
F.conv2d(x(1, 2, 5, 5), x(2, 2, 3, 3), padding="valid", dilation=2)
F.conv3d(x(1, 2, 4, 5, 3), x(3, 2, 2, 2, 2), x(3), stride=2, padding=1)
F.conv3d(x(1, 4, 3, 3, 3), x(4, 1, 2, 3, 1), groups=4)
F.conv_transpose1d(x(2, 4, 5), x(4, 3, 3), x(3), stride=3, padding=1, output_padding=2)
F.conv_transpose2d(x(2, 4, 3, 4), x(4, 2, 3, 2), x(4), stride=2, padding=1, output_padding=1, groups=2)
F.conv_transpose2d(x(4, 3, 4), x(4, 2, 3, 2), dilation=2, output_padding=1)
F.conv_transpose3d(x(1, 2, 2, 3, 2), x(2, 3, 2, 2, 2), x(3), stride=2)
F.unfold(x(2, 3, 5, 4), (2, 3), dilation=1, padding=1, stride=2)
F.fold(x(2, 12, 12), (4, 5), 2)
F.max_pool1d(x(2, 3, 9), 3, 2, 1)
F.max_pool2d(x(2, 2, 7, 6), (3, 2), stride=2, padding=1, dilation=2, ceil_mode=True)
F.max_pool2d(x(2, 2, 7, 6), 3, return_indices=True)
F.max_pool3d(x(1, 2, 5, 4, 4), 2, stride=1, ceil_mode=True, return_indices=True)
F.max_pool2d(x(2, 5, 5), 2, ceil_mode=True)
F.avg_pool1d(x(2, 3, 9), 3, 2, 1, ceil_mode=True)
F.avg_pool2d(x(2, 2, 7, 6), (3, 2), stride=2, padding=1, count_include_pad=False)
F.avg_pool2d(x(2, 2, 7, 6), 3, stride=2, padding=1, ceil_mode=True, divisor_override=5)
F.avg_pool3d(x(1, 2, 5, 4, 4), 2, ceil_mode=True, count_include_pad=False)
F.lp_pool1d(x(2, 3, 9), 2, 3)
F.lp_pool2d(x(2, 3, 4, 6), 3, 2)
F.adaptive_avg_pool1d(x(2, 3, 7), 3)
F.adaptive_avg_pool2d(x(2, 3, 6, 4), (3, 2))
F.adaptive_avg_pool2d(x(2, 3, 7, 5), (None, 3))
F.adaptive_avg_pool3d(x(1, 2, 5, 4, 3), 2)
F.adaptive_max_pool1d(x(2, 3, 7), 3, return_indices=True)
F.adaptive_max_pool2d(x(2, 3, 7, 5), (3, 2), return_indices=True)
F.adaptive_max_pool3d(x(1, 2, 5, 4, 3), 2)
F.max_unpool2d(*F.max_pool2d(x(1, 2, 4, 4), 2, return_indices=True), 2)
F.batch_norm(x(4, 3, 2, 2), None, None, x(3), x(3), training=True)
F.batch_norm(x(4, 3), x(3).detach(), x(3).detach().abs(), x(3), x(3))
F.group_norm(x(2, 6, 3, 2), 3, x(6), x(6))
F.group_norm(x(2, 4), 2)
F.instance_norm(x(2, 3, 4, 2), weight=x(3), bias=x(3))
F.layer_norm(x(2, 3, 4), (3, 4), x(3, 4), x(3, 4))
F.rms_norm(x(2, 3, 4), (4,), x(4))
F.interpolate(x(1, 2, 5), scale_factor=1.7)
F.interpolate(x(1, 2, 5), size=3, mode="linear")
F.interpolate(x(1, 2, 3, 4), size=(5, 7), mode="bilinear")
F.interpolate(x(1, 2, 3, 4), scale_factor=(2, 1.5), mode="bilinear", align_corners=True)
F.interpolate(x(1, 2, 4, 4), scale_factor=0.5, mode="area")
F.interpolate(x(1, 2, 4, 3), size=(6, 5), mode="bicubic")
F.interpolate(x(1, 2, 4, 3), scale_factor=2.3, mode="bicubic", align_corners=True)
F.interpolate(x(1, 1, 3, 4, 2), size=(2, 5, 3), mode="trilinear")
F.interpolate(x(1, 1, 3, 4), size=(2, 7), mode="nearest-exact")
F.pad(x(2, 3), (1, -1, 0, 2), value=1.5)
F.pad(x(1, 2, 4), (2, 3), mode="reflect")
F.pad(x(1, 2, 3, 3), (1, 2, 2, 0), mode="replicate")
F.pad(x(1, 2, 3, 4), (1, 3, 2, 0), mode="circular")
F.embedding(i(5, 2, 3), x(5, 4), padding_idx=2)
F.embedding_bag(i(6, 3, 4), x(6, 2), mode="mean")
F.embedding_bag(i(6, 7), x(6, 2), torch.tensor([0, 3, 3]), mode="sum", per_sample_weights=x(7))
F.embedding_bag(i(6, 7), x(6, 2), torch.tensor([0, 3]), mode="max")
F.scaled_dot_product_attention(x(2, 3, 4, 5), x(2, 3, 6, 5), x(2, 3, 6, 2))
F.scaled_dot_product_attention(x(2, 4, 5), x(2, 4, 5), x(2, 4, 5), is_causal=True, scale=0.3)
F.scaled_dot_product_attention(x(2, 4, 5), x(2, 6, 5), x(2, 6, 5), attn_mask=m(4, 6))
F.scaled_dot_product_attention(x(2, 4, 5), x(2, 6, 5), x(2, 6, 5), attn_mask=x(2, 4, 6))
F.scaled_dot_product_attention(x(1, 4, 3, 5), x(1, 2, 3, 5), x(1, 2, 3, 5), enable_gqa=True)
"""

MODULES = """
run(nn.Linear(4, 3), x(2, 4))
run(nn.Linear(4, 3, bias=False), x(4))
run(nn.Bilinear(3, 4, 2), x(5, 3), x(5, 4))
run(nn.Conv1d(4, 6, 3, stride=2, padding=1, groups=2), x(2, 4, 7))
run(nn.Conv2d(3, 4, (3, 2), padding="same", bias=False), x(2, 3, 5, 4))
run(nn.Conv2d(2, 3, 3, padding=1, padding_mode="reflect"), x(1, 2, 4, 5))
run(nn.Conv2d(2, 3, 3, padding=(1, 2), padding_mode="circular"), x(1, 2, 4, 5))
run(nn.Conv3d(2, 2, 2), x(1, 2, 3, 3, 3))
run(nn.ConvTranspose1d(4, 2, 3, stride=2), x(2, 4, 3), output_size=[8])
run(nn.ConvTranspose2d(4, 6, 3, stride=2, padding=1, output_padding=1, groups=2), x(1, 4, 3, 2))
run(nn.ConvTranspose3d(2, 3, 2), x(1, 2, 2, 2, 2))
run(nn.MaxPool1d(2), x(1, 2, 6))
run(nn.MaxPool2d(3, 2, padding=1, return_indices=True), x(1, 2, 6, 5))
run(nn.AvgPool2d((2, 3), ceil_mode=True), x(1, 2, 5, 5))
run(nn.AdaptiveAvgPool2d((1, 1)), x(2, 3, 4, 5))
run(nn.AdaptiveMaxPool1d(2), x(2, 3, 5))
run(nn.LPPool2d(2, 2), x(1, 2, 4, 4))
run(nn.BatchNorm1d(3), x(4, 3))
run(nn.BatchNorm1d(3, momentum=None), x(4, 3, 2))
run(nn.BatchNorm2d(3, affine=False), x(2, 3, 2, 2))
run(nn.BatchNorm2d(3, track_running_stats=False).eval(), x(2, 3, 2, 2))
run(nn.BatchNorm3d(2).eval(), x(2, 2, 2, 2, 2))
run(nn.GroupNorm(2, 4), x(3, 4, 2))
run(nn.InstanceNorm1d(3), x(2, 3, 4))
run(nn.InstanceNorm2d(3, affine=True, track_running_stats=True), x(2, 3, 2, 2))
run(nn.LayerNorm(4), x(2, 4))
run(nn.LayerNorm((3, 4), bias=False), x(2, 3, 4))
run(nn.RMSNorm(4), x(2, 4))
run(nn.Embedding(5, 3, padding_idx=0), i(5, 2, 4))
run(nn.Embedding(5, 3, max_norm=1.0), i(5, 4))
run(nn.EmbeddingBag(5, 3, mode="sum"), i(5, 2, 4))
run(nn.Flatten(), x(2, 3, 4))
run(nn.Unflatten(1, (2, 3)), x(2, 6))
run(nn.Identity(3, a=1), x(2))
run(nn.PReLU(), x(2, 3))
run(nn.PReLU(3), x(2, 3))
run(nn.Upsample(scale_factor=2), x(1, 2, 3, 2))
run(nn.Upsample(size=(4, 5), mode="bilinear"), x(1, 2, 3, 2))
run(nn.ReflectionPad2d(1), x(1, 2, 3, 3))
run(nn.ZeroPad2d((1, 0, 2, 1)), x(1, 2, 3, 3))
run(nn.ConstantPad1d(2, 3.5), x(1, 2, 3))
run(nn.ReplicationPad3d(1), x(1, 1, 2, 2, 2))
run(nn.CircularPad1d((1, 2)), x(1, 2, 3))
run(nn.PixelShuffle(2), x(1, 4, 2, 2))
run(nn.CosineSimilarity(dim=1), x(3, 4), x(3, 4))
run(nn.PairwiseDistance(), x(3, 4), x(3, 4))
run(nn.Dropout(0.5), x(4, 4))
run(nn.Dropout2d(0.5), x(3, 4, 2, 2))
run(nn.Dropout1d(0.5), x(8, 2))
run(nn.AlphaDropout(0.3), x(5, 5))
run(nn.FeatureAlphaDropout(0.3), x(3, 5, 2))
run(nn.Dropout(0.5).eval(), x(4, 4))
run(nn.Softmax2d(), x(1, 3, 2, 2))
run(nn.Sequential(nn.Linear(3, 4), nn.ReLU(), nn.Sequential(nn.Linear(4, 2), nn.LogSoftmax(dim=1))), x(2, 3))
run(nn.RNN(3, 4), x(5, 2, 3))
run(nn.RNN(3, 4, 2, nonlinearity="relu", batch_first=True, bidirectional=True), x(2, 5, 3), x(4, 2, 4))
run(nn.RNN(3, 4, bias=False), x(5, 3))
run(nn.LSTM(3, 4), x(5, 2, 3))
run(nn.LSTM(3, 4, 2, bidirectional=True), x(4, 2, 3), (x(4, 2, 4), x(4, 2, 4)))
run(nn.LSTM(3, 4, batch_first=True, proj_size=2), x(2, 5, 3))
run(nn.LSTM(3, 4), x(5, 3))
run(nn.LSTM(3, 4, num_layers=2, dropout=0.5), x(4, 2, 3))
run(nn.GRU(3, 4), x(5, 2, 3))
run(nn.GRU(3, 4, 2, batch_first=True, bidirectional=True), x(2, 4, 3))
run(nn.RNNCell(3, 4), x(2, 3), x(2, 4))
run(nn.RNNCell(3, 4, nonlinearity="relu", bias=False), x(3))
run(nn.LSTMCell(3, 4), x(2, 3))
run(nn.LSTMCell(3, 4), x(2, 3), (x(2, 4), x(2, 4)))
run(nn.GRUCell(3, 4), x(2, 3), x(2, 4))
run(nn.MultiheadAttention(6, 2), x(4, 3, 6), x(5, 3, 6), x(5, 3, 6))
run(nn.MultiheadAttention(6, 2, batch_first=True, bias=False), *[x(3, 4, 6)] * 3, attn_mask=causal(4), is_causal=True)
run(nn.MultiheadAttention(6, 3, kdim=4, vdim=5, batch_first=True), x(2, 3, 6), x(2, 4, 4), x(2, 4, 5))
run(nn.MultiheadAttention(6, 2), x(4, 6), x(5, 6), x(5, 6), need_weights=False)
run(nn.MultiheadAttention(6, 2, batch_first=True), *[x(3, 4, 6)] * 3, key_padding_mask=late(3, 4))
run(nn.MultiheadAttention(6, 2, add_bias_kv=True, add_zero_attn=True), *[x(4, 3, 6)] * 3, average_attn_weights=False)
run(nn.TransformerEncoderLayer(6, 2, 8, dropout=0.0), x(4, 3, 6))
run(nn.TransformerEncoderLayer(6, 2, 8, 0.0, "gelu", batch_first=True, norm_first=True), x(3, 4, 6), causal(4))
run(nn.TransformerDecoderLayer(6, 2, 8, dropout=0.0), x(4, 3, 6), x(5, 3, 6))
run(nn.TransformerEncoder(nn.TransformerEncoderLayer(6, 2, 8, 0.0), 2, nn.LayerNorm(6)), x(4, 3, 6))
run(nn.TransformerDecoder(nn.TransformerDecoderLayer(6, 2, 8, 0.0), 2), x(4, 3, 6), x(5, 3, 6), causal(4))
run(nn.Transformer(6, 2, 1, 1, 8, 0.0), x(4, 2, 6), x(3, 2, 6))
run(nn.TransformerEncoderLayer(6, 2, 8), x(4, 3, 6))
run(nn.LazyLinear(3), x(2, 4))
run(nn.LazyConv2d(3, 2, stride=2), x(1, 2, 4, 4))
run(nn.LazyBatchNorm1d(), x(4, 3))
"""

REPRS = """
nn.ReLU() nn.ReLU(inplace=True) nn.ReLU6() nn.ELU() nn.SELU(inplace=True) nn.CELU(2.0) nn.GELU() nn.GELU("tanh")
nn.Hardshrink() nn.Hardsigmoid() nn.Hardtanh() nn.Hardswish() nn.LeakyReLU(0.1) nn.LogSigmoid() nn.Mish() nn.RReLU()
nn.SiLU() nn.Sigmoid() nn.Softmax(dim=1) nn.Softmin(1) nn.LogSoftmax(1) nn.Softplus() nn.Softshrink() nn.Softsign()
nn.Tanh() nn.Tanhshrink() nn.Threshold(0.1,20) nn.GLU() nn.Dropout(0.2) nn.Dropout3d() nn.AlphaDropout()
nn.PixelUnshuffle(2) nn.ChannelShuffle(2) nn.LocalResponseNorm(2) nn.CrossEntropyLoss() nn.MSELoss() nn.BCELoss()
nn.BCEWithLogitsLoss() nn.KLDivLoss() nn.L1Loss() nn.HuberLoss() nn.SmoothL1Loss() nn.NLLLoss() nn.PoissonNLLLoss()
nn.GaussianNLLLoss() nn.MarginRankingLoss() nn.HingeEmbeddingLoss() nn.MultiLabelMarginLoss() nn.SoftMarginLoss()
nn.MultiLabelSoftMarginLoss() nn.CosineEmbeddingLoss() nn.MultiMarginLoss() nn.TripletMarginLoss()
nn.LazyLinear(3) nn.LazyConv1d(3,2) nn.ModuleList([nn.Linear(2,2),nn.Linear(2,2),nn.ReLU()])
nn.ModuleDict({"a":nn.ReLU(),"b":nn.Linear(1,2)}) nn.ParameterList([torch.zeros(2,3)])
nn.ParameterDict({"w":nn.Parameter(torch.zeros(2))}) nn.Sequential() nn.Fold((4,5),2) nn.Unfold(2)
nn.UpsamplingNearest2d(size=3) nn.MaxUnpool2d(2) nn.FractionalMaxPool2d
"""


# PyTorch's name tells how it computes these; modules are named by their functions.
UNNAMED = ("run(", "instance_norm", "circular", "enable_gqa")


def tools(torch, device):
    rng = np.random.RandomState(7)
    leaves = []

    def x(*shape):
        leaves.append(
            torch.tensor(np.round(rng.standard_normal(shape), 3), device=device, requires_grad=True)
        )
        return leaves[-1]

    def i(below, *shape):
        return torch.tensor(rng.randint(0, below, shape), device=device)

    def m(*shape):
        made = rng.uniform(size=shape) < 0.6
        made[..., 0] = True
        return torch.tensor(made, device=device)

    def causal(n):
        return torch.tensor(np.triu(np.full((n, n), -np.inf), 1), device=device)

    def late(rows, columns):
        return torch.tensor(np.arange(columns) >= 2 + np.arange(rows)[:, None], device=device)

    return {"x": x, "i": i, "m": m, "causal": causal, "late": late}, leaves


def flat(value):
    if isinstance(value, (list, tuple)):
        return [t for v in value for t in flat(v)]
    return [] if value is None else [value]


def case_of(text):
    def case(torch, device=None):
        words, leaves = tools(torch, device)
        modules = []

        def run(module, *args, **kwargs):
            modules.append((module.to(device or "cpu"), repr(module)))
            if any("Lazy" in type(m).__name__ for m in module.modules()):
                module(*(a.detach().float() for a in args))
            return module.double()(*args, **kwargs)

        nn = torch.nn
        out = flat(eval(text, {"torch": torch, "nn": nn, "F": nn.functional, "run": run, **words}))
        total = 0
        rng = np.random.RandomState(3)
        for y in out:
            if y.requires_grad:
                total = total + (y * torch.tensor(rng.uniform(-1, 1, tuple(y.shape)), device=device)).sum()
        first = out[0].grad_fn
        named = first is not None and not any(word in text for word in UNNAMED)
        found = {"out": out, "name": first.name() if named else None}
        if not isinstance(total, int):
            total.backward()
        found["grads"] = [t.grad for t in leaves]
        for module, text_of in modules:
            found["repr"] = text_of if repr(module) == text_of else [text_of, repr(module)]
            found["state"] = dict(module.state_dict())
            found["parameters"] = {k: p.grad for k, p in module.named_parameters()}
        return found

    if "Lazy" in text:  # their first call is in float32
        case.tolerance = 1e-6
    return case


def repr_of(text):
    return lambda torch: repr(eval(text, {"torch": torch, "nn": torch.nn}))


CASES = {text: case_of(text) for text in (FUNCTIONS + MODULES).split("\n") if text}
CASES |= {f"repr of {text}": repr_of(text) for text in REPRS.split() if text.endswith(")")}
