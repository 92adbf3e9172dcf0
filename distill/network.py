"""VGG-19's convolutions up to block4_conv3, at its own widths (the teacher) or narrower ones (the compact network)."""

from pathlib import Path

import numpy as np
import torch
import torch.nn.functional as F
from torch import nn

# Convolutions in a block, and the channels of each block of the compact network.
LAYERS = [f"block{b}_conv{c}" for b, count in ((1, 2), (2, 2), (3, 4), (4, 3)) for c in range(1, count + 1)]
WIDTHS = {1: 32, 2: 48, 3: 96, 4: 160}

# What the pictures are less, in RGB from 0 to 1, so that the zeros of the padding are ImageNet's mean.
MEAN = torch.tensor([123.68, 116.779, 103.939]) / 255


def block_of(layer):
    return int(layer[len("block")])


class Network(nn.Module):
    """3×3 convolutions with zero padding and ReLU, 2×2 maximum pooling before each block but the first."""

    def __init__(self, widths):
        super().__init__()
        self.widths = {layer: widths[block_of(layer)] for layer in LAYERS}
        self.convolutions = nn.ModuleDict()
        channels = 3
        for layer in LAYERS:
            self.convolutions[layer] = nn.Conv2d(channels, self.widths[layer], 3, padding=1)
            channels = self.widths[layer]
        self.to(memory_format=torch.channels_last)

    def stage(self, layer, x):
        """The maps before a layer, as the last layer gave them, to the layer's own before its ReLU."""
        return self.convolutions[layer](before(layer, x))

    def forward(self, pictures):
        """Pictures [n, 3, h, w] in RGB from 0 to 1 → each layer's feature maps."""
        features, x = {}, centred(pictures)
        for layer in LAYERS:
            x = features[layer] = F.relu(self.stage(layer, x))
        return features


def centred(pictures):
    return (pictures - MEAN[:, None, None]).contiguous(memory_format=torch.channels_last)


def before(layer, x):
    """What a layer's convolution sees of the last layer's maps: pooled where a block begins."""
    return F.max_pool2d(x, 2) if layer.endswith("conv1") and layer != LAYERS[0] else x


def load_teacher(folder):
    """VGG-19 from the plain files of float32 that scripts/distill.mjs writes: NAME.kernel and NAME.bias."""
    network = Network({1: 64, 2: 128, 3: 256, 4: 512})
    for layer, convolution in network.convolutions.items():
        outputs, inputs, *_ = convolution.weight.shape
        kernel = np.fromfile(Path(folder) / f"{layer}.kernel", "<f4").reshape(3, 3, inputs, outputs)
        weight = torch.tensor(kernel).permute(3, 2, 0, 1)
        if layer == LAYERS[0]:
            weight = weight.flip(1) * 255  # it was trained on BGR from 0 to 255
        convolution.weight.data.copy_(weight)
        convolution.bias.data.copy_(torch.tensor(np.fromfile(Path(folder) / f"{layer}.bias", "<f4")))
    return network.requires_grad_(False).eval()
