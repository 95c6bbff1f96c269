"""What is recorded of a result: small tensors whole, of large ones two weighted sums; text and numbers as they are."""

import numpy as np

WHOLE = 12


def summary(value):
    """Give a result in words that JSON knows."""
    if isinstance(value, dict):
        return {str(k): summary(v) for k, v in value.items()}
    if isinstance(value, (list, tuple)):
        return [summary(v) for v in value]
    if value is None or isinstance(value, (str, bool, int)):
        return value
    if isinstance(value, float):
        return float(f"{value:.12g}")
    array = value.detach().cpu().numpy()
    name = str(array.dtype)
    array = np.asarray(array, np.complex128 if array.dtype.kind == "c" else np.float64)
    digits = 12 if name.endswith(("64", "128")) else 7
    if array.size > WHOLE:
        rng = np.random.RandomState(array.size)
        flat = array.reshape(-1)
        kept = [
            (flat * rng.uniform(0.5, 1.5, flat.size) * rng.choice([-1, 1], flat.size)).sum() for _ in range(2)
        ]
        scale = float(np.abs(flat[np.isfinite(flat)]).sum())
    else:
        kept, scale = array.reshape(-1), 0.0
    kept = [[v.real, v.imag] if isinstance(v, complex) else v for v in np.asarray(kept).tolist()]
    return {
        "dtype": name,
        "shape": list(array.shape),
        "values": _rounded(kept, digits),
        "scale": _rounded(scale, 6),
    }


def _rounded(value, digits):
    return [_rounded(v, digits) for v in value] if isinstance(value, list) else float(f"{value:.{digits}g}")


def same(found, expected, tolerance, where=""):
    """Hold two summaries to one another."""
    if isinstance(expected, dict) and "scale" in expected:
        assert (found["dtype"], found["shape"]) == (expected["dtype"], expected["shape"]), where
        bound = tolerance or (1e-9 if expected["dtype"].endswith(("64", "128")) else 2e-5)
        np.testing.assert_allclose(
            found["values"],
            expected["values"],
            rtol=bound,
            atol=bound * (1 + expected["scale"]),
            err_msg=where,
        )
    elif isinstance(expected, dict):
        assert list(found) == list(expected), where
        for k, v in expected.items():
            same(found[k], v, tolerance, f"{where}/{k}")
    elif isinstance(expected, list):
        assert len(found) == len(expected), where
        for i, (f, e) in enumerate(zip(found, expected, strict=True)):
            same(f, e, tolerance, f"{where}[{i}]")
    elif isinstance(expected, float):
        assert found == expected or abs(found - expected) <= (tolerance or 1e-9) * max(1, abs(expected)), (
            where
        )
    else:
        assert found == expected, where
