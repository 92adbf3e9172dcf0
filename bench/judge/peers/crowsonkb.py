"""Paints one picture with crowsonkb/style-transfer-pytorch, with this project's weights of VGG-19:

    python crowsonkb.py CHECKOUT WEIGHTS CONTENT STYLE SIZE OUTPUT [ITERATIONS FIRST_ITERATIONS]

WEIGHTS is a folder with a float32 file for each kernel and bias. They expect BGR from 0 to 255 less a mean, and the checkout
gives RGB that is standardised: the first convolution is changed to take it.
"""
import sys
import types
from pathlib import Path

import numpy as np
import torch
from PIL import Image
from torch import nn
from torchvision import models

checkout, weights, content, style, size, output, *iterations = sys.argv[1:]
MEAN, DEVIATION = torch.tensor([0.485, 0.456, 0.406]), torch.tensor([0.229, 0.224, 0.225])
CAFFE_MEAN = torch.tensor([123.68, 116.779, 103.939])


def read(name):
    return torch.from_numpy(np.fromfile(Path(weights) / name, dtype=np.float32))


def vgg19(**_):
    layers = []
    for block, convolutions in enumerate([2, 2, 4, 4, 4], 1):
        for index in range(1, convolutions + 1):
            name = f"block{block}_conv{index}"
            bias = read(f"{name}.bias")
            kernel = read(f"{name}.kernel").view(3, 3, -1, len(bias)).permute(3, 2, 0, 1).contiguous()
            if name == "block1_conv1":
                kernel = kernel.flip(1)
                bias = bias + (kernel * (255 * MEAN - CAFFE_MEAN).view(1, 3, 1, 1)).sum((1, 2, 3))
                kernel = kernel * (255 * DEVIATION).view(1, 3, 1, 1)
            convolution = nn.Conv2d(kernel.shape[1], kernel.shape[0], 3, padding=1)
            with torch.no_grad():
                convolution.weight.copy_(kernel)
                convolution.bias.copy_(bias)
            layers += [convolution, nn.ReLU(inplace=False)]
        layers.append(nn.MaxPool2d(2))
    return types.SimpleNamespace(features=nn.Sequential(*layers))


models.vgg19 = vgg19
package = types.ModuleType("style_transfer")
package.__path__ = [str(Path(checkout) / "style_transfer")]
sys.modules["style_transfer"] = package  # without its __init__, which starts a web server's imports
from style_transfer.style_transfer import StyleTransfer  # noqa: E402

torch.manual_seed(0)
options = {"end_scale": int(size)}
if iterations:
    options |= {"iterations": int(iterations[0]), "initial_iterations": int(iterations[1])}
transfer = StyleTransfer(devices=["cpu"])
transfer.stylize(Image.open(content).convert("RGB"), [Image.open(style).convert("RGB")], **options)
transfer.get_image().save(output)
