"""One frame, one seed, one digest: the same on every engine, for ever."""

from __future__ import annotations

import json
import sys
from collections import Counter
from pathlib import Path

import pytest
from cases import CASES
from frames import collected, digest, labelled, with_extras

from spark_balance.app.session import open_session
from spark_balance.testing.case import counted_rows, difference

FRAME = (1320, 193252675304276545668)
# when a method is meant to give other rows, its line here changes with it; nothing else may
DIGESTS: dict[str, tuple[int, int]] = {
    "adasyn-cells": (2779, 197705504747861144379),
    "adasyn-unkeyed_told": (2773, -85193071069845871665),
    "all_knn-cells_unkeyed": (828, 184799627385562607089),
    "all_knn-keyed": (830, 191200505862765949090),
    "borderline_smote-cells": (2700, 266976661224723006295),
    "borderline_smote-cells_second": (1380, -59439847826254419655),
    "borderline_smote-unkeyed_second": (2700, -25334516832321172860),
    "chain-keyed": (900, 106454839833239657479),
    "cluster_centroids-cells": (360, -38675497403761430439),
    "cluster_centroids-cells_unkeyed": (360, 44452035957191544174),
    "cluster_centroids-keyed": (360, -70112936364275486141),
    "cluster_centroids-unkeyed": (360, 92720486616930382788),
    "condensed_nearest_neighbour-cells_unkeyed": (855, 36146318415421452648),
    "condensed_nearest_neighbour-keyed": (828, 76542329234976331680),
    "edited_nearest_neighbours-cells": (476, 186700031110714061129),
    "edited_nearest_neighbours-cells_unkeyed": (832, 131339995946428982766),
    "edited_nearest_neighbours-keyed": (938, 114984187486563827250),
    "edited_nearest_neighbours-unkeyed": (481, 200404096878106672331),
    "gaussian_smote-cells": (2700, 385375355800740644040),
    "gaussian_smote-unkeyed_exact": (2700, -479864546200775044793),
    "instance_hardness_threshold-keyed": (360, 81677732862183385616),
    "instance_hardness_threshold-unkeyed": (360, 67702736825675040716),
    "kmeans_smote-cells": (2700, 415320168482636570104),
    "kmeans_smote-unkeyed_base": (2700, 15458913640694946138),
    "mwmote-cells": (2700, 332240909370830173375),
    "mwmote-unkeyed_told": (2700, -461580736782247768067),
    "near_miss-cells": (360, 42004171460181684262),
    "near_miss-cells_unkeyed": (360, 175829507093014683579),
    "near_miss-keyed": (360, 175829507093014683579),
    "near_miss-unkeyed": (360, 77436925420648907656),
    "neighbourhood_cleaning_rule-cells_unkeyed": (800, 101151757919797683458),
    "neighbourhood_cleaning_rule-keyed": (793, 77655223462508146328),
    "one_sided_selection-cells_unkeyed": (1029, 200659254735950570754),
    "one_sided_selection-keyed": (1036, 193611122573265697289),
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
    "repeated_edited_nearest_neighbours-cells_unkeyed": (484, 199466916372638771160),
    "repeated_edited_nearest_neighbours-keyed": (481, 200404096878106672331),
    "safe_level_smote-cells": (2700, 520438056063887175312),
    "safe_level_smote-unkeyed_base": (2700, -185113162968768359651),
    "smote-cells": (2700, 260505418381967461215),
    "smote-cells_added_told": (1380, -76926009986105195599),
    "smote-cells_base": (2700, -143301627422030028665),
    "smote-cells_unkeyed": (2700, 11872483957527821785),
    "smote-exact": (2700, 304258153648382198584),  # as in one cell: "smote-keyed"
    "smote-exact_told": (2700, -170788047069977245061),
    "smote-keyed": (2700, 304258153648382198584),
    "smote-partition": (2700, 528758447645373546494),
    "smote-partition_base": (2700, 95481976964624975335),
    "smote-unkeyed": (2700, 20223099732098226876),
    "smote-unscaled": (2700, 90249213699583896768),
    "smoteenn-keyed": (1310, 232504889533448427215),
    "smoten-cells_added_told": (1380, -83327766502931883178),
    "smoten-cells_base": (2700, -337818689767953780102),
    "smoten-keyed": (2700, 179545804090196362348),
    "smoten-unkeyed": (2700, 508765634997407234814),
    "smotenc-cells_added_told": (1380, 218384578199267241831),
    "smotenc-cells_base": (2700, -201997451759215662780),
    "smotenc-keyed": (2700, 399592907296052228457),
    "smotenc-unkeyed": (2700, 422203855461620494169),
    "smotetomek-keyed": (2458, 412275914570649113240),
    "smotetomek-unkeyed": (2442, 19039989579363243049),
    "svm_smote-cells": (2700, 124568355555623313372),
    "svm_smote-unkeyed_base": (2700, -136729155039496924534),
    "tomek_links-cells": (1037, 188092490655282372791),
    "tomek_links-cells_unkeyed": (1040, 180405225979930616466),
    "tomek_links-keyed": (1038, 192738894388792564427),
    "tomek_links-unkeyed": (988, 203789748491796559936),
}


def _frame(spark):
    """Return three classes of 900, 300 and 120 rows: with cell_rows=32 the smaller ones are ten cells and four."""
    return with_extras(labelled(spark, [900, 300, 120]))


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
    "smote-cells_base",
}


def _marked(case):
    return pytest.param(case, id=str(case), marks=[pytest.mark.every_engine] if str(case) in _EVERYWHERE else [])


_SAME = [case for case in CASES if case.sampler.same_anywhere]
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
