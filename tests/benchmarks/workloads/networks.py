"""Networks, where what counts is the products of matrices and what is done between them.

Data, loss and derivative by hand of: fully connected layers, attention after a layer norm, two convolutions.
"""

from itertools import pairwise

import numpy as np


def layers(random, batch, *widths):
    constants = [random.standard_normal((batch, widths[0])), random.integers(0, widths[-1], batch)]
    leaves = []
    for fan_in, fan_out in pairwise(widths):
        leaves += [random.standard_normal((fan_in, fan_out)) * (2 / fan_in) ** 0.5]
        leaves += [random.standard_normal(fan_out) * 0.1]
    return constants, leaves


def network(ops, x, labels, *leaves):
    for weight, bias in zip(leaves[:-2:2], leaves[1:-2:2], strict=True):
        x = ops.relu(ops.matmul(x, weight) + bias)
    return ops.cross_entropy(ops.matmul(x, leaves[-2]) + leaves[-1], labels)


def network_by_hand(x, labels, *leaves):
    weights, biases = leaves[::2], leaves[1::2]
    seen = [x]  # what each layer was given
    for weight, bias in zip(weights[:-1], biases[:-1], strict=True):
        x = x @ weight
        x += bias
        seen.append(np.maximum(x, 0, out=x))
    x = x @ weights[-1]
    x += biases[-1]
    value, d = softmax_cross_entropy(x, labels)
    gradients = []
    while True:
        given = seen.pop()
        gradients = [given.T @ d, d.sum(axis=0), *gradients]
        if not seen:
            return value, gradients
        d = d @ weights[len(seen)].T
        d *= given > 0


def softmax_cross_entropy(z, labels):
    """Give the mean of -log softmax(z) at the labels, and its gradient by z: softmax less one at the label."""
    rows = np.arange(len(z))
    z = z - z.max(axis=1, keepdims=True)
    e = np.exp(z)
    total = e.sum(axis=1, keepdims=True)
    value = (np.log(total[:, 0]) - z[rows, labels]).mean()
    e /= total
    e[rows, labels] -= 1
    e /= len(z)
    return value, e


def sequences(random, batch, length, width):
    x = random.standard_normal((batch, length, width))
    gain, shift = 1 + 0.1 * random.standard_normal(width), 0.1 * random.standard_normal(width)
    return [], [x, gain, shift, *(random.standard_normal((3, width, width)) / width**0.5)]


def attention(ops, x, gain, shift, to_query, to_key, to_value):
    x = ops.layer_norm(x, gain, shift)
    query, key, value = ops.matmul(x, to_query), ops.matmul(x, to_key), ops.matmul(x, to_value)
    scores = ops.matmul(query, ops.transpose(key)) * x.shape[-1] ** -0.5
    out = ops.matmul(ops.softmax(scores), value)
    return ops.sum(out * out)


def attention_by_hand(x, gain, shift, to_query, to_key, to_value):
    shape, width = x.shape, x.shape[-1]
    scale = width**-0.5

    # Layer norm, three products of one flat matrix, scores, softmax, mean of values.
    normal = x - x.mean(axis=-1, keepdims=True)
    spread = np.sqrt((normal * normal).mean(axis=-1, keepdims=True) + 1e-5)
    normal /= spread
    given = normal * gain
    given += shift
    flat = given.reshape(-1, width)
    query, key, value = ((flat @ w).reshape(shape) for w in (to_query, to_key, to_value))
    part = query @ key.transpose(0, 2, 1)
    part *= scale
    part -= part.max(axis=-1, keepdims=True)
    np.exp(part, out=part)
    part /= part.sum(axis=-1, keepdims=True)
    out = part @ value

    # And back. Softmax: part * (d - the sum of part * d along the row).
    dout = 2 * out
    dpart = dout @ value.transpose(0, 2, 1)
    dpart -= np.einsum("bij,bij->bi", part, dpart)[..., None]
    dpart *= part
    dpart *= scale
    dquery = (dpart @ key).reshape(-1, width)
    dkey = (dpart.transpose(0, 2, 1) @ query).reshape(-1, width)
    dvalue = (part.transpose(0, 2, 1) @ dout).reshape(-1, width)
    dgiven = dquery @ to_query.T
    dgiven += dkey @ to_key.T
    dgiven += dvalue @ to_value.T

    # Layer norm: what is left of d after its mean and its share along the normal are taken out, over the spread.
    flat_normal = normal.reshape(-1, width)
    dgain, dshift = np.einsum("ij,ij->j", dgiven, flat_normal), dgiven.sum(axis=0)
    dx = (dgiven * gain).reshape(shape)
    along = np.einsum("bij,bij->bi", dx, normal)[..., None]
    along /= width
    dx -= dx.mean(axis=-1, keepdims=True)
    dx -= normal * along
    dx /= spread
    return np.vdot(out, out), [dx, dgain, dshift, flat.T @ dquery, flat.T @ dkey, flat.T @ dvalue]


