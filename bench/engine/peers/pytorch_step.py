"""The peer of bench/engine/engine.ts: the same objective in PyTorch.

Reads the inputs from the folder given as argument. Answers each line on standard input with one line of JSON: the time
and the loss of a step. For the line `result` it also writes the gradient to a file.

With `float64` as second argument it computes in double precision, as the reference for both sides.
"""
import json
import sys
import time
from pathlib import Path

import numpy as np
import torch
import torch.nn.functional as F

folder = Path(sys.argv[1])
inputs = json.loads((folder / "inputs.json").read_text())
torch.set_num_threads(inputs["threads"])
double_precision = sys.argv[2:] == ["float64"]
dtype = torch.float64 if double_precision else torch.float32
device = torch.device("cuda" if torch.cuda.is_available() else "cpu")
MEAN = torch.tensor([103.939, 116.779, 123.68], device=device, dtype=dtype).view(1, 3, 1, 1)


def tensor(name, shape):
    return torch.from_numpy(np.fromfile(folder / name, dtype=np.float32).reshape(shape)).to(device, dtype)


def picture(name):
    return tensor(name, (1, inputs["height"], inputs["width"], 3)).permute(0, 3, 1, 2).contiguous()


class StripConvolution(torch.autograd.Function):
    """conv2d and its input gradient, some rows at a time, because PyTorch unfolds the whole input in float64."""

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
    if double_precision:
        return StripConvolution.apply(x, kernel) + bias.view(1, -1, 1, 1)
    return F.conv2d(x, kernel, bias, padding=1)


layers = []
for layer in inputs["layers"]:
    kernel = tensor(f"{layer['name']}.kernel", (3, 3, layer["inputs"], layer["outputs"])).permute(3, 2, 0, 1).contiguous()
    layers.append((layer["name"], kernel, tensor(f"{layer['name']}.bias", (layer["outputs"],))))


def features(image):
    """Maps layer names to feature maps, for an RGB picture in [0, 1]."""
    x = image.flip(1) * 255 - MEAN
    maps = {}
    for index, (name, kernel, bias) in enumerate(layers):
        if index > 0 and name[5] != layers[index - 1][0][5]:
            x = F.max_pool2d(x, 2)
        x = F.relu(convolve(x, kernel, bias))
        maps[name] = x
    return maps


def gram(x):
    a = x.flatten(2)[0]
    return a @ a.T / a.shape[1]


with torch.no_grad():
    content_targets = {name: features(picture("content"))[name] for name in inputs["content_layers"]}
    style_features = features(picture("style"))
    style_targets = {name: gram(style_features[name]) for name in inputs["style_layers"]}
    del style_features


def objective(image):
    maps = features(image)
    loss = 0
    for name, weight in inputs["content_layers"].items():
        loss = loss + weight * ((maps[name] - content_targets[name]) ** 2).sum() / (4 * maps[name].numel())
    for name, weight in inputs["style_layers"].items():
        channels = maps[name].shape[1]
        loss = loss + weight * ((gram(maps[name]) - style_targets[name]) ** 2).sum() / (4 * channels**2)
    return loss


if inputs.get("compile"):
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
        gradient.permute(0, 2, 3, 1).contiguous().cpu().numpy().tofile(folder / ("float64.gradient" if double_precision else "peer.gradient"))
    print(json.dumps({"milliseconds": elapsed, "loss": value}), flush=True)
