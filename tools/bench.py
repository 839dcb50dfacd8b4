"""`make bench`: one Markdown table; each row names both sides and the ratio of their speeds, taken in turns."""

import os
import subprocess
import sys
import time
from dataclasses import replace
from pathlib import Path
from statistics import median
from tempfile import TemporaryDirectory

os.environ.setdefault("TF_CPP_MIN_LOG_LEVEL", "3")
os.environ.setdefault("TF_ENABLE_ONEDNN_OPTS", "1")  # as in a report

import cv2  # noqa: E402
import keras  # noqa: E402
import numpy as np  # noqa: E402

from digitkit.ahead import Ahead, Recipe, default_workers  # noqa: E402
from digitkit.audit import audit  # noqa: E402
from digitkit.composing import compose
from digitkit.deploy import save_onnx  # noqa: E402
from digitkit.formats import save_set
from digitkit.glyphs import Glyphs, load_glyphs  # noqa: E402
from digitkit.project import root
from digitkit.reader import Reader, build_reader, load_onnx  # noqa: E402
from digitkit.reference import reference_scenes  # noqa: E402
from digitkit.scenes import Scenes  # noqa: E402
from digitkit.segment import segment  # noqa: E402
from digitkit.sets import load_set  # noqa: E402
from digitkit.settings_file import load_config  # noqa: E402

folder = TemporaryDirectory()
here = Path(folder.name)
PEAKS = {}


def loop(glyphs: Glyphs, n: int, seed: int) -> np.ndarray:
    """Ladder scenes one after the other: draw and paste one digit after the other."""
    rng, by_label = np.random.default_rng(seed), [np.flatnonzero(glyphs.labels == digit) for digit in range(10)]
    images = np.zeros((n, 84, 84), np.uint8)
    for image in images:
        left, row = rng.integers(84 - 28 - 2 * 14 + 1), 4 + rng.integers(84 - 28 - 8 + 1)
        for slot in range(3):
            glyph, top = rng.choice(by_label[rng.integers(10)]), row + rng.integers(-4, 5)
            box = image[top : top + 28, left + 14 * slot : left + 14 * slot + 28]
            np.maximum(box, glyphs.images[glyph], out=box)
    return images


def generator(glyphs: Glyphs, n: int, to_disk: Path | None) -> None:
    """Reference scenes as the public generator makes them: one `choice` from a list a digit, one PNG file a scene."""
    dice = np.random.RandomState(123)
    by_label = [np.flatnonzero(glyphs.labels == digit).tolist() for digit in range(10)]
    for k in range(n):
        image = np.zeros((84, 84), np.uint8)
        chosen = [dice.choice(by_label[int(digit)]) for digit in f"{k % 1000:03}"]
        for slot, (glyph, top) in enumerate(zip(chosen, dice.randint(84 - 28, size=3))):
            image[top : top + 28, 28 * slot : 28 * slot + 28] = glyphs.images[glyph]
        if to_disk:
            cv2.imwrite(str(to_disk / f"{k}.png"), image)


MEASURED = """
import resource, subprocess, sys
subprocess.run(sys.argv[1:], check=True, stdout=subprocess.DEVNULL)
print(resource.getrusage(resource.RUSAGE_CHILDREN).ru_maxrss)
"""  # a small parent: a child's peak counts what its parent held when it was forked


def digitkit(*words: str | Path) -> None:
    """The command in a process of its own, from its start to its end."""
    line = [Path(sys.executable).with_name("digitkit"), *words]
    subprocess.run(line, check=True, capture_output=True)


