"""`digitkit export`: every network of settings.ini, the shipped reader, and what its page says about it."""

import os
import re
from configparser import ConfigParser
from dataclasses import replace

import keras
import numpy as np
import pytest
from conftest import HERE, command

from digitkit.composing import compose
from digitkit.deploy import RECIPE, load_onnx, save_onnx
from digitkit.glyphs import load_glyphs
from digitkit.reader import Reader, build_reader
from digitkit.segment import network_pixels
from digitkit.settings import Config
from digitkit.settings_file import load_config

SHIPPED, SETTINGS = HERE / "digitkit" / "shipped", HERE / "settings.ini"
NETWORK = ("model", "slots", "pipeline", "rotation", "shift", "zoom")  # what a network is built from
SCENE = np.zeros((1, 84, 84), np.uint8)


def is_built_alike(one: Config, other: Config) -> bool:
    """Whether both have the same network."""
    return all(getattr(one, key) == getattr(other, key) for key in NETWORK)


def networks() -> dict[str, Config]:
    """Each kind of network that a profile of settings.ini trains, once; without the shipped one, which has a test."""
    sections = ConfigParser(interpolation=None, default_section="none")
    sections.read(SETTINGS)
    built = {}
    for profile in (name.removeprefix("profile:") for name in sections if name.startswith("profile:")):
        base = load_config(profile, file=SETTINGS)
        for experiment in sorted({*base.experiments, base.leak}):
            config = load_config(profile, experiment, file=SETTINGS)
            if not config.members:
                shape = network_pixels(SCENE, config.segmenter, config.pipeline, config.slots)[0].shape[1:]
                built[shape, *(getattr(config, key) for key in NETWORK if key != "pipeline")] = config
    shipped = Config.from_json((SHIPPED / "config.json").read_text())
    built = {built_of: config for built_of, config in built.items() if not is_built_alike(config, shipped)}
    return {f"{config.profile} {config.experiment}": config for config in built.values()}


@pytest.fixture(scope="module")
def images():
    return compose(load_glyphs(), "triple", 4, seed=5).images


@pytest.mark.filterwarnings("ignore::FutureWarning")
@pytest.mark.parametrize("config", networks().values(), ids=networks())
def test_every_network_of_the_settings_is_exported_and_answers_alike(config, images, tmp_path):
    keras.utils.set_random_seed(0)
    reader = build_reader(replace(config, precision="float32"))  # as training leaves it
    *_, last = (w for w in reader.network.trainable_variables if w.ndim > 1)
    last.assign(last * 30)  # fresh weights answer much the same to every image
    save_onnx(reader, tmp_path / "reader.onnx", experiment=config.experiment)
    deployed, theirs = load_onnx(tmp_path / "reader.onnx"), reader.probs(images)
    np.testing.assert_allclose(deployed.probs(images), theirs, atol=1e-4)
    assert np.ptp(theirs, axis=0).max() > 0.01  # the images are told apart
    facts = deployed.network.facts
    assert facts["experiment"] == config.experiment and facts["parameters"] == str(reader.network.count_params())


def test_the_shipped_reader_is_exported_and_its_page_s_lines_prepare_an_image(call, project, tmp_path, images):
    code, out, err = call(project, "export", SHIPPED, tmp_path / "reader.onnx")
    assert (code, err) == (0, "") and "reader.onnx: Reader(columns" in out
    (lines,) = re.findall(r"```python\n(.*?)```", (SHIPPED / "README.md").read_text(), re.DOTALL)
    assert lines == RECIPE and len([line for line in lines.splitlines() if line]) == 13  # twelve and the import
    assert "cv2" not in lines
    exec(lines, recipe := {})
    network, reader = load_onnx(tmp_path / "reader.onnx").network, Reader.default()
    for image in images:
        for picture in (image, 255 - image):
            (probs,) = network.session.run(None, {"image": recipe["prepare"](picture)})
            np.testing.assert_allclose(probs, reader.read([picture]).probs, atol=1e-4)
    large = np.kron(images[0], np.ones((3, 3), np.uint8))
    (probs,) = network.session.run(None, {"image": recipe["prepare"](large)})
    assert (probs.argmax(axis=2) == reader.read([large]).digits).all()
    assert network.facts["takes"] == "images (n, 84, 84, 1) float32" and network.facts["slots"] == "5"
    assert network.facts["scale"].startswith("0..1") and "bright on black" in network.facts["polarity"]


def test_the_shipped_reader_has_a_name_in_the_settings():
    shipped = Config.from_json((SHIPPED / "config.json").read_text())
    named = load_config(shipped.profile, shipped.experiment, shipped.seed, file=SETTINGS)
    for key in (*NETWORK, "glyphs", "protocol", "layouts", "epochs", "dropout"):
        assert getattr(named, key) == getattr(shipped, key), key
    assert f"the run `{shipped.experiment}` of the profile `{shipped.profile}`" in (SHIPPED / "README.md").read_text()


def test_export_under_another_backend_is_a_sentence(tmp_path):
    environment = os.environ | {"KERAS_BACKEND": "jax", "JAX_PLATFORMS": "cpu", "PYTHONPATH": str(HERE)}
    done = command(HERE, "digitkit", "export", SHIPPED, tmp_path / "reader.onnx", env=environment)
    assert done.returncode == 2 and not list(tmp_path.iterdir())
    assert done.stderr.strip() == (
        "digitkit: export to ONNX expects Keras' backend to be tensorflow, got jax: set KERAS_BACKEND."
    )
