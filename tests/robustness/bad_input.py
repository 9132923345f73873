"""Programs that must fail and change nothing: wrong shapes, dtypes, dims, overlaps, leaves, gradients, objects.

Each row is an expression that fails after the setup. The expected class is PyTorch's, found by running PyTorch; nothing
is known here of the library under test.
"""

from __future__ import annotations

SETUP = """
p = torch.arange(6.0).reshape(2, 3); q = torch.arange(6.0).reshape(3, 2); v = torch.tensor([1.0, 2.0, 3.0])
s = torch.tensor(2.0); i = torch.tensor([0, 1, 2]); b = torch.tensor([True, False, True])
f = torch.tensor([1.0, 2.0, 3.0], dtype=torch.float64); a = torch.tensor([1.0, 2.0, 3.0], requires_grad=True)
m = torch.ones(2, 3, requires_grad=True); y = a * 2; z = (y * y).sum(); e = torch.ones(1).expand(3)
"""

SHAPES = [
    "p + q", "p - torch.ones(2)", "p * torch.ones(4)", "p / torch.ones(2, 2)", "p @ p", "v @ p",
    "p @ torch.ones(2)", "torch.mm(p, p)", "torch.mm(p, v)", "torch.mv(p, torch.ones(2))", "torch.bmm(p, q)",
    "torch.dot(v, torch.ones(2))", "torch.dot(p, p)", "torch.bmm(torch.ones(2, 3, 4), torch.ones(2, 3, 4))",
    "torch.bmm(torch.ones(2, 3, 4), torch.ones(3, 4, 2))", "torch.addmm(p, p, p)",
    "torch.addmm(torch.ones(5), p, q)", "p.view(5)", "p.view(-1, 4)", "p.view(-1, -1)", "p.reshape(7)",
    "p.t().view(6)", "p.expand(2, 4)", "p.expand(3)", "p.expand(-1, 2, 3)", "v.expand(2, 4)", "torch.cat([p, q])",
    "torch.cat([p, v])", "torch.cat([])", "torch.stack([p, q])", "torch.stack([])", "torch.where(b, p, q)",
    "torch.maximum(p, q)", "torch.atan2(p, q)", "p.masked_fill(b[:2], 1.0)",
    "p.masked_select(torch.tensor([True, False]))", "p[b]", "torch.einsum('ij,jk->ik', p, p)",
    "torch.lerp(p, q, 0.5)", "torch.addcmul(p, q, q)", "v.view_as(p)", "p.expand_as(q)",
    "torch.nn.functional.linear(p, p.t())", "torch.nn.functional.mse_loss(p, torch.ones(4, 4))",
    "p.as_strided((9, 9), (1, 1))", "p.as_strided((2,), (1, 1))", "s @ v", "v @ s", "torch.tensor([[1, 2], [3]])",
    "torch.tensor([[1.0], 2.0])", "torch.ones(-1)", "torch.zeros(2, -3)", "torch.empty(2).view(0)",
    "p.unflatten(1, (2, 2))", "torch.broadcast_to(p, (3, 3))", "p.repeat(2)", "torch.eye(-1)",
    "torch.linspace(0, 1, -1)", "torch.arange(0, 1, -1)", "torch.arange(0, 1, 0)",
]  # fmt: skip

