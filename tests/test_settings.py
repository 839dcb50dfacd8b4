"""Settings: whose they are, read once, and the same to the last byte as those of the committed runs."""

import json
import re
from configparser import ConfigParser

import pytest
from conftest import HERE, change_settings

from digitkit.pages import jobs_of
from digitkit.plan import job_keys
from digitkit.runs import configs_of
from digitkit.settings import Config, with_present_names
from digitkit.settings_file import load_config, load_profile
from digitkit.trees import write_settings

COMMITTED = [*sorted(HERE.glob("reports/*/*/seed*/config.json")), HERE / "digitkit/shipped/config.json"]


@pytest.mark.parametrize("file", COMMITTED, ids=lambda file: "/".join(file.parts[-4:-1]))
def test_a_committed_configuration_is_read_and_written_byte_for_byte(file):
    """But for a value that got another name since: it is written with the name of now."""
    text = file.read_text("utf-8")
    config, written = Config.from_json(text), json.loads(text)
    assert config.fingerprint() == written["fingerprint"]
    facts = {name: fact for name, fact in written.items() if name not in ("config", "fingerprint")}
    now = written | {"config": with_present_names(written["config"])}
    assert config.to_json(**facts) == json.dumps(now, indent=1) + "\n"
    assert config.profile in ("full", "document", "record") and config.segmenter != "columns"


def test_the_first_name_of_a_value_is_refused_with_the_name_of_now(project, call):
    code, _, err = call(project, "report", "--profile", "reference")
    assert (code, err) == (2, "digitkit: profile reference is called document now.\n")
    change_settings(project, "small", segmenter="columns")
    code, _, err = call(project, "report", "--profile", "tiny")
    assert code == 2 and re.search(r"settings.ini, line \d+, \[small\]: segmenter columns is called gaps now.", err)


OWNED = [("small", "jobs", 3), ("tiny.small", "experiments", "small"), ("tiny.small", "leak", "pooled")]


@pytest.mark.parametrize("section, key, value", OWNED)
def test_a_key_of_the_profile_is_refused_in_an_experiment_with_its_line(project, call, section, key, value):
    change_settings(project, section, **{key: value})
    code, out, err = call(project, "report", "--profile", "tiny")
    assert (code, out) == (2, "") and err.count("\n") == 1, err
    line = int(re.match(rf"digitkit: settings.ini, line (\d+), \[{section}\]: {key} is a profile's: ", err)[1])
    assert (project / "settings.ini").read_text().splitlines()[line - 1].startswith(key)
    assert not (project / "reports").exists()


def test_the_settings_of_a_whole_report_are_parsed_once(project, monkeypatch):
    monkeypatch.chdir(project)
    change_settings(project, "profile:tiny", jobs=1, resamples=97)  # a text that nobody has read before
    parsed, read = [], ConfigParser.read_string

    def counted(self, *arguments, **options):
        parsed.append(self)
        return read(self, *arguments, **options)

    monkeypatch.setattr(ConfigParser, "read_string", counted)
    jobs = jobs_of("tiny")
    assert load_profile("tiny").jobs == 1 and len(configs_of("tiny")) == 4 and all(map(job_keys, jobs))
    assert len(parsed) == 1
    change_settings(project, "profile:tiny", jobs=2)
    parsed.clear()
    assert load_profile("tiny").jobs == load_config("tiny", "slots").jobs == 2 and len(parsed) == 1


def test_a_profile_says_what_no_experiment_of_it_changes():
    for name in ("tiny", "quick", "full", "record", "document"):
        profile = load_profile(name, HERE / "settings.ini")
        for experiment in (*profile.experiments, profile.leak):
            config = load_config(name, experiment, file=HERE / "settings.ini")
            for key in ("profile", "experiments", "select", "base", "leak", "jobs", "glyphs", "protocol"):
                assert experiment == "pooled" and key == "protocol" or getattr(config, key) == getattr(profile, key)
    full = load_profile("full", HERE / "settings.ini")
    assert full.val_layout != load_config("full", file=HERE / "settings.ini").val_layout == "triple"


@pytest.mark.parametrize("profile", ["tiny", "full", "document"])
def test_the_settings_that_a_probe_writes_are_accepted(project, monkeypatch, profile):
    monkeypatch.chdir(project)
    experiments = list(load_profile(profile).experiments)
    write_settings(project, profile, experiments)
    assert load_profile("probe").experiments == tuple(experiments)
    assert all(load_config("probe", name).epochs >= 2 for name in experiments)
