"""Which functions autocast acts upon on the CPU, and how: PyTorch's lists, by the public names of functions.

Only names; what is done is told in `casting`. What is in no list computes in the type of what it gets.
"""

from __future__ import annotations

#: Computed in the narrow type.
NARROW = """
    addbmm addmm baddbmm bmm mm matmul linalg.vecdot prelu nn.functional.prelu conv1d conv2d conv3d conv_tbc
    conv_transpose1d conv_transpose2d conv_transpose3d nn.functional.linear
    nn.functional.scaled_dot_product_attention nn.functional.multi_head_attention_forward
    rnn_tanh_cell rnn_relu_cell rnn_tanh rnn_relu lstm
""".split()

#: The same, but refused as without autocast if the types differ.
NARROW_IF_ALIKE = "chain_matmul linalg.multi_dot".split()

#: Computed as it comes, and rounded to the narrow type at the end: PyTorch's last step there is a product.
NARROW_RESULT = "cov corrcoef linalg.pinv".split()

#: Recurrent steps: products in the narrow type, but sums with the states in the states' type.
STATES = "gru gru_cell lstm_cell".split()

#: Computed in float32.
WIDE = """
    prod quantile nanquantile trace cdist grid_sampler nn.functional.grid_sample
    cholesky linalg.cholesky linalg.cholesky_ex cholesky_inverse cholesky_solve inverse linalg.inv linalg.inv_ex
    linalg.cond linalg.matrix_rank linalg.solve pinverse linalg.svd svd linalg.svdvals linalg.eigh
    linalg.eigvalsh linalg.householder_product orgqr linalg.tensorinv linalg.tensorsolve linalg.qr qr linalg.lstsq
    lu_solve
    nn.functional.avg_pool3d nn.functional.adaptive_avg_pool3d nn.functional.adaptive_max_pool3d
    nn.functional.adaptive_max_pool3d_with_indices max_pool3d
    nn.functional.max_unpool1d nn.functional.max_unpool2d nn.functional.max_unpool3d
    nn.functional.fractional_max_pool2d nn.functional.fractional_max_pool2d_with_indices
    nn.functional.fractional_max_pool3d nn.functional.fractional_max_pool3d_with_indices nn.functional.lp_pool3d
    nn.functional.binary_cross_entropy nn.functional.binary_cross_entropy_with_logits binary_cross_entropy_with_logits
    nn.functional.mse_loss nn.functional.cosine_embedding_loss cosine_embedding_loss nn.functional.nll_loss
    nn.functional.cross_entropy nn.functional.hinge_embedding_loss hinge_embedding_loss
    nn.functional.poisson_nll_loss poisson_nll_loss nn.functional.smooth_l1_loss nn.functional.l1_loss
    nn.functional.huber_loss nn.functional.margin_ranking_loss margin_ranking_loss nn.functional.soft_margin_loss
    nn.functional.triplet_margin_loss triplet_margin_loss nn.functional.multi_margin_loss
    nn.functional.multilabel_margin_loss nn.functional.ctc_loss ctc_loss nn.functional.kl_div kl_div
""".split()

#: Computed in the widest of the inputs' types, float32 and the narrow one.
WIDEST = """
    cat concat concatenate stack hstack vstack dstack row_stack column_stack combinations index_copy
""".split()

#: Computed as it comes, though made of products here. Gradients too: operations' rules compute in the types recorded.
ALONE = """
    bilinear nn.functional.bilinear linalg.lu_solve linalg.solve_ex autograd.backward autograd.grad Tensor.backward
""".split()