DIMS = [
    "p.sum(2)", "p.sum(-3)", "p.sum((0, 0))", "p.mean(5)", "p.transpose(0, 2)", "p.permute(0)", "p.permute(0, 0)",
    "p.permute(0, 2)", "p.squeeze(3)", "p.unsqueeze(4)", "p.select(2, 0)", "p.select(0, 5)", "p.select(0, -3)",
    "p.narrow(0, 1, 5)", "p.narrow(0, 0, -1)", "p.narrow(3, 0, 1)", "p[5]", "p[0, 5]", "p[0, 0, 0]", "p[-3]",
    "p[torch.tensor([5])]", "p[torch.tensor([-3])]", "p[[0, 7]]", "s[0]", "s[0:1]", "p[::-1]", "p[1.5]", "p['x']",
    "p[i, i]", "p[None, 0, 0, 0, 0]", "torch.cat([p, p], 2)", "torch.stack([p, p], 4)", "p.chunk(0)", "p.split(0)",
    "p.split([1, 2])", "p.split(-1)", "p.unbind(3)", "p.softmax(2)", "p.log_softmax(-4)", "p.argmax(2)", "p.max(4)",
    "p.cumsum(3)", "p.flip(3)", "p.flip((0, 0))", "p.roll(1, 4)", "p.sort(3)", "p.topk(4, 1)", "p.topk(1, 5)",
    "p.gather(0, i)", "p.gather(2, i)", "p.gather(0, torch.tensor([[9, 0, 0]]))",
    "p.gather(0, torch.tensor([[0.5]]))", "p.index_select(0, torch.tensor([9]))", "p.index_select(3, i)",
    "p.index_select(0, v)", "p.diagonal(0, 0, 0)", "v.diagonal()", "p.unfold(0, 5, 1)", "p.unfold(0, 1, 0)",
    "p.flatten(1, 0)", "p.movedim(0, 5)", "p.logsumexp(3)", "p.prod(5)", "p.any(9)", "p.std(4)",
    "torch.empty(0).max()", "torch.empty(0).argmax()", "torch.empty(0, 3).amax(0)", "torch.empty(0, 3).min(0)",
    "p.scatter(0, i, 1.0)", "p.scatter(0, torch.tensor([[7, 0, 0]]), 1.0)",
    "p.index_add(0, torch.tensor([9]), v[None])", "v.t_().T.mT", "p.item()", "torch.empty(0).item()", "bool(p)",
    "float(p)", "int(v)", "len(s)", "list(s)", "torch.unbind(s)", "p.repeat_interleave(torch.tensor([1, 2, 3]), 0)",
]  # fmt: skip

DTYPES = [
    "torch.mm(p, q.double())", "torch.dot(v, f)", "p @ q.double()", "torch.tensor([1, 2], requires_grad=True)",
    "i.requires_grad_()", "setattr(i, 'requires_grad', True)", "b.requires_grad_()", "i.add_(v)", "i.mul_(1.5)",
    "b.add_(1)", "i.div_(2)", "i.mean()", "b.mean()", "-b", "b - b", "b - 1", "i.copy_(v).sqrt_()", "i.sin_()",
    "i.exp_()", "i.sigmoid_()", "~v", "v & v", "v | 1", "v ^ v", "v << 1.5 << b", "i & 1.5", "i.softmax(0)",
    "i.std()", "i.var()", "i.norm()", "i ** -1", "torch.pow(i, -2)", "i // 0", "i % 0", "i.float() @ i", "p[v]",
    "p[f.long() + 0.5]", "v.masked_fill(i, 1.0)", "torch.where(v, v, v)", "v.masked_select(i)", "v.bitwise_not()",
    "torch.empty(3, dtype='float32')", "torch.ones(3, dtype=3)", "v.to('nonsense')", "v.type('torch.NoTensor')",
    "torch.tensor(['a'])", "torch.tensor([None])", "torch.tensor({1: 2})", "torch.tensor(object())",
    "torch.add(v, 1, out=i)", "torch.mul(v, v, out=b)", "v.index_add_(0, i, f)", "v.scatter_(0, i, f)",
    "i.uniform_()", "i.normal_()", "torch.rand(3, dtype=torch.int64)", "torch.randint(5, 5, (2,))",
    "torch.linspace(0, 1, 3, dtype=torch.bool).std()", "torch.nn.functional.cross_entropy(p, v)",
    "torch.nn.functional.nll_loss(p, torch.tensor([0, 9]))", "torch.bernoulli(v)", "setattr(a, 'data', i)",
    "v.set_(f)", "torch.eye(2, dtype=torch.int64).softmax(1)",
]  # fmt: skip