def images(random, batch, side, first, second, classes):
    """Kernels of 3x3, a pooling of 2x2 between the two convolutions."""
    left = ((side - 2) // 2 - 2) ** 2 * second
    constants = [random.standard_normal((batch, 1, side, side)), random.integers(0, classes, batch)]
    shapes = (first, 1, 3, 3), (first,), (second, first, 3, 3), (second,), (left, classes), (classes,)
    scales = 0.3, 0.1, 0.1, 0.1, 0.02, 0.0
    return constants, [random.standard_normal(s) * c for s, c in zip(shapes, scales, strict=True)]


def convolution(ops, x, labels, kernel1, bias1, kernel2, bias2, weight, bias):
    x = ops.max_pool(ops.relu(ops.conv2d(x, kernel1, bias1)))
    x = ops.flatten(ops.conv2d(x, kernel2, bias2))
    return ops.cross_entropy(ops.matmul(x, weight) + bias, labels)


def convolution_by_hand(x, labels, kernel1, bias1, kernel2, bias2, weight, bias):
    """A convolution is the product of its kernels as rows by the patches of each image as columns."""
    batch, first, second = len(x), len(kernel1), len(kernel2)
    rows1, rows2 = kernel1.reshape(first, -1), kernel2.reshape(second, -1)
    side, pooled_side = x.shape[-1] - 2, (x.shape[-1] - 2) // 2

    patches1 = patches(x)
    rectified = rows1 @ patches1
    rectified += bias1[:, None]
    np.maximum(rectified, 0, out=rectified)
    windows = rectified.reshape(batch, first, pooled_side, 2, pooled_side, 2)
    pooled = np.maximum(windows[:, :, :, 0], windows[:, :, :, 1])
    pooled = np.maximum(pooled[..., 0], pooled[..., 1])
    patches2 = patches(pooled)
    last = rows2 @ patches2
    last += bias2[:, None]
    flat = last.reshape(batch, -1)
    z = flat @ weight
    z += bias
    value, dz = softmax_cross_entropy(z, labels)

    dlast = (dz @ weight.T).reshape(last.shape)
    dpooled = patches_back(rows2.T @ dlast, pooled.shape)
    dpooled *= pooled > 0
    # The entry of a window that is its maximum gets the gradient; no two of them are equal and positive here.
    drectified = np.empty_like(windows)
    for i in range(2):
        for j in range(2):
            np.multiply(dpooled, windows[:, :, :, i, :, j] == pooled, out=drectified[:, :, :, i, :, j])
    drectified = drectified.reshape(batch, first, side * side)
    dkernel1 = (drectified @ patches1.transpose(0, 2, 1)).sum(axis=0).reshape(kernel1.shape)
    dkernel2 = (dlast @ patches2.transpose(0, 2, 1)).sum(axis=0).reshape(kernel2.shape)
    dbias1, dbias2 = drectified.sum(axis=(0, 2)), dlast.sum(axis=(0, 2))
    return value, [dkernel1, dbias1, dkernel2, dbias2, flat.T @ dz, dz.sum(axis=0)]


def patches(x):
    """Give the 3x3 patches of each image (channels, height, width) as columns, one for every place of a kernel."""
    batch, channels, height, width = x.shape
    columns = np.empty((batch, channels, 3, 3, height - 2, width - 2), x.dtype)
    for i in range(3):
        for j in range(3):
            columns[:, :, i, j] = x[:, :, i : i + height - 2, j : j + width - 2]
    return columns.reshape(batch, channels * 9, -1)


def patches_back(columns, shape):
    """Add each entry of the patches to the entry of the images that it was copied from."""
    batch, channels, height, width = shape
    columns = columns.reshape(batch, channels, 3, 3, height - 2, width - 2)
    images = np.zeros(shape, columns.dtype)
    for i in range(3):
        for j in range(3):
            images[:, :, i : i + height - 2, j : j + width - 2] += columns[:, :, i, j]
    return images
