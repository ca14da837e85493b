"""One frame, one seed, one digest: the same on every engine, for ever."""

from __future__ import annotations

import json
import sys
from collections import Counter
from pathlib import Path

import pytest
from cases import CASES
from frames import collected, digest, labelled, with_extras
from pyspark.sql import functions as F

from spark_balance import RandomUnderSampler
from spark_balance.app.session import open_session
from spark_balance.testing.case import counted_rows, difference

FRAME = (1320, 193252675304276545668)
# when a method is meant to give other rows, its line here changes with it; nothing else may
DIGESTS: dict[str, tuple[int, int]] = {
    "adasyn-cells": (2773, 236462412171190736764),
    "adasyn-unkeyed_told": (2773, -78147385331473605737),
    "all_knn-cells_unkeyed": (827, 195885550046641531081),
    "all_knn-keyed": (827, 195885550046641531081),
    "borderline_smote-cells": (2700, 360215708003484611963),
    "borderline_smote-cells_second": (1380, 92093205401830936682),
    "borderline_smote-unkeyed_second": (2700, -44346685802581189874),
    "chain-keyed": (900, 106454839833239657479),
    "cluster_centroids-cells": (360, -56427008461716641538),
    "cluster_centroids-cells_unkeyed": (360, -41370578083757686597),
    "cluster_centroids-keyed": (360, 86227698800346816272),
    "cluster_centroids-unkeyed": (360, 60111877440545644029),
    "condensed_nearest_neighbour-cells_unkeyed": (856, 65585052462141112676),
    "condensed_nearest_neighbour-keyed": (829, 49641156861686692053),
    "edited_nearest_neighbours-cells": (484, 202290250677154829385),
    "edited_nearest_neighbours-cells_unkeyed": (830, 101961182815180271497),
    "edited_nearest_neighbours-keyed": (938, 114984187486563827250),
    "edited_nearest_neighbours-unkeyed": (482, 204687481248516059830),
    "gaussian_smote-cells": (2700, 356683979479634527871),
    "gaussian_smote-unkeyed_exact": (2700, -382865716714202188220),
    "instance_hardness_threshold-keyed": (360, 81677732862183385616),
    "instance_hardness_threshold-unkeyed": (360, 67702736825675040716),
    "kmeans_smote-cells": (2700, 451651064614143026839),
    "kmeans_smote-unkeyed_base": (2700, -30545782692004019332),
    "mlros-keyed": (1435, 212089969631673432281),
    "mlros-unkeyed_told": (1435, -163120126280645683244),
    "mlrus-keyed": (990, 124777624012898688353),
    "mlrus-unkeyed": (990, 92552829874201788000),
    "mlsmote-cells": (1440, 160441743002045774964),
    "mlsmote-unkeyed_base": (1440, 153137500582420122001),
    "mwmote-cells": (2700, 256668992350228289830),
    "mwmote-unkeyed_told": (2700, -396317414952432148925),
    "near_miss-cells": (360, -1374238352622837861),
    "near_miss-cells_unkeyed": (360, 159078430929563025245),
    "near_miss-keyed": (360, 159078430929563025245),
    "near_miss-unkeyed": (360, 72527819642823063397),
    "neighbourhood_cleaning_rule-cells_unkeyed": (794, 72115775023331063732),
    "neighbourhood_cleaning_rule-keyed": (793, 66670403052439397534),
    "one_sided_selection-cells_unkeyed": (1029, 188535170441856164956),
    "one_sided_selection-keyed": (1036, 185357919664332581170),
    "random_over-added": (1380, 356050077242615462743),
    "random_over-approximate": (2695, 560952947709019617512),
    "random_over-groups": (2700, -195592183820429782902),
    "random_over-keyed": (2700, 549302752546892008411),
    "random_over-smoothed": (2700, 84247371400302118987),
    "random_over-smoothed_unkeyed": (2700, -221475738953566870816),
    "random_over-told": (2700, 2623908956322833902),
    "random_over-told_unkeyed": (2700, -172265531184407152480),
    "random_over-unkeyed": (2700, 550186410958774278342),
    "random_under-approximate_keyed": (386, 68770297031514578192),
    "random_under-bootstrap_keyed": (360, -67793946635260579801),
    "random_under-bootstrap_unkeyed": (360, 155836953950243717018),
    "random_under-groups": (360, 125107558934244596494),
    "random_under-keyed": (360, 44608970081800092290),
    "random_under-unkeyed": (360, 37311492010536965370),
    "random_under-weighted": (360, -79083107076099896866),
    "relevance_over-keyed": (1685, 324685460366481660150),
    "relevance_under-unkeyed": (955, 161893177563972191690),
    "repeated_edited_nearest_neighbours-cells_unkeyed": (482, 204687481248516059830),
    "repeated_edited_nearest_neighbours-keyed": (482, 204687481248516059830),
    "safe_level_smote-cells": (2700, 522004092027589654629),
    "safe_level_smote-unkeyed_base": (2700, -234777525449893009719),
    "smogn-cells_told": (1320, -201139063307483196863),
    "smote-cells": (2700, 264391469459348381312),
    "smote-cells_added_told": (1380, -40570707910163884210),
    "smote-cells_base": (2700, -222244746926564225216),
    "smote-cells_unkeyed": (2700, 4296629164248476306),
    "smote-exact": (2700, 261936557391257173109),  # as in one cell: "smote-keyed"
    "smote-exact_told": (2700, -221903560767760106868),
    "smote-keyed": (2700, 261936557391257173109),
    "smote-partition": (2700, 505102089602225077081),
    "smote-partition_base": (2700, 59895510267399813071),
    "smote-unkeyed": (2700, 17870543122152961967),
    "smote-unscaled": (2700, 90249213699583896768),
    "smoteenn-keyed": (1302, 212062190841867582781),
    "smoten-cells_added_told": (1380, -93875214414044290802),
    "smoten-cells_base": (2700, -332360017750152783035),
    "smoten-keyed": (2700, 179545804090196362348),
    "smoten-unkeyed": (2700, 508765634997407234814),
    "smotenc-cells_added_told": (1380, 87001027061942809639),
    "smotenc-cells_base": (2700, -44844177946883817169),
    "smotenc-keyed": (2700, 424435606562380128634),
    "smotenc-unkeyed": (2700, 371801655678337162001),
    "smoter-cells_told": (1320, -151713472729512026942),
    "smoter-keyed": (1320, 329608407133152107330),
    "smoter-unkeyed_extreme": (1320, 119016372777373108165),
    "smotetomek-keyed": (2462, 376438198952892698411),
    "smotetomek-unkeyed": (2450, -60169337481992692157),
    "svm_smote-cells": (2700, 144770177758795506031),
    "svm_smote-unkeyed_base": (2700, -132457647067742758816),
    "tomek_links-cells": (1037, 179839287746349256672),
    "tomek_links-cells_unkeyed": (1040, 172152023070997500347),
    "tomek_links-keyed": (1038, 184485691479859448308),
    "tomek_links-unkeyed": (988, 194965816388969258899),
}


