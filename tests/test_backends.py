"""Another backend than TensorFlow: JAX, on the processor, in a process of its own."""

import json
import os
import subprocess
import sys

from conftest import HERE

TRAIN = """
import json
from dataclasses import replace
from pathlib import Path
import numpy as np
import digitkit.training as training
from digitkit.settings_file import load_config
from digitkit.splits import load_split
from digitkit.training import device, train

def short(experiment, epochs):
    config = load_config("record", experiment)
    sizes = dict(train_scenes=12, val_scenes=6, batch_size=6, epochs=epochs)
    return replace(config, glyphs="embedded", tests=config.tests[:1], test_scenes=8, **sizes)

class Killed(Exception):
    pass

class Mortal(training.Record):
    def on_epoch_end(self, epoch, logs=None):
        super().on_epoch_end(epoch, logs)
        if epoch == 0:
            raise Killed

config, whole = short("m5", 2), training.Record
alone = train(config, Path("alone"))[0].network.get_weights()
training.Record = Mortal
try:
    train(config, Path("stopped"))
except Killed:
    training.Record = whole
resumed, history = train(config, Path("stopped"))
same = [bool((a == b).all()) for a, b in zip(alone, resumed.network.get_weights())]

config = short("pairs", 1)
pairs, _ = train(config, Path("pairs"))
probs = pairs.probs(load_split(config, "test", "sabour6").images)
sums = float(np.abs(probs.sum(axis=2) - 1).max())
print(json.dumps([device(), len(history), same, pairs.network.name, list(probs.shape), sums]))
"""

QUICK = "--xla_backend_optimization_level=0 --xla_llvm_disable_expensive_passes=true"  # to compile takes longest


def test_recipes_of_record_train_stop_go_on_and_read_under_jax(project, tmp_path_factory):
    here = os.pathsep.join([str(HERE), str(HERE / "tests/start")])
    environment = os.environ | {"KERAS_BACKEND": "jax", "JAX_PLATFORMS": "cpu", "PYTHONPATH": here}
    kept = {"JAX_COMPILATION_CACHE_DIR": str(tmp_path_factory.mktemp("compiled"))}  # one network is trained three times
    kept |= {"JAX_PERSISTENT_CACHE_MIN_COMPILE_TIME_SECS": "0", "XLA_FLAGS": QUICK}
    line = [sys.executable, "-c", TRAIN]
    done = subprocess.run(line, cwd=project, env=environment | kept, capture_output=True, text=True, timeout=600)
    assert done.returncode == 0, done.stderr
    device, epochs, same, name, shape, sums = json.loads(done.stdout.splitlines()[-1])
    assert device and epochs == 2
    assert same and all(same)  # the run that was stopped ended as the one that was not, to the last bit
    assert name == "pair_set" and shape == [8, 2, 11] and sums < 1e-4


def test_nothing_is_carried_to_an_accelerator_before_it_is_committed(project):
    subprocess.run(["git", "init", "--quiet"], cwd=project, check=True)
    (project / "tools").mkdir()
    script = (HERE / "tools" / "accelerator.sh").read_text()
    (project / "tools" / "accelerator.sh").write_text(script)
    done = subprocess.run(["bash", "tools/accelerator.sh", "pack"], cwd=project, capture_output=True, text=True)
    assert (done.returncode, done.stderr) == (2, "commit first: a run says which revision made it\n")
    assert not (project / "carry").exists()
