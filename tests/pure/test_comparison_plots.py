"""The plots of a comparison name each treatment, whatever it is called."""

from html import unescape

import pytest
from hostile import NAMES

from spark_balance.compare.pages import _svg

ONE_LINE = [*(name for name in NAMES if name and "\n" not in name), "$^$"]


@pytest.mark.parametrize("first", range(0, len(ONE_LINE), 10))
def test_each_name_is_in_the_legend(first):
    names = ONE_LINE[first : first + 10]
    drawn = unescape(_svg(lambda axes: [axes.plot([0, 1], [0, 1], label=name) for name in names]))
    assert [name for name in names if f">{name}</text>" not in drawn] == []
