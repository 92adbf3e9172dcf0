"""Distils VGG-19 into the compact network of models/compact: fetches pictures, trains, measures, exports.

Goes on where it was stopped; the training of a run ends after --hours at the latest.
"""

import argparse
from pathlib import Path

import torch

import pictures
from export import calibrated, export
from measure import measure
from network import load_teacher
from train import Training

parser = argparse.ArgumentParser(description=__doc__)
parser.add_argument("--teacher", type=Path, required=True, help="folder of VGG-19's weights as plain files")
parser.add_argument("--cache", type=Path, required=True, help="folder for pictures and checkpoints")
parser.add_argument("--output", type=Path, required=True, help="folder for the network")
parser.add_argument("--steps", type=int, default=1500, help="steps of the whole training")
parser.add_argument("--hours", type=float, default=2, help="time after which this run ends")
arguments = parser.parse_args()

torch.set_num_threads(2)
pictures.fetch(arguments.cache / "pictures")
teacher = load_teacher(arguments.teacher)
training = Training(
    teacher, pictures.Pictures(arguments.cache / "pictures", "training"), arguments.cache / "checkpoint.pt"
)
training.run(arguments.steps, arguments.hours)
unseen = pictures.Pictures(arguments.cache / "pictures", "held-out")
factors = calibrated(training.student, teacher, torch.stack([training.crop() for _ in range(16)]))
measure(training.student, teacher, training.explain, training.scales, factors, unseen)
size = export(training.student, factors, arguments.output)
print(f"wrote {size / 1e6:.2f} MB to {arguments.output} after {training.step} steps")
