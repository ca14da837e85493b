"""The command compare: its configurations, its report, and what bad input gets."""

from __future__ import annotations

import json
import re
import sys
from pathlib import Path
from xml.etree import ElementTree

import pytest
from sklearn.datasets import load_breast_cancer

from spark_balance.base.registry import SAMPLERS
from spark_balance.compare.job import CompareConfig

REPOSITORY = Path(__file__).parents[2]
LABEL, FEATURES = "it is <script>", ("mean radius", "mean texture", "mean symmetry")


def test_every_configuration_of_the_repository_is_valid():
    configs = sorted((REPOSITORY / "conf" / "compare").glob("*.toml"))
    assert len(configs) >= 4
    for path in configs:
        config = CompareConfig.load(path)
        assert config.report.path == f"reports/{path.stem}"
        for treatment in config.treatments:
            if treatment.sampler is not None:
                assert treatment.sampler.label_col == config.setup.label_col
                assert treatment.sampler.random_state == config.setup.random_state


@pytest.mark.parametrize("name", [name for name, kind in SAMPLERS.items() if "label_col" in kind.model_fields])
def test_any_registered_sampler_is_a_treatment_by_its_name(compared, name):
    wish = "steps=[{smote={}}, {tomek_links={}}]" if name == "chain" else 'sampling_strategy="all"'
    takes_wishes = "sampling_strategy" in SAMPLERS[name].model_fields
    wish = wish if takes_wishes else ""
    line = f'treatment=[{{name="it", sampler={{{name}={{{wish}}}}}, n_estimators=2}}]'
    [treatment] = CompareConfig.load(compared[1], [line]).treatments
    assert isinstance(treatment.sampler, SAMPLERS[name])
    assert treatment.sampler.label_col == LABEL
    assert treatment.sampler.sampling_strategy == "all" or name == "chain" or not takes_wishes
    assert (treatment.sampler.key_cols, treatment.n_estimators) == (("row",), 2)


@pytest.fixture
def compared(tmp_path):
    """Return the words that compare treatments of 569 tumours by three of their measures."""
    found = load_breast_cancer(as_frame=True)
    names = ["bad" if target == 0 else "ok" for target in found.target]
    path = tmp_path / "tumours.parquet"
    found.frame[list(FEATURES)].assign(row=range(569), **{LABEL: names}).to_parquet(path, index=False)
    config = tmp_path / "compare.toml"
    config.write_text(f"""
input.path = "{path}"
compare = {{ label_col = "{LABEL}", positive = "bad", key_cols = ["row"], n_folds = 2 }}
classifier.logistic_regression = {{}}
report = {{ path = "{tmp_path / "report"}", title = "Good & <script>alert(1)</script> | $x$" }}
[[treatment]]
name = "<script>alert(2)</script> $y$"
[[treatment]]
name = "under"
sampler.random_under = {{}}
correct_prior = true
""")
    return ["compare", config]


def test_the_command_writes_html_markdown_and_json_and_escapes_names(cli, compared, tmp_path):
    code, out, err = cli(*compared, "--json")
    assert (code, err) == (0, "")
    said = json.loads(out)
    plots = [f"compare-logistic_regression-{what}.svg" for what in ("precision-recall", "calibration")]
    assert [Path(file).name for file in said["files"]] == ["compare.html", "compare.md", "compare.json", *plots]
    texts = {Path(file).suffix: Path(file).read_text() for file in said["files"]}
    for name in plots:
        assert f"]({name})" in texts[".md"]
        assert ElementTree.parse(Path(said["files"][0]).parent / name).getroot().tag.endswith("}svg")
    assert "<script" not in texts[".html"] + texts[".md"].replace("\\<", "")
    assert "http-equiv" not in texts[".html"]
    assert "&lt;script&gt;alert(2)" in texts[".html"]
    # in both legends; a $ is only a $
    assert texts[".html"].count("alert(2)&lt;/script&gt; $y$</text>") == 2
    assert texts[".html"].count("<svg") == 2
    assert "src=" not in texts[".html"]
    ids = [piece.split('"')[0] for piece in texts[".html"].split(' id="')[1:]]
    assert len(ids) == len(set(ids))
    written = json.loads(texts[".json"])
    assert written["lines"] == said["lines"]
    [conclusion] = written["conclusion"]
    assert re.match(r"logistic regression: .*PR-AUC .* over 2 folds.* The best probabilities are those of ", conclusion)
    for line in written["lines"]:
        mean = f"{line['summary']['pr_auc']['mean']:.3f} ± {line['summary']['pr_auc']['sd']:.3f}"
        assert mean in texts[".md"]
    # nothing is overwritten unasked
    code, _, err = cli(*compared)
    assert (code, "exists already" in err) == (2, True)
    code, out, err = cli(*compared, "--set", "report.mode=overwrite")
    assert code == 0
    # a line for each treatment of each fold, while it runs
    assert [line.split(",")[0] for line in err.splitlines()] == ["fold 1 of 2"] * 2 + ["fold 2 of 2"] * 2
    assert re.search(r"^fold 2 of 2, under: \d+\.\d s$", err, re.MULTILINE)
    # eighty columns hold every number whole
    assert "  prior corrected" in out
    # and the last line says what follows
    assert out.splitlines()[-1] == conclusion
    assert "…" not in out


@pytest.mark.parametrize(
    ("override", "sentence"),
    [
        ("compare.n_folds=1", "compare.n_folds=1: input should be greater than or equal to 2"),
        ("compare.fold=3", "config: compare: unknown key 'fold'"),
        ("classifier.forest={}", "config: classifier: unknown key 'forest'"),
        (
            "classifier.logistic_regression.l3=1",
            "classifier.logistic_regression: unknown key 'l3'; known are l2, max_iter",
        ),
        ("treatment=3", "treatment is not a list of tables"),
        ("treatment=[]", "the table [treatment] is missing"),
        ('treatment=[{name="a"}, {name="a"}]', "two treatments are named 'a'"),
        ('treatment=[{name="a", sampler={smoote={}}}]', "did you mean 'smote'?"),
        ("treatment=[{}]", "config: treatment 1.name: field required"),
        ('treatment=[{name="a", correct_prior=true}]', "leave correct_prior out"),
        ("report.path=s3://bucket/x", "is not a local folder"),
        (f"report.path={'x' * 300}", "has a name that is too long for this disk"),
        ("compare.row_limit=100", "row_limit=100"),
    ],
)
def test_a_mistake_in_the_configuration_is_one_sentence_and_exit_2(cli, compared, tmp_path, override, sentence):
    code, out, err = cli(*compared, "--set", override)
    assert (code, out) == (2, "")
    assert sentence in err
    assert "Traceback" not in err
    assert not (tmp_path / "report").exists()


def test_without_matplotlib_or_scikit_learn_the_extra_is_named(cli, compared, monkeypatch):
    for package in ("matplotlib", "sklearn", "jinja2"):
        with monkeypatch.context() as without:
            without.setitem(sys.modules, package, None)
            code, _, err = cli(*compared)
        assert code == 2
        assert "pip install 'spark-balance[compare]'" in err
