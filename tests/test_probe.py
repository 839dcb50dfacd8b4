"""Results survive a change of code that changes nothing, in a project with a real history; and no other change."""

import json
import re
import shutil
import subprocess
from pathlib import Path
from types import SimpleNamespace

import nbformat
import pytest
from conftest import HERE, RUN, change_settings, copy_project, pages_done, without_figures

from digitkit import trees
from digitkit.claims import keep_what_is_same
from digitkit.jobs import run_stages
from digitkit.own_process import share_of
from digitkit.pages import jobs_of
from digitkit.places import Here
from digitkit.plan import due
from digitkit.probe import origins
from digitkit.report import make_report
from digitkit.settings_file import load_config
from digitkit.trees import in_history, in_trees, last_revision, unpack


def git(project: Path, *words: str) -> str:
    """What git says in a project."""
    who = ["-c", "user.name=nobody", "-c", "user.email=nobody@example.org", "-c", "commit.gpgsign=false"]
    return subprocess.run(["git", *who, *words], cwd=project, check=True, capture_output=True, text=True).stdout


def change(project: Path, module: str, *pairs: tuple[str, str]) -> None:
    """Replace texts of a module, each of which must be there."""
    file = project / "digitkit" / f"{module}.py"
    text = file.read_text()
    for old, new in pairs:
        assert old in text, old
        text = text.replace(old, new)
    file.write_text(text)


def report(project: Path, experiment: str) -> SimpleNamespace:
    """A report of `tiny` on an experiment: what it said, the pages that it ran, how many probes it made."""
    said = []
    with pytest.MonkeyPatch.context() as patch:
        patch.chdir(project)
        assert make_report("tiny", experiment, say=said.append) == [], said
    said = "\n".join(said)
    return SimpleNamespace(said=said, ran=pages_done(said), probes=said.count("trying both"))


def stale(project: Path, monkeypatch) -> set[str]:
    """The pages with weights that a report would run if nobody asked whether the codes do the same."""
    monkeypatch.chdir(project)
    return {str(page) for job in jobs_of("tiny") for page in due(job) if page.notebook < "92"}


def kept(project: Path) -> dict[str, dict]:
    """The lines of `kept.json` by what they are on."""
    file = project / "reports/tiny/kept.json"
    return {line["what"]: line for line in json.loads(file.read_text())} if file.exists() else {}


@pytest.fixture(scope="module")
def past(tmp_path_factory):
    """A project in git with two finished experiments: `small`, and `turned`, which is another network and augmented."""
    project = copy_project(tmp_path_factory.mktemp("past"))
    without_figures(project)
    sizes = dict(epochs=1, train_scenes=24, val_scenes=24, test_scenes=24, resamples=20, jobs=1)
    change_settings(project, "profile:tiny", experiments="small turned", select="", tests="triple", **sizes)
    change_settings(project, "turned", model="fast", rotation=20, schedule="plateau")
    (project / ".gitignore").write_text("/data/\n/reports/\n__pycache__/\n*.log\n")
    git(project, "init", "-q")
    git(project, "add", "-A")
    git(project, "commit", "-qm", "the code of old")
    with pytest.MonkeyPatch.context() as patch:
        patch.chdir(project)
        ends = run_stages(jobs_of("tiny", "small"), set(), Here(1, share_of(1)), print)  # one comparison is enough
    assert [(str(page), state) for page, state, _ in ends][:2] == [("train small", "done"), ("evaluate small", "done")]
    assert "train turned" in report(project, "turned").ran
    return project


@pytest.fixture
def small_probes(monkeypatch):
    """Probes of a tenth of their size."""
    for size in ("train_scenes", "val_scenes", "test_scenes"):
        monkeypatch.setitem(trees._SMALL, size, 30)


@pytest.fixture
def project(past, tmp_path):
    """A copy of it that a test may change."""
    shutil.copytree(past, tmp_path / "past", symlinks=True)
    return tmp_path / "past"


