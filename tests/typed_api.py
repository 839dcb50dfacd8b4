# pyright: standard
"""A user's program, as a type checker sees it: `make lint` reads this file with basedpyright, and nothing runs it."""

from collections.abc import Sequence
from pathlib import Path
from typing import assert_type

import numpy as np
from PIL import Image

from digitkit.audit import Audit, audit
from digitkit.composing import compose
from digitkit.files import as_picture, load_pages
from digitkit.formats import save_set
from digitkit.glyphs import Glyphs, load_glyphs, split_glyphs
from digitkit.labels import number
from digitkit.numbers import Number, Numbers
from digitkit.pipeline import parse_pipeline
from digitkit.reader import Reader, build_reader
from digitkit.scenes import Scenes
from digitkit.sets import load_set
from digitkit.settings import Config
from digitkit.settings_file import load_config
from digitkit.shards import Shards
from digitkit.sources import Split
from digitkit.store import Store, save_scenes

# reading scenes
reader = Reader.default()
assert_type(reader, Reader)
assert_type(Reader.load(Path("reports/quick/slots/seed0")), Reader)
assert_type(build_reader(load_config("quick", "slots")), Reader)
image = np.zeros((84, 84), np.uint8)
for images in (image, [image, image], np.stack([image, image])):
    reading = reader.read(images)
    assert_type(reading.digits, np.ndarray)
    assert_type(reading.confidence, np.ndarray)
    assert_type(reading.ok, np.ndarray)
    assert_type(number(reading.digits), list[str])
probs, cut = reader.probs_and_cut([image])
assert_type(probs, np.ndarray)
assert_type(cut, np.ndarray)
assert_type(reader.slots, int)
assert_type(reader.whole, bool)
reader.save(Path("somewhere"))

# finding numbers in a picture
numbers = reader.find(Image.new("L", (84, 84)), promise=0.99, as_scene=True)
assert_type(numbers, Numbers)
assert_type(numbers[0], Number)
assert_type(numbers.texts, list[str])
assert_type(reader.find_all([image, "photo.png", Path("a.png")]), list[Numbers])
assert_type(list(load_pages("a.tif")), list[tuple[str, np.ndarray]])
assert_type(as_picture("a.png"), np.ndarray)
for picture in (image, Path("photo.jpg"), "photo.jpg"):
    for found in reader.find(picture):
        assert_type(found.text, str)
        assert_type(found.confidence, float)
        assert_type(found.digit_confidence, tuple[float, ...])
        assert_type(found.box, tuple[int, int, int, int])
        assert_type(found.sure, bool)

# settings, digits, scenes, sets
config = load_config("quick")
assert_type(config, Config)
assert_type(config.layouts, tuple[str, ...])
assert_type(config.seed, int)
glyphs = load_glyphs("embedded")
assert_type(glyphs, Glyphs)
assert_type(split_glyphs(glyphs), dict[str, Glyphs])
scenes = compose(glyphs, "ladder14", 100, seed=1)
assert_type(scenes, Scenes)
assert_type(scenes.images, np.ndarray)
assert_type(scenes.boxes, np.ndarray | None)
assert_type(parse_pipeline("scene")(image), np.ndarray)
save_scenes(Path("set/train.h5"), scenes, split="train")
stored = Store("set/train.h5")
assert_type(stored.read(0, 10), Scenes)
assert_type(len(stored), int)
sets = load_set("set")
assert_type(sets, dict[str, Store | Shards] | dict[str, Split])
for blocks in (split.blocks(64) for split in sets.values()):
    assert_type(next(blocks), Scenes)
for some in (sets, {"train": scenes, "test": stored}):
    save_set(some, "elsewhere", "coco")
    found_in_both = audit(some)
    assert_type(found_in_both, Audit)
    assert_type(found_in_both.leak, float)
    assert_type(found_in_both.count(0, "copies"), tuple[int, int])

# what a checker must refuse
reader.read(3)  # pyright: ignore[reportArgumentType]
reader.find(None)  # pyright: ignore[reportArgumentType]
reader.raed([image])  # pyright: ignore[reportAttributeAccessIssue]
names: Sequence[str] = reader.slots  # pyright: ignore[reportAssignmentType]