WRITES = [
    "a.add_(1)", "a.__setitem__(0, 5.0)", "a[0:1].mul_(2)", "a.zero_()", "a.t_()", "m.t().add_(1)",
    "a.view(3).fill_(1)", "torch.relu_(a)", "torch.add(a, 1, out=v)", "torch.add(v, 1, out=a)", "e.add_(1)",
    "e.copy_(v)", "p.expand(2, 2, 3).mul_(2)", "v[1:].copy_(torch.ones(3))", "v.add_(p)", "s.add_(v)", "p.copy_(q)",
    "p.mul_(torch.ones(4))", "p.__setitem__(0, torch.ones(4))", "p.__setitem__(5, 1.0)",
    "p.__setitem__((0, 0, 0), 1.0)", "p.__setitem__(b, 1.0)", "p.__setitem__(slice(0, 1), q)", "p.fill_(v)",
    "v.fill_('x')", "v.fill_(None)", "v.masked_fill_(b, v)", "v.masked_fill_(p > 0, 1.0)",
    "v.index_fill_(0, torch.tensor([9]), 1.0)", "v.index_add_(0, torch.tensor([9]), v[0:1])",
    "p.scatter_(0, torch.tensor([[9]]), 1.0)", "v.clamp_()", "v.lerp_(p, 0.5)", "p.resize_(-1)", "a.resize_(5)",
    "y.resize_(9)", "p.t_().view(6)", "p.squeeze_(5)", "y.split(1)[0].mul_(2)", "y.unbind(0)[0].zero_()",
    "y.chunk(3)[1][0:1].add_(1)", "y[0:1].detach_()", "v[0:1].detach_()", "v[1:].sub_(v[:-1])",
    "v[:2].copy_(v[1:]).add_(p)", "torch.add(v[:2], v[1:], out=v[1:])", "torch.mul(p, 2, out=p.t())",
    "v.requires_grad_('x').add_(1)", "v[0:1].copy_('x')", "v.copy_(None)", "v.add_('x')", "v.add_(None)",
    "v.mul_([1, 2, 3])", "v.sub_(b)", "v.pow_(p)", "v.cumsum_(4)", "v.data.add_(p)", "v.detach().copy_(p)",
    "setattr(v, 'data', 3)", "setattr(v, 'data', None)", "v.swapaxes_(0, 4)",
]  # fmt: skip

AUTOGRAD = [
    "y.backward()", "p.backward()", "v.sum().backward()", "z.backward(torch.ones(2))", "y.backward(torch.ones(2))",
    "y.backward(torch.ones(4))", "y.backward(3.0)", "y.backward('x')", "y.backward([1, 2, 3])",
    "y.backward(torch.ones(3, 1))", "torch.autograd.grad(y, a)", "torch.autograd.grad(z, v)",
    "torch.autograd.grad(z, [a, m])", "torch.autograd.grad(v.sum(), a)", "torch.autograd.grad(y, a, torch.ones(2))",
    "torch.autograd.grad([z, z], a, [torch.ones(())])", "torch.autograd.grad(z, [])",
    "torch.autograd.grad([], [a])", "torch.autograd.grad(z, 'a')", "torch.autograd.grad(3, a)",
    "torch.autograd.backward([z, v.sum()])", "torch.autograd.backward(z, torch.ones(3))",
    "torch.autograd.backward(None)", "z.backward(inputs=[])", "z.backward(inputs=[v])", "z.backward(inputs=[y, v])",
    "i.sum().backward()", "(a > 1).sum().backward()", "a.argmax().backward()", "y.requires_grad_(False)",
    "setattr(y, 'requires_grad', False)", "setattr(a, 'grad', torch.ones(2))", "setattr(a, 'grad', f)",
    "setattr(a, 'grad', 3)", "setattr(a, 'grad', a)", "setattr(a, 'grad', i)", "setattr(a, 'grad', 'x')",
    "setattr(y, 'grad_fn', None)", "setattr(y, 'is_leaf', True)", "setattr(a, '_version', 3)", "delattr(a, 'data')",
    "v.register_hook(print)", "v.retain_grad()", "y.register_post_accumulate_grad_hook(print)",
    "v.register_post_accumulate_grad_hook(print)", "a.numpy()", "y.numpy()", "y.tolist().missing", "a.__dlpack__()",
    "copy.deepcopy(y)", "torch.autograd.Function.apply(a)", "z.backward() or z.backward()",
    "y.add_(1) is z.backward()", "y.detach_() is z.backward()", "z.backward(create_graph='x', inputs=3)",
    "torch.autograd.Function()(a)", "a.missing_name", "torch.missing_name", "y.grad_fn.missing",
    "torch.no_grad(3, 4)", "torch.set_grad_enabled()", "y.backward(gradient=torch.ones(3), inputs=[3])",
    "torch.autograd.grad(z, a, is_grads_batched=3, grad_outputs='x')",
]  # fmt: skip

