"""What PyTorch has and gradmagic has not: names that are refused, each with the nearest thing that there is.

In: a module's name and the name that was asked for. Out: an error that says what to write, or suggests a spelling.
Which names of PyTorch's documentation are there, refused or absent stands in NAMES.md; a test keeps it true.
"""

from __future__ import annotations

import difflib
import re
from collections.abc import Iterable
from typing import NoReturn

from .errors import MissingError
from .language import mark, tr

_WINDOWS = mark("gm.fft.rfft(x.unfold(-1, n, step) * gm.hann_window(n)) gives the spectra of windows")
_BITS = mark("NumPy has no such numbers: gm.float16, gm.float32, gm.int8 and gm.uint8 are there")
_SPARSE = mark(
    "tensors are dense here: gm.zeros(...).index_put((rows, columns), values) makes one of a sparse matrix"
)
_COMPILED = mark("a program runs as it is written: call the function itself")
_PARALLEL = mark("there is one process and one device: call the module itself")
_ARRAYS = mark(
    "memory belongs to NumPy: t.detach().numpy() gives it, and its .base and .ctypes what lies behind it"
)
# By module ("" is torch itself): patterns of names, and what there is instead.
REFUSED: dict[str, dict[str, str]] = {
    "": {
        r"i?stft": _WINDOWS,
        r".*quantize.*|quantized_.*|q(u?)int.*|choose_qparams.*|dequantize": _BITS,
        r"bfloat16|float[48]_.*|complex32|chalf|bits?\d*(x\d)?|bits\w+|u?int[1-7]|bit": _BITS,
        r"sparse_.*|hspmm|s?smm|sspaddmm|(ccol|crow|col|row)?_?indices_copy|values_copy": _SPARSE,
        r"sym_.*|Sym.*|compile|Script.*|cond|parse_.*|import_ir.*|merge_type.*|unify_type.*|Tag|DispatchKey": _COMPILED,
        r"fork|wait|Stream|Event|thread_safe_generator|AggregationType|AVG|SUM": _PARALLEL,
        r"autocast.*|GradScaler|(get|is|set)_autocast.*": mark(
            "write t.to(gm.float16) where fewer digits will do"
        ),
        r"geqrf|ormqr|lu_unpack|lobpcg": mark(
            "gm.linalg.qr, gm.linalg.lu and gm.linalg.eigh give the factors themselves"
        ),
        r"(get|set)_num_.*|init_num_threads|.*_warn_always.*|.*deterministic.*|set_flush_denormal": mark(
            "NumPy has no such switch: threads are set by OMP_NUM_THREADS before Python starts"
        ),
        r"get_device_module|AcceleratorError|OutOfMemoryError": mark("gm.cuda says what the GPU is"),
        r"has_.*|hash_tensor|is_storage|from_file|is_inference.*": _ARRAYS,
        r"\w+_copy": mark("write the function without _copy, and .clone()"),
        r"histogramdd": mark("np.histogramdd(t.detach().numpy()) counts; it has no gradient"),
        r"conv_tbc|native_channel_shuffle|nonzero_static|as_strided_scatter|empty_(permuted|strided)": mark(
            "the everyday form of it is there: conv1d, channel_shuffle, nonzero, as_strided, empty"
        ),
    },
    "Tensor": {
        "istft|stft": _WINDOWS,
        "coalesce|is_coalesced|col_indices|crow_indices|indices|values|dense_dim|sparse_dim|sparse_mask|sparse_resize_|"
        "sparse_resize_and_clear_|smm|sspaddmm|to_mkldnn|to_sparse|to_sparse_bsc|to_sparse_bsr|to_sparse_coo|"
        "to_sparse_csc|to_sparse_csr": _SPARSE,
        "q_per_channel_axis|q_per_channel_scales|q_per_channel_zero_points|q_scale|q_zero_point|qscheme|int_repr|"
        "dequantize|bfloat16|chalf": _BITS,
        "storage|storage_type|set_|module_load|is_set_to|const_data_ptr|record_stream|pin_memory|"
        "dim_order": _ARRAYS,
        "geqrf|ormqr|lu": mark("gm.linalg.qr and gm.linalg.lu give the factors themselves"),
        "register_post_accumulate_grad_hook": mark("t.register_hook(f) is there"),
        "lu_solve|orgqr|hardshrink": mark(
            "gm.linalg.lu_solve, gm.linalg.householder_product and gm.hardshrink are there"
        ),
        "apply_|map_|map2_": mark("write the function of the whole tensor: it is faster, and has a gradient"),
        "xpu|ipu|mtia|hpu|is_ipu|is_mtia": mark('the devices are "cpu" and "cuda"'),
        "resize_|resize_as_": mark(
            "t.reshape(...) gives the same entries in another shape, and gm.empty(...) new ones"
        ),
        "narrow_copy|nonzero_static|as_strided_|as_strided_scatter|new_empty_strided|index|grad_dtype|to_padded_tensor|"
        "as_subclass": mark("the everyday form of it is there: narrow, nonzero, as_strided, new_empty, t[i]"),
    },
    "nn": {
        r"CTCLoss": mark("F.cross_entropy for each step, where the alignment is known"),
        r"FractionalMaxPool.*": mark(
            "nn.AdaptiveMaxPool2d gives any size of output, without drawing the windows"
        ),
        r"AdaptiveLogSoftmaxWithLoss|LinearCrossEntropy.*": mark("nn.Linear and nn.CrossEntropyLoss"),
        r"DataParallel|SyncBatchNorm": _PARALLEL,
        r"Uninitialized.*|Buffer|RNNBase": mark(
            "self.register_buffer(name, t), the lazy modules and nn.RNN are there"
        ),
    },
    "nn.functional": {
        r"ctc_loss": mark("F.cross_entropy for each step, where the alignment is known"),
        r"grid_sample|affine_grid|GRID_SAMPLE.*": mark(
            "F.interpolate resizes; scipy.ndimage.affine_transform, which has a derivative here, turns and moves"
        ),
        r"fractional_max_pool.*": mark(
            "F.adaptive_max_pool2d gives any size of output, without drawing the windows"
        ),
        r"(adaptive_)?max_pool\dd_with_indices": mark(
            "the function without _with_indices takes return_indices=True"
        ),
        r"multi_head_attention_forward": mark("F.scaled_dot_product_attention, or nn.MultiheadAttention"),
        r"upsample_.*": mark('F.interpolate(x, scale_factor=2, mode="nearest") or mode="bilinear"'),
        r"linear_cross_entropy": mark("F.cross_entropy(F.linear(x, w), y)"),
        r"(scaled_)?(grouped_)?mm|scaled_.*mm|ScalingType|SwizzleType": mark("a @ b"),
        r"conv_tbc|native_channel_shuffle|boolean_dispatch": mark("F.conv1d and F.channel_shuffle"),
    },
    "nn.init": {
        r"\w+[^_]": mark("the name with an underscore at its end writes into the tensor, as this one did")
    },
    "optim": {r"Adafactor|Muon|SparseAdam": mark("optim.AdamW and optim.Adam are there")},
    "special": {r"\w*chebyshev_polynomial_[vw]": mark("chebyshev_polynomial_t and _u are there")},
    "linalg": {r"ldl_.*": mark("gm.linalg.cholesky, lu_factor and solve are there")},
}


