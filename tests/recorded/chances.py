"""Distributions: logarithms, moments, entropies, divergences, printing, and the draws that are PyTorch's."""

import numpy as np

MADE = """
Normal(t([0.5, -1.0]), t([1.0, 2.5]))                       | t([0.3, 4.0])
Normal(0.0, 1.0)                                            | t(0.5)
LogNormal(t([0.5, -1.0]), t([1.0, 0.5]))                    | t([0.3, 4.0])
HalfNormal(t([1.0, 2.5]))                                   | t([0.3, 4.0])
Laplace(t([0.5, -1.0]), t([1.0, 2.5]))                      | t([0.3, -4.0])
Gumbel(t([0.5, -1.0]), t([1.0, 2.5]))                       | t([0.3, -4.0])
Cauchy(t([0.5, -1.0]), t([1.0, 2.5]))                       | t([0.3, -4.0])
Uniform(t([0.0, -1.0]), t([1.0, 2.5]))                      | t([0.3, 2.0])
Exponential(t([0.5, 3.0]))                                  | t([0.3, 2.0])
Gamma(t([0.5, 3.0]), t([1.0, 2.0]))                         | t([0.3, 2.0])
Beta(t([0.5, 3.0]), t([1.0, 2.0]))                          | t([0.3, 0.9])
Dirichlet(t([[0.5, 3.0, 1.0]]))                             | t([0.3, 0.5, 0.2])
StudentT(t([3.0, 5.0]), t([0.0, 1.0]), t([1.0, 2.0]))       | t([0.3, -2.0])
MultivariateNormal(t([0.5, -1.0]), t([[2.0, 0.3], [0.3, 1.0]])) | t([[0.3, 4.0], [1.0, 0.0]])
Bernoulli(t([0.2, 0.7]))                                    | t([1.0, 0.0])
Bernoulli(logits=t([0.2, -0.7]))                            | t([1.0, 0.0])
Categorical(t([[0.2, 0.3, 0.5], [1.0, 1.0, 2.0]]))          | i([2, 0])
Categorical(logits=t([0.2, -0.3, 0.5]))                     | i([2, 0, 1])
OneHotCategorical(t([0.2, 0.3, 0.5]))                       | t([0.0, 1.0, 0.0])
Geometric(t([0.2, 0.7]))                                    | t([3.0, 0.0])
Binomial(5, t([0.2, 0.7]))                                  | t([3.0, 0.0])
Multinomial(3, t([0.2, 0.3, 0.5]))                          | t([1.0, 0.0, 2.0])
Poisson(t([0.5, 3.0]))                                      | t([0.0, 4.0])
Independent(d.Normal(t([0.5, -1.0]), t([1.0, 2.5])), 1)     | t([0.3, 4.0])
MixtureSameFamily(d.Categorical(t([0.2, 0.8])), d.Normal(t([0.5, -1.0]), t([1.0, 2.5]))) | t([0.3, 4.0])
"""
OTHER_DRAWS = ("Gamma", "Beta", "Dirichlet", "StudentT", "Binomial", "Poisson")
# PyTorch prints these without their parameters, or with others.
WITHOUT_PARAMETERS = ("LogNormal", "HalfNormal", "Beta", "OneHot", "Mixture", "Multi", "Independent")
PAIRS = """
Normal(t([0.5, -1.0]), t([1.0, 2.5])) | Normal(t([0.0, 1.0]), 2.0)
Bernoulli(t([0.2, 0.7, 0.0])) | Bernoulli(t([0.4, 0.6, 0.5]))
Categorical(t([0.2, 0.3, 0.5])) | Categorical(logits=t([0.1, 0.0, -1.0]))
Uniform(t([0.0, 1.0]), 2.0) | Uniform(0.5, t([3.0, 3.0]))
Exponential(t([0.5, 3.0])) | Exponential(2.0)
Laplace(t([0.5, -1.0]), 1.5) | Laplace(0.0, 2.0)
Gamma(t([0.5, 3.0]), 2.0) | Gamma(t([1.5, 3.0]), 1.0)
Beta(t([0.5, 3.0]), 2.0) | Beta(t([1.5, 3.0]), 1.0)
Dirichlet(t([0.5, 3.0, 1.0])) | Dirichlet(t([1.0, 1.0, 2.0]))
Poisson(t([0.5, 3.0])) | Poisson(2.0)
Geometric(t([0.5, 0.3])) | Geometric(0.2)
MultivariateNormal(t([0.5, -1.0]), t([[2.0, 0.3], [0.3, 1]])) | MultivariateNormal(t([0.0, 1]), t([[1.0, 0], [0, 2]]))
Independent(d.Normal(t([0.5, -1.0]), 1.0), 1) | Independent(d.Normal(t([0.0, 1.0]), 2.0), 1)
"""


def tools(torch, leaves):
    def t(value):
        made = torch.tensor(np.array(value))
        if made.ndim:
            leaves.append(made.requires_grad_())
        return made

    def made(text):
        d = torch.distributions
        return eval(f"d.{text.strip()}", {"torch": torch, "d": d, "t": t, "i": lambda v: torch.tensor(v)})

    return t, made


def tried(f):
    try:
        return f()
    except (NotImplementedError, AttributeError):
        return None


def case_of(text):
    def case(torch):
        leaves = []
        t, made = tools(torch, leaves)
        left, right = text.split("|")
        p = made(left)
        parameters = list(leaves)
        value = eval(right, {"t": t, "i": lambda v: torch.tensor(v)}).detach()
        text_of = None if text.startswith(WITHOUT_PARAMETERS) else repr(p)
        logs = p.log_prob(value)
        found = {"text": text_of, "shapes": [list(p.batch_shape), list(p.event_shape)], "log_prob": logs}
        if logs.requires_grad:
            logs.sum().backward()
        found["grads"] = [x.grad for x in parameters]
        for name in ("mean", "variance", "stddev"):
            found[name] = tried(lambda name=name: getattr(p, name))
        found["entropy"] = (
            None if "Binomial" in text or "Multinomial(" in text or "Poisson" in text else tried(p.entropy)
        )
        if not text.startswith(OTHER_DRAWS):
            torch.manual_seed(3)
            found["draws"] = [p.sample(), p.sample((4,))]
            if p.has_rsample:
                found["moving"] = p.rsample((2, 3))
        return found

    if text.startswith(("Dirichlet", "StudentT")):
        return lambda torch: {k: v for k, v in case(torch).items() if k != "entropy"}
    return case


def divergence_of(text):
    def case(torch):
        leaves = []
        _, made = tools(torch, leaves)
        p, q = map(made, text.split("|"))
        kl = torch.distributions.kl_divergence(p, q)
        kl.sum().backward()
        return {"kl": kl, "grads": [x.grad for x in leaves]}

    return case


CASES = {text: case_of(text) for text in MADE.split("\n") if text}
CASES |= {f"kl of {text}": divergence_of(text) for text in PAIRS.split("\n") if text}
