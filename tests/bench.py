"""`make bench`: one Markdown table; each row names both sides and the ratio of their times, taken in turns."""

import os
import time
from statistics import median

os.environ.setdefault("TF_CPP_MIN_LOG_LEVEL", "3")

import keras  # noqa: E402
import numpy as np  # noqa: E402

from digitkit.config import load_config  # noqa: E402
from digitkit.glyphs import Glyphs, load_glyphs  # noqa: E402
from digitkit.models import build_model  # noqa: E402
from digitkit.reader import Reader, build_reader  # noqa: E402
from digitkit.scenes import compose  # noqa: E402
from digitkit.segment import segment  # noqa: E402


def loop(glyphs: Glyphs, n: int, seed: int) -> np.ndarray:
    """Scenes as the reference makes them: draw and paste one digit after the other."""
    rng, by_label = np.random.RandomState(seed), [np.flatnonzero(glyphs.labels == digit) for digit in range(10)]
    images = np.zeros((n, 84, 84), np.uint8)
    for image in images:
        for slot in range(3):
            glyph, top = rng.choice(by_label[rng.randint(10)]), rng.randint(84 - 28)
            image[top : top + 28, 28 * slot : 28 * slot + 28] = glyphs.images[glyph]
    return images


def trainer(name: str, x: np.ndarray, y: np.ndarray):
    """A call that trains a fresh network on 1,024 crops, once more each time."""
    network = build_model(name)
    network.compile("adam", "categorical_crossentropy")
    return lambda: network.fit(x, y, batch_size=64, verbose=0)


def seconds(call) -> float:
    started = time.perf_counter()
    call()
    return time.perf_counter() - started


def in_turns(one, other, rounds: int = 5) -> tuple[float, float, float]:
    """Median seconds of two calls that take turns, after one call of each, and the median ratio other / one."""
    one(), other()
    pairs = [(seconds(one), seconds(other)) for _ in range(rounds)]
    return median(a for a, _ in pairs), median(b for _, b in pairs), median(b / a for a, b in pairs)


keras.utils.set_random_seed(0)
glyphs = load_glyphs()
scenes = compose(glyphs, "triple", 1000, seed=1)
some, image = scenes.images[:256], scenes.images[:1]
reader: Reader = build_reader(load_config("quick", "small"))
x = reader.prepare(scenes.images)[:1024]
y = reader.targets(scenes.digits)[:1024]


def through_predict():
    return reader.network.predict(reader.prepare(image), verbose=0)


def one_by_one():
    return [reader.read(one[None]) for one in some[:32]]


def in_a_batch():
    return reader.read(some)


ROWS = [
    ("scenes a second: compose", "plain NumPy loop", 1000, 1000, lambda: compose(glyphs, "triple", 1000, 1),
     lambda: loop(glyphs, 1000, 1)),
    ("scenes a second, cut: columns", "watershed", 256, 256, lambda: segment(some, "columns", "aspect"),
     lambda: segment(some, "watershed", "aspect")),
    ("images a second, one a call: Reader.read", "network.predict", 1, 1, lambda: reader.read(image), through_predict),
    ("images a second: Reader.read, 256 a call", "1 a call", 256, 32, in_a_batch, one_by_one),
    ("crops a second, training: small", "model0", 1024, 1024, trainer("small", x, y), trainer("model0", x, y)),
]  # fmt: skip

print(f"{os.cpu_count()} cores, Keras {keras.__version__}, medians of 5 turns\n")
print("| measure: A | B | A | B | A / B |\n|:---|:---|---:|---:|---:|")
for name, against, n, m, one, other in ROWS:
    a, b, ratio = in_turns(one, other)
    print(f"| {name} | {against} | {n / a:,.0f} | {m / b:,.0f} | {ratio * n / m:.1f} |", flush=True)
