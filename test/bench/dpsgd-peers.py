"""The clipped gradient sum of the default network in PyTorch, on one thread: what `npm run bench:dpsgd` measures beside ours.

usage: dpsgd-peers.py book-keeping|opacus-hooks|opacus-ghost FOLDER

FOLDER holds problem.json {sizes, groups, hidden, rows, clipNorm} and, little-endian, cells.u16 (rows x columns) and params.f32
(dense, row-major: input-hidden cells x hidden, hidden bias, hidden-output hidden x cells, input-output cells x cells, output bias).
Writes MODE.f32, the sum in the same order, then answers every line on standard input, a number of processor seconds to
work for at least, by the processor seconds of one gradient.

book-keeping: no per-record gradient (Bu et al. 2023); the masks are steps in the column order, so norms are running sums by column.
opacus: the masked layer registered as Opacus asks for it; hooks hold every record's gradient, ghost takes two backward passes.
"""
import json
import sys
import time
from pathlib import Path

import numpy as np
import torch
import torch.nn.functional as F

mode, folder = sys.argv[1], Path(sys.argv[2])
torch.set_num_threads(1)
torch.set_num_interop_threads(1)
problem = json.loads((folder / "problem.json").read_text())
sizes, hidden, rows, clip = problem["sizes"], problem["hidden"], problem["rows"], problem["clipNorm"]
columns, width = len(sizes), sum(sizes)
cells = torch.from_numpy(np.fromfile(folder / "cells.u16", "<u2").astype(np.int64).reshape(rows, columns))
params = torch.from_numpy(np.fromfile(folder / "params.f32", "<f4"))
column_of_cell = torch.repeat_interleave(torch.arange(columns), torch.tensor(sizes))
# The last column that a hidden unit sees: groups[j] is the first unit that sees column j.
seen_by = torch.tensor([max(j for j in range(columns - 1) if problem["groups"][j] <= k) for k in range(hidden)])
mask_in = (column_of_cell[None, :] <= seen_by[:, None]).float()  # hidden x width
mask_out = (seen_by[None, :] < column_of_cell[:, None]).float()  # width x hidden
mask_skip = (column_of_cell[None, :] < column_of_cell[:, None]).float()  # width x width
starts = torch.tensor(np.cumsum([0, *sizes[:-1]]))

parts = torch.split(params, [width * hidden, hidden, hidden * width, width * width, width])
w_in = parts[0].view(width, hidden).t().contiguous()
b_in = parts[1].clone()
w_out = parts[2].view(hidden, width).t().contiguous()
w_skip = parts[3].view(width, width).t().contiguous()
b_out = parts[4].clone()


def one_hot():
    x = torch.zeros(rows, width)
    return x.scatter_(1, cells + starts, 1.0)


def by_book_keeping():
    in_column = F.one_hot(column_of_cell, columns).float()  # width x columns
    in_group = F.one_hot(seen_by, columns).float()  # hidden x columns

    def later(by_column):  # what the columns after j add up to
        return by_column.flip(1).cumsum(1).flip(1) - by_column

    def turn():
        with torch.no_grad():
            x = one_hot()
            h = F.relu(torch.addmm(b_in, x, w_in.t()))
            z = torch.addmm(torch.addmm(b_out, x, w_skip.t()), h, w_out.t())
            g = torch.cat([F.softmax(piece, 1) for piece in z.split(sizes, 1)], 1) - x
            a = (g @ w_out) * (h > 0)
            outputs, units, active = (g * g) @ in_column, (a * a) @ in_group, (h * h) @ in_group
            after = later(outputs)
            squared = (active * after + later(units) + 2 * units + after + outputs).sum(1)
            c = (clip / squared.sqrt().clamp(min=1e-12)).clamp(max=1.0)[:, None]
            g, a = g * c, a * c
            return [x.t() @ a * mask_in.t(), a.sum(0), h.t() @ g * mask_out.t(), x.t() @ g * mask_skip.t(), g.sum(0)]

    return turn


