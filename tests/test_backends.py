"""Another backend than TensorFlow: JAX, on the processor, in processes of its own."""

import json
import os
import subprocess
import sys

from conftest import HERE

TRAIN = """
import json, sys
from dataclasses import replace
from pathlib import Path
import numpy as np
from digitkit.config import load_config
from digitkit.runs import open_run
from digitkit.splits import load_split
from digitkit.training import device, train

def short(experiment, epochs):
    config = load_config("record", experiment)
    sizes = dict(train_scenes=128, val_scenes=64, batch_size=64, epochs=epochs)
    return replace(config, glyphs="embedded", tests=config.tests[:1], test_scenes=20, **sizes)
"""


def under_jax(project, script: str) -> dict:
    """What a script prints as JSON when Keras computes with JAX."""
    environment = os.environ | {"KERAS_BACKEND": "jax", "JAX_PLATFORMS": "cpu", "PYTHONPATH": str(HERE)}
    line = [sys.executable, "-c", TRAIN + script]
    done = subprocess.run(line, cwd=project, env=environment, capture_output=True, text=True, timeout=600)
    assert done.returncode == 0, done.stderr
    return json.loads(done.stdout.splitlines()[-1])


def test_the_recipes_of_record_train_and_read_under_jax(project):
    found = under_jax(
        project,
        """
found = {}
for experiment in ("pairs", "slots"):
    config = short(experiment, 1)
    folder = open_run(config, device=device())
    reader, history = train(config, folder)
    scenes = load_split(config, "test", config.tests[0])
    probs = reader.probs(scenes.images)[0]
    off = float(np.abs(probs.sum(axis=2) - 1).max())
    found[experiment] = [reader.network.name, len(history), list(probs.shape), off]
    found["backend"] = json.loads((folder / "config.json").read_text())["provenance"]
print(json.dumps(found))
""",
    )
    names = {"pairs": "pair_set", "slots": "slots_wide"}
    assert {name: found[name][0] for name in names} == names
    assert {found[name][1] for name in names} == {1} and max(found[name][3] for name in names) < 1e-4
    assert found["pairs"][2] == [20, 2, 11] and found["slots"][2] == [20, 5, 11]
    assert found["backend"]["device"]


def test_a_run_that_was_stopped_ends_the_same_under_jax(project):
    found = under_jax(
        project,
        """
import digitkit.training as training

class Killed(Exception):
    pass

class Mortal(training.Record):
    def on_epoch_end(self, epoch, logs=None):
        super().on_epoch_end(epoch, logs)
        if epoch == 0:
            raise Killed

config, whole = short("m5", 2), training.Record
folders = [Path("alone"), Path("stopped")]
expected = train(config, folders[0])[0].network.get_weights()
training.Record = Mortal
try:
    train(config, folders[1])
except Killed:
    training.Record = whole
resumed = train(config, folders[1])[0].network.get_weights()
print(json.dumps([bool((a == b).all()) for a, b in zip(expected, resumed)]))
""",
    )
    assert found and all(found)