FOREIGN = [
    "v + 'x'", "v + None", "v + object()", "v + [1, 2, 3]", "v * {}", "'x' * v", "None + v", "v @ 3",
    "v @ [1, 2, 3]", "torch.add(v)", "torch.add()", "torch.add(v, 'x')", "torch.add(v, v, alpha='x')",
    "torch.sin(3.0)", "torch.sin('x')", "torch.sin(None)", "torch.sin()", "torch.sin(v, v, v)", "torch.exp([1.0])",
    "torch.cat(v)", "torch.cat([v, 3])", "torch.cat([v, None])", "torch.cat(3)", "torch.stack([v, 'x'])",
    "torch.where(v > 1, 'x', v)", "torch.where(True, v, v)", "torch.mm(p, 3)", "torch.matmul(p, [1])",
    "torch.sum('x')", "v.sum('x')", "v.sum(1.5)", "v.view('x')", "v.reshape(1.5)", "v.reshape(None)",
    "v.expand('x')", "v.transpose('a', 'b')", "v.permute('x')", "torch.from_numpy([1, 2])", "torch.from_numpy(v)",
    "torch.from_numpy(np.array(['a']))", "torch.from_numpy(np.arange(3.0)[::-1])",
    "torch.from_numpy(np.array([None]))", "torch.as_tensor(object())", "torch.manual_seed('x')", "torch.rand('x')",
    "torch.rand(-1)", "torch.randperm(-1)", "torch.randint(3)", "torch.ones('x')", "torch.ones(1.5)",
    "torch.full((2,), 'x')", "torch.full((2,), None)", "torch.arange('x')", "torch.zeros_like(3)",
    "torch.ones_like([1])", "v.sin(3)", "v.clamp('a', 'b')", "v.masked_fill(b, 'x')", "v.softmax()",
    "v.softmax('x')", "torch.einsum('ij->', v)", "torch.einsum('i,j,k->', v, v)", "torch.einsum(3, v)",
    "torch.device('nonsense')", "v.numpy(3, 4)", "v.__getitem__(object())", "hash(v) + 'x'", "v < 'x'", "v < None",
    "v.fill_(object())", "v.item(3)", "torch.is_tensor()", "torch.set_default_dtype(torch.int64)",
    "torch.set_default_dtype('x')", "torch.nn.functional.relu('x')", "torch.nn.functional.cross_entropy(p, 'x')",
    "torch.linspace()", "torch.tensor()", "torch.Tensor('x')", "torch.Size('x')", "torch.Size([1.5])",
    "torch.Generator('nonsense')", "torch.set_num_threads('x')", "torch.set_num_threads(0)",
]  # fmt: skip

ROWS = [*SHAPES, *DIMS, *DTYPES, *WRITES, *AUTOGRAD, *FOREIGN]