def instead_of(module: str, name: str) -> str:
    """Give what there is in place of a name of PyTorch's that is refused; "" of any other."""
    return next((text for names, text in REFUSED.get(module, {}).items() if re.fullmatch(names, name)), "")


def missing(module: str, name: str, there: Iterable[str], what: str = "") -> AttributeError:
    """Make the error of a name that a module has not.

    Examples
    --------
    >>> missing("fft", "rftt", ["fft", "rfft"])
    AttributeError("module 'gradmagic.fft' has no attribute 'rftt': did you mean 'rfft'?")
    """
    full = f"gradmagic.{module}" if module else "gradmagic"
    has_none = what or f"module {full!r} has no attribute {name!r}"
    if instead := instead_of(module, name):
        return MissingError(
            tr("{has_none}, which PyTorch has: {instead}.", has_none=has_none, instead=tr(instead))
        )
    near = [] if name.startswith("_") else difflib.get_close_matches(name, list(there), 1, 0.75)
    if near:
        return AttributeError(tr("{has_none}: did you mean {name!r}?", has_none=has_none, name=near[0]))
    return AttributeError(has_none)


class Refused:
    """A method of PyTorch's that Tensor has not: asking for it says so, and `hasattr` is False.

    Not by `__getattr__`: with one, CPython gives a class each of its attributes later, an operator 100 ns later.
    """

    def __init__(self, name: str) -> None:
        self._name = name

    def __get__(self, value: object, owner: type) -> NoReturn:
        raise missing("Tensor", self._name, (), f"'Tensor' object has no attribute {self._name!r}")