SENTENCES = [
    ('"""Train one experiment in its folder', '"""Teach one experiment in its folder'),
    ("training layouts need fresh_scenes = yes, got no.", "layouts ask for fresh_scenes = yes, got no."),
    ("def __len__(self) -> int:", "def __len__(self):  # batches"),
]


def test_a_corrected_sentence_keeps_every_run_and_tries_nothing(project, monkeypatch):
    change(project, "training", *SENTENCES)
    change(project, "blocks", ("expected amounts of 0 or more", "expected no amount below 0"))
    assert stale(project, monkeypatch) == set()
    again = report(project, "small")
    assert again.probes == 0 and "small" not in str(again.ran) and not kept(project)


def test_an_edited_architecture_makes_its_own_experiment_stale_and_no_other(project, monkeypatch):
    change(project, "models", ("x = conv_norm_relu(x, 96, 3, strides=2)", "x = conv_norm_relu(x, 80, 3, strides=2)"))
    assert stale(project, monkeypatch) == {"train turned", "evaluate turned"}


def test_a_changed_augmentation_keeps_who_has_none_and_makes_the_others_stale(project, monkeypatch, small_probes):
    before = (project / RUN / "metrics.json").read_bytes()
    change(project, "blocks", ("RandomRotation(rotation / 360", "RandomRotation(rotation / 300"))
    assert stale(project, monkeypatch) == {
        f"{page} {run}" for page in ("train", "evaluate") for run in ("small", "turned")
    }

    small = report(project, "small")  # its code has changed, and does what it did
    assert small.probes == 1 and not {"train small", "evaluate small"} & small.ran, small.said
    lines = kept(project)
    assert set(lines) == {"small seed 0", "train small", "evaluate small"}
    for line in lines.values():
        assert re.fullmatch("[0-9a-f]{12}", line["probe"]) and line["from"] != line["to"] and line["processor"]
        assert git(project, "rev-parse", line["revision"]) == git(project, "rev-parse", "HEAD")
    assert (project / RUN / "metrics.json").read_bytes() == before
    assert "kept by a probe" in (project / "reports/tiny/index.html").read_text()

    assert report(project, "small").probes == 0  # nothing is probed twice

    job, said = next(job[:1] for job in jobs_of("tiny") if str(job[0]) == "train turned"), []
    for _ in range(2):  # what differs is remembered too
        keep_what_is_same([job], None, said.append)
    assert sum("trying both" in line for line in said) == 1
    differs = r"turned seed 0: not kept: turned/seed0/(history.csv|model.keras), .*differ, first at"
    assert any(re.search(differs, line) for line in said), said
    assert "differs" in kept(project)["turned seed 0"] and stale(project, monkeypatch) == {
        "train turned",
        "evaluate turned",
    }


def test_without_history_every_change_of_code_counts(project, monkeypatch):
    shutil.rmtree(project / ".git")
    change(project, "blocks", ("RandomRotation(rotation / 360", "RandomRotation(rotation / 300"))
    monkeypatch.chdir(project)
    said = []
    keep_what_is_same(jobs_of("tiny"), None, said.append)
    assert not said and not kept(project) and {"train small", "evaluate turned"} <= stale(project, monkeypatch)


def test_a_stamp_that_its_revision_does_not_give_is_not_followed(project, monkeypatch):
    file = project / RUN / "config.json"
    written = json.loads(file.read_text())
    file.write_text(json.dumps(written | {"source": "0123456789ab"}))
    page = nbformat.read(project / RUN / "evaluate.ipynb", as_version=4)
    page.metadata["digitkit"]["key"] = "0123456789ab"
    nbformat.write(page, project / RUN / "evaluate.ipynb")
    monkeypatch.chdir(project)
    said = []
    keep_what_is_same(jobs_of("tiny"), None, said.append)
    assert not said and not kept(project) and "evaluate small" in stale(project, monkeypatch)


