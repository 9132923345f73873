"""Exception and warning classes, and every message text as a named template.

PyTorch's opening words are kept exactly. Imports nothing and knows nothing of the code that raises.
"""

# ---- element types (dtypes) -----------------------------------------------------------------------------------------

# TypeError: an array whose element type has no tensor counterpart
NUMPY_TYPE = (
    "can't convert np.ndarray of type numpy.{type}. The only supported types are: float64, float32, float16, "
    "complex64, complex128, int64, int32, int16, int8, uint8, and bool."
)
# ValueError: an array in the other byte order
BYTE_ORDER = (
    "given numpy array has byte order different from the native byte order. "
    "Conversion between byte orders is currently not supported."
)
# ImportError: a bfloat16 array is needed and the package behind it is missing
BFLOAT16_PACKAGE = "torch.bfloat16 needs the package ml_dtypes (pip install ml_dtypes)"
# TypeError: set_default_dtype with an integer, bool or complex type
DEFAULT_DTYPE = "only floating-point types are supported as the default type"
# TypeError: set_default_dtype with something that is no dtype
DEFAULT_DTYPE_OBJECT = "invalid dtype object: only floating-point types are supported as the default type"
# TypeError: finfo, iinfo of something that is no dtype
DTYPE_ARGUMENT = "{function}(): argument 'type' (position 1) must be torch.dtype, not {type}"
FINFO = "torch.finfo() requires a floating point input type. Use torch.iinfo to handle 'torch.finfo'"
IINFO = "torch.iinfo() requires an integer input type. Use torch.finfo to handle 'torch.iinfo'"
IINFO_BOOL = "torch.bool is not supported by torch.iinfo"
# TypeError: an operand that is neither a tensor nor a number
NOT_A_NUMBER = "expected a number, got {type}"
# ValueError: result_type of nothing
NO_OPERANDS = "result_type expects at least one operand"
