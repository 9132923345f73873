"""`torch.testing`: what tests of tensors need. This file only re-exports."""

from headgate.testing._comparison import assert_allclose as assert_allclose
from headgate.testing._comparison import assert_close as assert_close
from headgate.testing._creation import make_tensor as make_tensor