def build(n: int) -> None:
    """`digitkit scenes build` in a process of its own; its peak memory goes to `PEAKS`, in MB."""
    command = [Path(sys.executable).with_name("digitkit"), "scenes", "build", here / f"built-{n}"]
    options = ["--layout", "ladder14", "--train", str(n), "--test", str(n // 10)]
    line = [sys.executable, "-c", MEASURED, *command, *options]
    PEAKS[f"scenes build of {n:,} + {n // 10:,} scenes"] = (
        int(subprocess.run(line, check=True, capture_output=True, text=True).stdout) / 1024
    )


def epochs_of(layout: str, workers: int, n: int = 20_000) -> None:
    """Three epochs of scenes as a network reads them, the start of the processes included."""
    with Ahead(Recipe(glyphs, (layout,), n, 1, "none", "scene", 5), 0, 3, workers) as ahead:
        for epoch in range(3):
            ahead.epoch(epoch)


def usual(layer: keras.Layer) -> keras.Layer:
    """A copy of the layer, with Keras' own batch normalisation."""
    norm = keras.layers.BatchNormalization
    return (norm if isinstance(layer, norm) else type(layer)).from_config(layer.get_config())


def trainer(experiment: str, scenes: Scenes, profile: str = "quick", precision: str = "float32", copy=None):
    """A call that trains a fresh reader on these scenes, once more each time."""
    fresh = build_reader(replace(load_config(profile, experiment), precision=precision))
    x, y = fresh.prepare(scenes.images), fresh.targets(scenes.digits)
    network = keras.models.clone_model(fresh.network, clone_function=copy) if copy else fresh.network
    network.compile("adam", "categorical_crossentropy")
    return lambda: network.fit(x, y, batch_size=64, verbose=0)


def seconds(call) -> float:
    started = time.perf_counter()
    call()
    return time.perf_counter() - started


def in_turns(one, other, rounds: int) -> tuple[float, float, float]:
    """Median seconds of two calls that take turns, after one call of each, and the median ratio other / one.

    With a single round there is no call before: what takes minutes needs no warming up.
    """
    if rounds > 1:
        one(), other()
    pairs = [(seconds(one), seconds(other)) for _ in range(rounds)]
    return median(a for a, _ in pairs), median(b for _, b in pairs), median(b / a for a, b in pairs)


keras.utils.set_random_seed(0)
glyphs = load_glyphs()
has_mnist = "DIGITKIT_MNIST" in os.environ or (root() / "data" / "mnist.npz").exists()
pool = load_glyphs("mnist" if has_mnist else "embedded")  # of the reference's sets
scenes = compose(glyphs, "triple", 1000, seed=1)
some, image = scenes.images[:256], scenes.images[:1]
reader = build_reader(load_config("quick", "small"))
lessons = compose(glyphs, "triple", 512, seed=2)
SHIPPED = Path(__file__).parents[1] / "digitkit" / "shipped"
whole = Reader.load(SHIPPED)  # of whole images, in Keras
save_onnx(whole, here / "shipped.onnx")
deployed = load_onnx(here / "shipped.onnx")
many = compose(glyphs, "ladder14", 20_000, seed=3).images
cv2.imwrite(str(here / "one.png"), 255 - many[0])
build(100_000)  # 110,000 scenes for the rows that read
built = load_set(here / "built-100000")
save_set({name: split.read(0, 2000) for name, split in built.items()}, here / "tree", "png")


READ = """
import sys
import numpy as np
from digitkit.reader import Reader
Reader.load(sys.argv[1]).read(np.load(sys.argv[2]))
"""


TRAIN = """
import sys
from digitkit.settings_file import load_config
from digitkit.glyphs import load_glyphs
from digitkit.reader import build_reader
from digitkit.composing import compose
reader = build_reader(load_config("full", sys.argv[1]))
scenes = compose(load_glyphs(), "triple", 512, seed=2)
reader.network.compile("adam", "categorical_crossentropy")
reader.network.fit(reader.prepare(scenes.images), reader.targets(scenes.digits), batch_size=64, verbose=0)
"""


def peak(name: str, script: str, *arguments: str | Path) -> None:
    """Keep the peak memory in MB of a process of its own, Keras and TensorFlow with it."""
    line = [sys.executable, "-c", MEASURED, sys.executable, "-c", script, *arguments]
    PEAKS[name] = int(subprocess.run(line, check=True, capture_output=True, text=True).stdout) / 1024


def through_predict():
    return reader.network.predict(reader.prepare(image), verbose=0)


def one_by_one():
    return [reader.read(one[None]) for one in some[:32]]


def in_a_batch():
    return reader.read(some)


MILLION = 1_000_000
MIXTURE = load_config("full", "columns").layouts[-1]  # bent, turned, scaled, obscured
WORKERS = max(1, default_workers())
ROWS = [
    ("scenes a second, ladder14: compose", "plain NumPy loop", 4000, 1000, lambda: compose(glyphs, "ladder14", 4000, 1),
     lambda: loop(glyphs, 1000, 1), 5),
    ("scenes a second, last mixture of columns of full: compose", "ladder14", 4000, 4000,
     lambda: compose(glyphs, MIXTURE, 4000, 1), lambda: compose(glyphs, "ladder14", 4000, 1), 5),
    (f"scenes a second, the same mixture: composed ahead, {WORKERS} processes", "in this process", 60_000, 60_000,
     lambda: epochs_of(MIXTURE, WORKERS), lambda: epochs_of(MIXTURE, 0), 1),
    (f"reference scenes a second, {pool.source}: reference_scenes", "plain loop", 10_000, 500,
     lambda: reference_scenes(pool), lambda: generator(pool, 500, None), 3),
    (f"reference scenes a second, {pool.source}: reference_scenes", "the same loop, PNG files", 10_000, 500,
     lambda: reference_scenes(pool), lambda: generator(pool, 500, here), 3),
    (f"scenes a second to disk: scenes build, {MILLION:,}", "plain loop, PNG files", MILLION * 11 // 10, 500,
     lambda: build(MILLION), lambda: generator(pool, 500, here), 1),
    ("scenes a second: audit of 110,000 in stores", "of 4,000 in a PNG tree", 110_000, 4000, lambda: audit(built),
     lambda: audit(load_set(here / "tree")), 1),
    ("scenes a second, cut: gaps", "watershed", 256, 256, lambda: segment(some, "gaps", "aspect"),
     lambda: segment(some, "watershed", "aspect"), 5),
    ("calls a second: digitkit read, one picture", "--run with the same weights in Keras", 1, 1,
     lambda: digitkit("read", here / "one.png"), lambda: digitkit("read", here / "one.png", "--run", SHIPPED), 3),
    ("calls a second: digitkit --help", "digitkit scenes --help", 1, 1, lambda: digitkit("--help"),
     lambda: digitkit("scenes", "--help"), 3),
    ("images a second, one a call: Reader.read", "network.predict", 1, 1, lambda: reader.read(image), through_predict,
     5),
    ("images a second: Reader.read, 256 a call", "1 a call", 256, 32, in_a_batch, one_by_one, 5),
    ("images a second, one a call, whole image: ONNX Runtime", "Keras, Reader.read", 1, 1,
     lambda: deployed.read(image), lambda: whole.read(image), 50),
    ("images a second, 256 a call, whole image: ONNX Runtime", "Keras, Reader.read", 256, 256,
     lambda: deployed.read(some), lambda: whole.read(some), 7),
    ("crops a second, training: small", "model0", 3 * len(lessons), 3 * len(lessons), trainer("small", lessons),
     trainer("model0", lessons), 5),
    ("crops a second, training: model0 in bfloat16", "in float32", 3 * len(lessons), 3 * len(lessons),
     trainer("model0", lessons, precision="bfloat16"), trainer("model0", lessons), 3),
    *((f"scenes a second, training: {name}, our batch normalisation", "Keras' own", len(lessons), len(lessons),
       trainer(name, lessons), trainer(name, lessons, copy=usual), 5) for name in ("model0", "slots")),
    ("crops a second, training: fast", "model0", 3 * len(lessons), 3 * len(lessons), trainer("fast", lessons),
     trainer("model0", lessons), 5),
    *((f"scenes a second, training: {name}", "model0, three crops a scene", len(lessons), len(lessons),
       trainer(name, lessons), trainer("model0", lessons), 3) for name in ("slots", "columns", "heads")),
    *((f"scenes a second, training: {name} of full", "model0, three crops a scene", len(lessons), len(lessons),
       trainer(name, lessons, "full"), trainer("model0", lessons), 3) for name in ("slots", "pyramid")),
]  # fmt: skip

print(f"{os.cpu_count()} cores, Keras {keras.__version__}, medians of turns; what takes minutes, once\n")
print("| measure: A | B | A | B | A / B |\n|:---|:---|---:|---:|---:|")
for name, against, n, m, one, other, rounds in ROWS:
    a, b, ratio = in_turns(one, other, rounds)
    print(f"| {name} | {against} | {n / a:,.0f} | {m / b:,.0f} | {ratio * n / m:.1f} |", flush=True)
np.save(here / "images.npy", many[:2560])
peak("reading 2,560 scenes, Keras", READ, SHIPPED, here / "images.npy")
peak("reading 2,560 scenes, ONNX Runtime", READ, here / "shipped.onnx", here / "images.npy")
peak("digitkit read, one picture", "import sys; from digitkit.cli import main; main()", "read", here / "one.png")
for experiment in ("model0", "slots"):
    peak(f"training {experiment} of full on 512 scenes", TRAIN, experiment)
for what, megabytes in PEAKS.items():
    print(f"\n{what}: {megabytes:,.0f} MB at most")
one = median(seconds(lambda: deployed.read(image)) for _ in range(50))
differ = int((deployed.read(many).digits != whole.read(many).digits).any(axis=1).sum())
print(
    f"\none image, ONNX Runtime: {1000 * one:.1f} ms; of {len(many):,} scenes {differ} are read differently from Keras"
)
folder.cleanup()
