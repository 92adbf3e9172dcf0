"""How well the compact network stands in for VGG-19, on pictures that it has not learnt from."""

import random

import torch
import torch.nn.functional as F

from network import LAYERS, block_of

CROP = 112
CROPS = 24


def held_out(pictures):
    choose = random.Random(1)
    crops = [torch.from_numpy(pictures.crop(CROP, choose)) for _ in range(CROPS)]
    return torch.stack(crops).permute(0, 3, 1, 2).float() / 255


@torch.no_grad()
def measure(student, teacher, explain, scales, factors, pictures):
    """Prints the explained share of each layer, and how good nearest neighbours are. Returns them by name."""
    explained, ours, theirs = {}, [], []
    errors = {n: [0.0, 0.0] for n in LAYERS}
    for crop in held_out(pictures):
        own, seen = student(crop[None]), teacher(crop[None])
        for n in LAYERS:
            wanted = inner(seen[n]) / scales[n]
            guess = explain[n](inner(own[n]))
            errors[n][0] += float((guess - wanted).pow(2).sum())
            errors[n][1] += float((wanted - wanted.mean(0)).pow(2).sum())
        ours.append(hypercolumns({n: own[n] * factors[n] for n in LAYERS}))
        theirs.append(hypercolumns(seen))
    for n in LAYERS:
        explained[n] = 1 - errors[n][0] / errors[n][1]
        print(f"{n}: {explained[n]:.1%} of VGG-19's features explained")
    shares = []
    for content in range(CROPS):
        style = (content + 1) % CROPS
        by_teacher = cosines(theirs[content], theirs[style])
        chosen = by_teacher.gather(1, cosines(ours[content], ours[style]).argmax(1, keepdim=True)).mean()
        best, chance = by_teacher.max(1).values.mean(), by_teacher.mean()
        shares.append(float((chosen - chance) / (best - chance)))
    explained["neighbours"] = sum(shares) / len(shares)
    print(f"nearest neighbours: {explained['neighbours']:.1%} of the way from random ones to VGG-19's own")
    return explained


def inner(maps):
    """[1, channels, h, w] → [positions, channels], without the outermost that see the padding."""
    return maps[0, :, 1:-1, 1:-1].flatten(1).T


def hypercolumns(maps):
    """As losses/grid.ts: on a grid of 4 px, each layer divided by its channels."""
    side = CROP // 4
    parts = []
    for n in LAYERS:
        reduction = 2 ** (block_of(n) - 1)
        x = F.avg_pool2d(maps[n], 4 // reduction) if reduction < 4 else maps[n]
        x = F.interpolate(x, (side, side), mode="bilinear") if reduction > 4 else x
        parts.append(inner(x) / x.shape[1])
    return torch.cat(parts, 1)


def cosines(a, b):
    mean = torch.cat([a, b]).mean(0)
    return F.normalize(a - mean, dim=1) @ F.normalize(b - mean, dim=1).T
