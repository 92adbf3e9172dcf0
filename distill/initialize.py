"""The compact network's first weights: the teacher's most telling channels, computed from each other by least squares.

Layer by layer, the channels that explain most of all the others are chosen, and the convolution that gives them from the
compact layers before is solved for. Training then begins where thousands of steps from random weights would lead.
"""

import torch
import torch.nn.functional as F

from network import LAYERS, before, centred

POSITIONS = 20_000  # from which a layer is solved


def choose_channels(features, count):
    """The `count` columns of [positions, channels] that explain most of all, one after the other."""
    rest = (features - features.mean(0)).T @ (features - features.mean(0))
    chosen = []
    for _ in range(count):
        explained = rest.pow(2).sum(0) / rest.diagonal().clamp_min(1e-12)
        explained[chosen] = -1
        best = int(explained.argmax())
        chosen.append(best)
        rest = rest - torch.outer(rest[:, best], rest[best]) / rest[best, best].clamp_min(1e-12)
    return chosen


def solve(inputs, targets, ridge=1e-4):
    """Weights and bias that give the targets from the inputs: [n, a], [n, b] → [b, a], [b]."""
    a = torch.cat([inputs, torch.ones(len(inputs), 1)], 1)
    products = a.T @ a
    products += torch.eye(len(products)) * products.diagonal().mean() * ridge
    solution = torch.linalg.solve(products, a.T @ targets)
    return solution[:-1].T, solution[-1]


@torch.no_grad()
def initialize(student, teacher, explain, pictures):
    """Gives `student` its first weights, and `explain` the maps from its features to the teacher's.

    Each layer of the student is the teacher's chosen channels, divided by the square root of their layer's mean square.
    Returns these roots.
    """
    theirs = ours = centred(pictures)
    scales = {}
    for layer in LAYERS:
        theirs_before, ours_before = before(layer, theirs), before(layer, ours)
        linear = teacher.convolutions[layer](theirs_before)
        theirs = F.relu(linear)
        scale = scales[layer] = float(theirs.pow(2).mean().sqrt())
        rows = rows_of(theirs)
        some = torch.randperm(len(rows))[:POSITIONS]
        chosen = choose_channels(rows[some] / scale, student.widths[layer])
        convolution = student.convolutions[layer]
        patches = patches_at(ours_before, some)
        weights, bias = solve(patches, rows_of(linear)[some][:, chosen] / scale)
        convolution.weight.copy_(weights.view_as(convolution.weight))
        convolution.bias.copy_(bias)
        ours = F.relu(convolution(ours_before))
        weights, bias = solve(rows_of(ours)[some], rows[some] / scale)
        explain[layer].weight.copy_(weights)
        explain[layer].bias.copy_(bias)
        unexplained = (explain[layer](rows_of(ours)[some]) - rows[some] / scale).pow(2).mean()
        print(f"{layer}: {1 - float(unexplained / (rows[some] / scale).var(0).mean()):.1%} explained", flush=True)
    return scales


def rows_of(maps):
    """[n, channels, h, w] → [n·h·w, channels]."""
    return maps.permute(0, 2, 3, 1).flatten(0, 2)


def patches_at(maps, positions):
    """The 3×3 surroundings of some positions of all, as a convolution sees them: [positions, channels·9]."""
    count, _, height, width = maps.shape
    padded = F.pad(maps, (1, 1, 1, 1))
    picture, y, x = positions // (height * width), positions // width % height, positions % width
    return torch.stack([padded[picture, :, y + dy, x + dx] for dy in range(3) for dx in range(3)], 2).flatten(1)