def test_a_run_from_uncommitted_code_is_told_unless_the_commit_gives_its_stamp(project, monkeypatch):
    monkeypatch.chdir(project)
    config, file = load_config("tiny", "small"), project / RUN / "config.json"
    written = json.loads(file.read_text())
    revision = written["provenance"]["revision"]
    assert in_history(revision) and origins([config])["code"].tolist() == ["this"]
    written["provenance"]["revision"] = f"{revision}-dirty"
    file.write_text(json.dumps(written))
    assert origins([config])["code"].tolist() == ["this, uncommitted"]
    keep_what_is_same(jobs_of("tiny"), None, print)
    assert origins([config])["code"].tolist() == ["this"] and kept(project)["small seed 0"]["revision"] == revision


def test_a_file_that_is_moved_or_copied_keeps_its_revision(tmp_path, monkeypatch):
    """Fault: a report gets another name, or a page is like another one; it is asked for at a wrong revision."""
    shutil.copytree(HERE / "nbs/reports", tmp_path / "nbs/pages")
    shutil.copy(HERE / "settings.ini", tmp_path)
    monkeypatch.chdir(tmp_path)

    def commit(said: str) -> str:
        git(tmp_path, "add", "-A")
        git(tmp_path, "commit", "-qm", said)
        return git(tmp_path, "rev-parse", "--short", "HEAD").strip()

    git(tmp_path, "init", "-q")
    made = commit("made")
    git(tmp_path, "mv", "nbs/pages", "nbs/moved")
    commit("moved")
    page, other = Path("nbs/moved/90_train.ipynb"), Path("nbs/moved/other.ipynb")
    other.write_text(page.read_text().replace("digits", "numbers"))
    now = commit("another one that is like it")
    assert last_revision(page) == made != now == last_revision(other)


# ------------------------------------------------------------------ the reports in git

KEPT = sorted(HERE.glob("reports/*/*/seed*/config.json"))
COMMITTED = [path for path in KEPT if path.relative_to(HERE).parts[1] in ("full", "document")]


def _stamps(models):
    """Print what this tree gives as the stamp of a training of each architecture."""
    import json

    from digitkit.runs import source_fingerprint

    print(json.dumps({model: source_fingerprint("from digitkit.training import train", model) for model in models}))


def test_each_committed_stamp_is_what_its_revision_gives(tmp_path, monkeypatch):
    """A run from uncommitted code among them is refused: the committed code does not give its stamp."""
    monkeypatch.chdir(HERE)
    runs = {path: json.loads(path.read_text()) for path in COMMITTED}
    told = {path: run["provenance"]["revision"].removesuffix("-dirty") for path, run in runs.items()}
    here = sorted({revision for revision in told.values() if in_history(revision)})
    if not here:
        pytest.skip("there is no history here")
    assert set(told.values()) <= set(here), "a revision is not in the history"
    models = sorted({run["config"]["model"] for run in runs.values()})
    trees = [unpack(revision, tmp_path / revision) for revision in here]
    [ends] = in_trees(trees, _stamps, (models,), before=("pandas", "sklearn.model_selection", "h5py"))
    given = {tree.name: json.loads(text) for tree, (_, text) in zip(trees, ends)}
    wrong = [str(path) for path, run in runs.items() if given[told[path]][run["config"]["model"]] != run["source"]]
    assert len(runs) >= 19 and not wrong, wrong


def test_no_committed_page_was_made_by_uncommitted_code():
    pages = [page for profile in ("full", "document") for page in HERE.glob(f"reports/{profile}/**/*.ipynb")]
    made = {page: nbformat.read(page, as_version=4).metadata.get("digitkit", {}) for page in pages}
    dirty = [str(page) for page, how in made.items() if how.get("revision", "").endswith("-dirty")]
    untold = [str(page) for page, how in made.items() if page.name == "compare.ipynb" and "revision" not in how]
    assert pages and not dirty and not untold, (dirty, untold)
