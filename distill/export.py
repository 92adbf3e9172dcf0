"""Writes the compact network as a TensorFlow.js layers model whose weights are 16-bit floats."""

import json

import numpy as np
import torch

from network import LAYERS, MEAN

FILE = "weights.bin"


def calibrated(student, teacher, pictures):
    """Each layer's factor, so that a hypercolumn has as much of it as of the teacher's (losses/grid.ts divides by channels)."""
    with torch.no_grad():
        ours, theirs = student(pictures), teacher(pictures)
    power = lambda maps: float(maps.pow(2).mean())
    return {
        n: (power(theirs[n]) / power(ours[n]) * student.widths[n] / teacher.widths[n]) ** 0.5 for n in LAYERS
    }


def export(student, factors, folder):
    folder.mkdir(parents=True, exist_ok=True)
    arrays, before = {}, 1.0
    for layer, convolution in student.convolutions.items():
        kernel = convolution.weight.detach() * (factors[layer] / before)
        if layer == LAYERS[0]:
            kernel = kernel.flip(1) / 255  # for BGR from 0 to 255, as VGG-19's is
        arrays[f"{layer}/kernel"] = kernel.permute(2, 3, 1, 0)
        arrays[f"{layer}/bias"] = convolution.bias.detach() * factors[layer]
        before = factors[layer]
    weights, data = [], b""
    for name, values in arrays.items():
        half = values.contiguous().numpy().astype("<f2")
        assert np.isfinite(half).all(), name
        data += half.tobytes()
        quantization = {"dtype": "float16", "original_dtype": "float32"}
        weights.append({"name": name, "shape": list(half.shape), "dtype": "float32", "quantization": quantization})
    (folder / FILE).write_bytes(data)
    manifest = [{"paths": [FILE], "weights": weights}]
    model = {"format": "layers-model", "generatedBy": "npm run distill", "weightsManifest": manifest}
    (folder / "model.json").write_text(json.dumps(model, indent=1) + "\n")
    return len(data)
