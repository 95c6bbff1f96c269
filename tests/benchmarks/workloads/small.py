"""Work on few numbers, where what counts is what one operation costs.

Data, loss and derivative by hand of: a parabola, a recurrence of scalars, gradient descent, one layer, a long chain.
"""

import numpy as np

# An array of few numbers times a number of NumPy's takes 0.50 us, times one of Python's 0.77.
TWO, FOUR = np.float32(2), np.float32(4)


def points(random, number):
    return [], [np.linspace(-2, 2, number)]


def parabola(ops, x):
    return ops.sum(2 * x**2 + 2)


def parabola_by_hand(x):
    # np.add.reduce is what .sum() comes to, less one call in Python (1 us of 4).
    return np.add.reduce(TWO * x**2 + TWO), [FOUR * x]


def three_numbers(random, steps):
    return [steps], [np.float64(0.5), np.float64(0.9), np.float64(0.1)]


def recurrence(ops, steps, a, b, c):
    """a <- a b + c, and a <- tanh a after every fifth step; 455 steps are 1,001 operations."""
    for k in range(steps):
        a = a * b + c
        if k % 5 == 4:
            a = ops.tanh(a)
    return a


def recurrence_by_hand(steps, a, b, c):
    tanh = np.tanh
    before, bent = [], []
    for k in range(steps):
        before.append(a)
        a = a * b + c
        if k % 5 == 4:
            a = tanh(a)
            bent.append(a)
    da, db, dc = np.float64(1), np.float64(0), np.float64(0)
    for k in range(steps - 1, -1, -1):
        if k % 5 == 4:
            t = bent.pop()
            da = da * (1 - t * t)
        db = db + da * before.pop()
        dc = dc + da
        da = da * b
    return a, [da, db, dc]


def start(random, steps):
    return [steps, 0.01], [np.ones(1)]


def distance_from_root(ops, x):
    return ops.mean((x**2 - 2) ** 2)


def descent_by_hand(steps, rate, x):
    x = x.copy()
    scale, share = x.dtype.type(4 * rate / x.size), x.dtype.type(1 / x.size)
    for _ in range(steps):
        distance = x * x - TWO
        value = np.add.reduce(distance * distance) * share
        distance *= x
        distance *= scale
        x -= distance
    return value, [x]


def one_layer(random, inputs, outputs):
    return [np.zeros(outputs)], [random.standard_normal(s) for s in (inputs, (inputs, outputs), outputs)]


def cross_entropy(ops, target, x, weight, bias):
    return ops.binary_cross_entropy(ops.matmul(x, weight) + bias, target)


def cross_entropy_by_hand(target, x, weight, bias):
    """log(1 + exp z) - target z, as max(z, 0) + log(1 + exp -|z|) - target z, which never overflows."""
    z = x @ weight + bias
    e = np.exp(-np.abs(z))
    value = np.add.reduce(np.maximum(z, 0) + np.log1p(e) - target * z) / z.size
    dz = (np.where(z < 0, e, 1) / (1 + e) - target) / z.size
    return value, [weight @ dz, np.outer(x, dz), dz]


def four_numbers(random, length):
    return [length], [np.array([1.0, 2.0, 3.0, 4.0])]


def chain(ops, length, x):
    for _ in range(length // 2):
        x = x * 0.9999
        x = x + 0.0001
    return ops.sum(x)


def chain_by_hand(length, x):
    """Step by step, as a tape must: that the slope is a power of 0.9999 is not used."""
    factor, term = x.dtype.type(0.9999), x.dtype.type(0.0001)
    for _ in range(length // 2):
        x = x * factor
        x = x + term
    dx = np.ones_like(x)
    for _ in range(length // 2):
        dx = dx * factor
    return np.add.reduce(x), [dx]