def by_opacus(ghost):
    from opacus.grad_sample import GradSampleModule, GradSampleModuleFastGradientClipping
    from opacus.grad_sample import register_grad_sampler, register_norm_sampler
    from opacus.optimizers import DPOptimizer, DPOptimizerFastGradientClipping
    from opacus.utils.fast_gradient_clipping_utils import DPLossFastGradientClipping

    class MaskedLinear(torch.nn.Module):
        def __init__(self, weight, mask, bias):
            super().__init__()
            self.weight = torch.nn.Parameter(weight.clone())
            self.bias = None if bias is None else torch.nn.Parameter(bias.clone())
            self.mask = mask  # Opacus takes no layer with buffers

        def forward(self, x):
            return F.linear(x, self.weight * self.mask, self.bias)

    @register_grad_sampler(MaskedLinear)
    def _(layer, activations, backprops):
        grads = {layer.weight: torch.einsum("ni,nj->nij", backprops, activations[0]) * layer.mask}
        if layer.bias is not None:
            grads[layer.bias] = backprops
        return grads

    @register_norm_sampler(MaskedLinear)
    def _(layer, activations, backprops):
        norms = {layer.weight: (((backprops**2) @ layer.mask) * activations[0] ** 2).sum(1).sqrt()}
        if layer.bias is not None:
            norms[layer.bias] = backprops.norm(dim=1)
        return norms

    class Net(torch.nn.Module):
        def __init__(self):
            super().__init__()
            self.into = MaskedLinear(w_in, mask_in, b_in)
            self.out = MaskedLinear(w_out, mask_out, b_out)
            self.skip = MaskedLinear(w_skip, mask_skip, None)

        def forward(self, x):
            return self.out(F.relu(self.into(x))) + self.skip(x)

    class Loss(torch.nn.Module):
        """The sum over columns of the cross-entropies; per record, or their sum."""

        reduction = "sum"

        def forward(self, z, targets):
            each = sum(F.cross_entropy(p, targets[:, j], reduction="none") for j, p in enumerate(z.split(sizes, 1)))
            return each if self.reduction == "none" else each.sum()

    net = Net()
    shared = dict(noise_multiplier=0.0, max_grad_norm=clip, expected_batch_size=rows, loss_reduction="sum")
    if ghost:
        module = GradSampleModuleFastGradientClipping(
            net, max_grad_norm=clip, use_ghost_clipping=True, loss_reduction="sum", batch_first=True
        )
        optimizer = DPOptimizerFastGradientClipping(torch.optim.SGD(module.parameters(), lr=0.0), **shared)
        loss_of = DPLossFastGradientClipping(module, optimizer, Loss(), loss_reduction="sum")
    else:
        module = GradSampleModule(net, loss_reduction="sum", batch_first=True)
        optimizer = DPOptimizer(torch.optim.SGD(module.parameters(), lr=0.0), **shared)
        loss_of = Loss()

    def turn():
        optimizer.zero_grad()
        loss_of(module(one_hot()), cells).backward()
        if ghost:
            optimizer.accumulate()
        else:
            optimizer.clip_and_accumulate()
        sums = {name: weight.summed_grad for name, weight in net.named_parameters()}
        return [sums[name] for name in ("into.weight", "into.bias", "out.weight", "skip.weight", "out.bias")]

    def transposed():
        into, into_bias, out, skip, out_bias = turn()
        return [into.t(), into_bias, out.t(), skip.t(), out_bias]

    return turn, transposed


if mode == "book-keeping":
    turn = check = by_book_keeping()
else:
    turn, check = by_opacus(mode == "opacus-ghost")
np.concatenate([part.detach().contiguous().numpy().ravel() for part in check()]).astype("<f4").tofile(folder / f"{mode}.f32")
versions = f"PyTorch {torch.__version__}"
if mode != "book-keeping":
    import opacus

    versions = f"Opacus {opacus.__version__}, {versions}"
print(json.dumps({"description": versions}), flush=True)
for line in sys.stdin:
    started, turns = time.process_time(), 0
    while turns == 0 or time.process_time() - started < float(line):
        turn()
        turns += 1
    print(json.dumps({"seconds": (time.process_time() - started) / turns}), flush=True)
