"""Training: the compact network learns what VGG-19 sees at some positions of random crops of pictures.

Each layer learns two things: its features explain VGG-19's by a linear map (thrown away at the end), and the cosine
similarities between positions, within a picture and between pictures, are VGG-19's, for each layer and for all together.
"""

import os
import random
import time

import numpy as np
import torch
import torch.nn.functional as F
from torch import nn

from initialize import initialize
from network import LAYERS, WIDTHS, Network

CROP = 112
BATCH = 6
RATE = 2e-4
CROPS_KEPT = 1200  # with what VGG-19 sees in them; each is learnt from about BATCH times
RELATED = 64  # positions of each crop whose similarities are learnt
CELLS = CROP // 8  # of block 4's maps along an edge


class Training:
    def __init__(self, teacher, pictures, checkpoint):
        self.teacher, self.pictures, self.checkpoint = teacher, pictures, checkpoint
        self.student = Network(WIDTHS)
        self.explain = nn.ModuleDict({n: nn.Linear(self.student.widths[n], teacher.widths[n]) for n in LAYERS})
        parameters = [*self.student.parameters(), *self.explain.parameters()]
        self.optimizer = torch.optim.Adam(parameters, lr=RATE, betas=(0.9, 0.999))
        self.kept = []
        if checkpoint.exists():
            saved = torch.load(checkpoint)
            self.step, self.scales = saved["step"], saved["scales"]
            self.student.load_state_dict(saved["student"])
            self.explain.load_state_dict(saved["explain"])
            self.optimizer.load_state_dict(saved["optimizer"])
            self.seed()
        else:
            self.step = 0
            self.seed()
            crops = torch.stack([self.crop() for _ in range(32)])
            self.scales = initialize(self.student, teacher, self.explain, crops)
            self.save()

    def seed(self):
        random.seed(self.step)
        torch.manual_seed(self.step)

    def run(self, steps, hours):
        """Trains until `steps` are done or `hours` are over. The rate falls over the last quarter of the steps."""
        began, losses = time.monotonic(), []
        while self.step < steps:
            for group in self.optimizer.param_groups:
                group["lr"] = RATE * min(1, (self.step + 1) / 100, (steps - self.step) / (steps / 4))
            losses.append(self.learn())
            self.step += 1
            is_last = self.step == steps or time.monotonic() - began > hours * 3600
            if self.step % 25 == 0 or is_last:
                features, relations, hypercolumns = np.mean(losses, 0)
                print(
                    f"step {self.step}: features {features:.3f}, similarities {relations:.3f}, "
                    f"of all layers {hypercolumns:.3f}, {time.monotonic() - began:.0f} s",
                    flush=True,
                )
                losses = []
                self.save()
            if is_last:
                break

    def learn(self):
        while len(self.kept) < BATCH:
            self.look()
        self.look()
        batch = random.sample(self.kept[:-1], BATCH - 1) + self.kept[-1:]
        ours = self.student(torch.stack([crop for crop, _, _ in batch]).float() / 255)
        theirs = {n: torch.cat([seen[n] for _, _, seen in batch]).float() for n in LAYERS}
        ours = {n: torch.cat([at(maps, cells) for maps, (_, cells, _) in zip(ours[n], batch)]) for n in LAYERS}
        features = sum(F.mse_loss(self.explain[n](ours[n]), theirs[n]) for n in LAYERS)
        places = len(theirs[LAYERS[0]]) // BATCH
        some = torch.cat([torch.randperm(places)[:RELATED] + places * i for i in range(BATCH)])
        relations = sum(relation(ours[n][some], theirs[n][some]) for n in LAYERS)
        hypercolumns = relation(
            torch.cat([ours[n][some] * self.student.widths[n] ** -0.5 for n in LAYERS], 1),
            torch.cat([theirs[n][some] * self.teacher.widths[n] ** -0.5 for n in LAYERS], 1),
        )
        loss = features + 0.5 * relations + 2 * hypercolumns
        self.optimizer.zero_grad()
        loss.backward()
        nn.utils.clip_grad_norm_(self.student.parameters(), 5.0)
        self.optimizer.step()
        return float(features.detach()), float(relations.detach()), float(hypercolumns.detach())

    @torch.no_grad()
    def look(self):
        """Has VGG-19 look at a crop, and keeps what it sees at a random pixel of each inner 8×8 square."""
        crop = (self.crop() * 255).round().to(torch.uint8)
        inner = torch.arange(1, CELLS - 1) * 8
        y, x = torch.meshgrid(inner, inner, indexing="ij")
        cells = (y.flatten() + torch.randint(8, (y.numel(),)), x.flatten() + torch.randint(8, (x.numel(),)))
        maps = self.teacher(crop[None].float() / 255)
        seen = {n: (at(maps[n][0], cells) / self.scales[n]).half() for n in LAYERS}
        self.kept.append((crop, cells, seen))
        if len(self.kept) > CROPS_KEPT:
            del self.kept[random.randrange(CROPS_KEPT // 2)]

    def crop(self):
        crop = torch.from_numpy(self.pictures.crop(CROP)).permute(2, 0, 1).float() / 255
        if random.random() < 0.5:
            crop = crop.flip(2)
        if random.random() < 0.25:
            crop = crop.transpose(1, 2)
        if random.random() < 0.2:
            crop = crop[torch.randperm(3)]
        if random.random() < 0.3:
            crop = crop + torch.randn_like(crop) * random.random() * 0.1
        if random.random() < 0.2 and self.kept:
            crop = crop * 0.65 + random.choice(self.kept)[0] / 255 * 0.35  # half-painted pictures look like blends
        return crop.clamp(0, 1)

    def save(self):
        part = self.checkpoint.with_suffix(".part")
        torch.save(
            {
                "step": self.step,
                "scales": self.scales,
                "student": self.student.state_dict(),
                "explain": self.explain.state_dict(),
                "optimizer": self.optimizer.state_dict(),
            },
            part,
        )
        os.replace(part, self.checkpoint)


def at(maps, cells):
    """A layer's features at some pixels of the picture: [channels, h, w] → [pixels, channels]."""
    reduction = CROP // maps.shape[1]
    return maps[:, cells[0] // reduction, cells[1] // reduction].T


def cosines(rows):
    rows = rows - rows.mean(0, keepdim=True)
    rows = rows / rows.norm(dim=1, keepdim=True).clamp_min(1e-6)
    return rows @ rows.T


def relation(ours, theirs):
    wanted = cosines(theirs)
    return F.mse_loss(cosines(ours), wanted) / wanted.var()
