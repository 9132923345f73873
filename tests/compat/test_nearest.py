"""The choice of the nearest name, and the version text of the alias."""

import pytest

from headgate.compat.nearest import nearest
from headgate.compat.version import Version, follow

NAMES = ["sparse_csr", "sparse_coo", "native_layer_norm", "tensor", "Tensor", "zeros", "zeros_like",
         "log_softmax", "softmax", "matmul", "cross_entropy", "__doc__"]


@pytest.mark.parametrize(
    ("name", "expected"),
    [
        ("tensr", "tensor"),
        ("zerosLike", "zeros_like"),
        ("logsoftmax", "log_softmax"),
        ("matmull", "matmul"),
        ("binary_cross_entropy", "cross_entropy"),
        ("sparse_coo_tensor", "sparse_coo"),
        ("quantize_per_tensor", None),
        ("qr", None),
        ("doc", None),
        ("compile", None),
    ],
)
def test_nearest(name: str, expected: str | None) -> None:
    assert nearest(name, NAMES) == expected


def test_versions_compare_by_numbers() -> None:
    version = follow("0.1.0.dev0")
    assert version == "2.13.0+headgate.0.1.0.dev0"
    assert version > "2.2" and version > "2.9.1+cpu" and version >= "2.13.0" and version < "2.14" and version < "10.0"
    assert version >= (2, 13) and version < (3,) and not version > (2, 13)
    assert isinstance(version, str) and version.startswith("2.13") and version.split(".")[0] == "2"
    assert Version("1.10.0a0+git") > "1.9" and Version("2.0") <= "2.0.0" and Version("2.0.0") <= "2.0"
