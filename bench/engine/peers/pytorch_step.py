"""The peer of bench/engine/engine.ts: the same objective in PyTorch eager, as its users write it.

Reads the inputs that the benchmark wrote into the folder given as argument, then answers each line on standard
input with one line of JSON: `step` with the time of a step, `result` with the loss (and the gradient in a file).

With `float64` as second argument it is no peer but the judge of both sides: the same in double precision.
"""
import json
import sys
import time
from pathlib import Path

import numpy as np
import torch
import torch.nn.functional as F

folder = Path(sys.argv[1])
plan = json.loads((folder / "plan.json").read_text())
torch.set_num_threads(plan["threads"])
precise = sys.argv[2:] == ["float64"]
dtype = torch.float64 if precise else torch.float32
device = torch.device("cuda" if torch.cuda.is_available() else "cpu")
MEAN = torch.tensor([103.939, 116.779, 123.68], device=device, dtype=dtype).view(1, 3, 1, 1)


def tensor(name, shape):
    return torch.from_numpy(np.fromfile(folder / name, dtype=np.float32).reshape(shape)).to(device, dtype)


def picture(name):
    return tensor(name, (1, plan["height"], plan["width"], 3)).permute(0, 3, 1, 2).contiguous()


class StripConvolution(torch.autograd.Function):
    """conv2d with respect to its input, some rows at a time: in float64 PyTorch unfolds all that it is given."""

    ROWS = 64

    @staticmethod
    def rows(x, kernel):
        padded = F.pad(x, (1, 1, 1, 1))
        height, step = x.shape[2], StripConvolution.ROWS
        return torch.cat([F.conv2d(padded[:, :, y : min(y + step, height) + 2], kernel) for y in range(0, height, step)], 2)

    @staticmethod
    def forward(ctx, x, kernel):
        ctx.kernel = kernel
        return StripConvolution.rows(x, kernel)

    @staticmethod
    def backward(ctx, gradient):
        return StripConvolution.rows(gradient, ctx.kernel.flip(2, 3).transpose(0, 1).contiguous()), None


def convolve(x, kernel, bias):
    if precise:
        return StripConvolution.apply(x, kernel) + bias.view(1, -1, 1, 1)
    return F.conv2d(x, kernel, bias, padding=1)


layers = []
for layer in plan["layers"]:
    kernel = tensor(f"{layer['name']}.kernel", (3, 3, layer["inputs"], layer["outputs"])).permute(3, 2, 0, 1).contiguous()
    layers.append((layer["name"], kernel, tensor(f"{layer['name']}.bias", (layer["outputs"],))))


def features(image):
    """Name → feature map, for pictures in RGB, [0, 1]."""
    x = image.flip(1) * 255 - MEAN
    found = {}
    for index, (name, kernel, bias) in enumerate(layers):
        if index > 0 and name[5] != layers[index - 1][0][5]:
            x = F.max_pool2d(x, 2)
        x = F.relu(convolve(x, kernel, bias))
        found[name] = x
    return found


def gram(x):
    a = x.flatten(2)[0]
    return a @ a.T / a.shape[1]


with torch.no_grad():
    content_targets = {name: features(picture("content"))[name] for name in plan["content_layers"]}
    style_features = features(picture("style"))
    style_targets = {name: gram(style_features[name]) for name in plan["style_layers"]}
    del style_features


def objective(image):
    found = features(image)
    loss = 0
    for name, weight in plan["content_layers"].items():
        loss = loss + weight * ((found[name] - content_targets[name]) ** 2).sum() / (4 * found[name].numel())
    for name, weight in plan["style_layers"].items():
        channels = found[name].shape[1]
        loss = loss + weight * ((gram(found[name]) - style_targets[name]) ** 2).sum() / (4 * channels**2)
    return loss


if plan.get("compile"):
    objective = torch.compile(objective)

image = picture("image").requires_grad_(True)
for line in sys.stdin:
    started = time.perf_counter()
    loss = objective(image)
    (gradient,) = torch.autograd.grad(loss, image)
    value = loss.item()
    if device.type == "cuda":
        torch.cuda.synchronize()
    elapsed = (time.perf_counter() - started) * 1000
    if line.strip() == "result":
        gradient.permute(0, 2, 3, 1).contiguous().cpu().numpy().tofile(folder / ("float64.gradient" if precise else "peer.gradient"))
    print(json.dumps({"milliseconds": elapsed, "loss": value}), flush=True)