def _frame(spark):
    """Return three classes of 900, 300 and 120 rows: with cell_rows=32 the smaller ones are ten cells and four."""
    return with_extras(labelled(spark, [900, 300, 120]))


@pytest.mark.smoke
@pytest.mark.every_engine
def test_the_frame_is_the_same(spark):
    assert digest(_frame(spark)) == FRAME


# of each family of plans one that no other covers; test_categories has SMOTENC's
_EVERYWHERE = {
    "adasyn-cells",
    "edited_nearest_neighbours-cells_unkeyed",
    "near_miss-cells",
    "random_over-told_unkeyed",
    "random_under-unkeyed",
    "repeated_edited_nearest_neighbours-cells_unkeyed",
    "smogn-cells_told",
    "smote-cells_base",
}


_SAME = [case for case in CASES if case.sampler.same_anywhere]
# other versions of Spark run each method once: the last of its cases, which has no key or several cells
_SMOKE = set({str(case).partition("-")[0]: str(case) for case in _SAME}.values()) | _EVERYWHERE


def _marked(case):
    marks = [(pytest.mark.every_engine, _EVERYWHERE), (pytest.mark.smoke, _SMOKE)]
    marks.append((pytest.mark.methods, _SMOKE - _EVERYWHERE))
    return pytest.param(case, id=str(case), marks=[mark for mark, names in marks if str(case) in names])


# of each case the first five rows that are no rows of the frame, or the first five; what a failure shows
ROWS = Path(__file__).with_name("golden_rows.json")


def _first_rows(spark, found):
    """Return the first five rows of a digest's frame that it has beside those of the input, or the first five."""
    before = _frame(spark)
    originals = counted_rows(collected(before), before.columns)
    table = sorted(collected(found.frame), key=_text)
    added = []
    for row in table:
        there = _text({name: row[name] for name in before.columns})
        if not originals[there]:
            added.append(row)
        originals[there] -= 1
    return [_text(row) for row in (added or table)[:5]]


def _text(row):
    return repr(list(row.values()))


@pytest.mark.parametrize("case", [_marked(case) for case in _SAME])
def test_the_rows_are_the_same_on_every_engine(spark, case):
    found = digest(case().fit_resample(_frame(spark)))
    if found != DIGESTS[str(case)]:
        was, now = json.loads(ROWS.read_text())[str(case)]["rows"], _first_rows(spark, found)
        shown = difference(Counter(now), Counter(was), most=5) or f"the first rows are as they were, {now}"
        pytest.fail(f"the digest is {found} and not {DIGESTS[str(case)]}; {shown}")


@pytest.mark.smoke
@pytest.mark.methods
def test_a_frame_of_many_columns_without_a_key_is_planned(spark):
    """Spark 3.5 takes twice as long for each more column, minutes for these, unless its session is told not to."""
    numbers = [(F.col("id") * factor).alias(f"n{factor}") for factor in range(1, 24)]
    frame = spark.range(60).select((F.col("id") < 6).alias("label"), *numbers)
    assert digest(RandomUnderSampler(label_col="label").fit_resample(frame))[0] == 12


def test_the_rows_that_a_failure_shows_are_those_of_the_digests():
    """Where a digest is meant to change, `PYTHONPATH=tests python tests/samplers/test_golden.py` writes the rows."""
    known = json.loads(ROWS.read_text())
    assert {name: tuple(one["digest"]) for name, one in known.items()} == DIGESTS


def write_rows():
    """Write the rows that a failure shows, and print the digests that are not in DIGESTS."""
    spark = open_session("sail", app_name="golden", spark_conf={"spark.sql.session.timeZone": "UTC"})
    known = {}
    for case in _SAME:
        found = digest(case().fit_resample(_frame(spark)))
        known[str(case)] = {"digest": found, "rows": _first_rows(spark, found)}
        if DIGESTS.get(str(case)) != found:
            sys.stdout.write(f'    "{case}": {tuple(found)},\n')
    ROWS.write_text(json.dumps(known, indent=1, ensure_ascii=False) + "\n")


if __name__ == "__main__":
    write_rows()
