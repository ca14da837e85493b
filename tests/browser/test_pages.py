"""The pages in a real browser: nothing is fetched or run, all is legible and reachable, however it is shown."""

from __future__ import annotations

import json
import os
import shutil
from importlib import resources
from itertools import pairwise

import pytest
from reported import hostile, resampling

from spark_balance.compare.comparison import Bin, Comparison, Line
from spark_balance.compare.pages import draw_figures, render_page
from spark_balance.frames.plan import ClassCounts
from spark_balance.report.resampling_page import resampling_page

CHROMIUM, DRIVER = (shutil.which(name) for name in ("chromium", "chromedriver"))
SHOWN = [(scheme, width) for scheme in ("light", "dark") for width in (390, 1280)]
# every piece of text with its color and the first opaque color behind it
CONTRASTS = """
const number = text => text.match(/[\\d.]+/g).map(Number);
const light = ([r, g, b]) => [r, g, b].map(c => c / 255).map(c => c <= .04045 ? c / 12.92 : ((c + .055) / 1.055) ** 2.4)
  .reduce((sum, c, i) => sum + c * [.2126, .7152, .0722][i], 0);
const behind = node => { for (; node; node = node.parentElement) {
  const found = number(getComputedStyle(node).backgroundColor);
  if (found.length < 4 || found[3] > 0) return found; } return [255, 255, 255]; };
const seen = [];
const walker = document.createTreeWalker(document.body, NodeFilter.SHOW_TEXT);
while (walker.nextNode()) {
  const node = walker.currentNode.parentElement;
  if (!walker.currentNode.textContent.trim() || !node.checkVisibility()) continue;
  const style = getComputedStyle(node);
  const ink = number(node.closest('svg') ? style.fill : style.color);
  const [one, other] = [light(ink), light(behind(node))];
  seen.push([Math.max((one + .05) / (other + .05), (other + .05) / (one + .05)), walker.currentNode.textContent]);
}
return seen;
"""
HEADINGS = "return [...document.querySelectorAll('h1,h2,h3,h4')].map(one => Number(one.tagName[1]))"
PICTURES = """return [...document.querySelectorAll('svg,img')].map(one => one.getAttribute('aria-hidden') === 'true'
  || one.getAttribute('role') === 'img' && !!(one.getAttribute('aria-label') || '').trim())"""
FITS = "return [...document.querySelectorAll('.wide')].every(one => one.scrollWidth <= one.clientWidth)"
BOXES = "return [...document.querySelectorAll('.wide')].every(one => one.tabIndex === 0 && !!one.ariaLabel)"


@pytest.fixture(scope="module")
def browser(tmp_path_factory):
    """Return a Chromium without a screen that knows nothing and tells what it asks of a network."""
    if not (CHROMIUM and DRIVER) and os.environ.get("CI") != "true":
        pytest.skip("chromium and chromedriver are not installed (Debian: apt-get install chromium chromium-driver)")
    from selenium import webdriver

    options = webdriver.ChromeOptions()
    options.binary_location = CHROMIUM
    options.set_capability("goog:loggingPrefs", {"performance": "ALL", "browser": "ALL"})
    quiet = ["no-first-run", "disable-background-networking", "disable-component-update", "disable-sync"]
    folder = f"user-data-dir={tmp_path_factory.mktemp('chromium')}"
    for word in ("headless", "no-sandbox", "disable-gpu", "disable-dev-shm-usage", *quiet, folder):
        options.add_argument(f"--{word}")
    driver = webdriver.Chrome(options=options, service=webdriver.ChromeService(DRIVER))
    yield driver
    driver.quit()


def comparison():
    """Return two treatments, compared on two folds."""
    names = ("pr_auc", "roc_auc", "precision", "recall", "f1", "matthews_corrcoef", "brier_score")
    scores = tuple(dict.fromkeys((*names, "expected_calibration_error"), 0.5 + fold / 10) for fold in (0, 1))
    bins = tuple(Bin(place, 30, 30, place / 20) for place in range(0, 1200, 80))
    lines = tuple(Line(name, "trees", "", scores, (1.0, 2.0), (10, 10), 20, bins) for name in ("<b>no", "SMOTE"))
    counts = ClassCounts("y", {(): {"no": 90, "yes": 10}}, {})
    return Comparison(
        "<script>alert(1)</script>", "<script>alert(2)</script>", "us", counts, "yes", ("x",), (), 2, 0, 100, lines
    )


@pytest.fixture(scope="module")
def pages(tmp_path_factory):
    """Return the addresses of the pages to look at."""
    compared = comparison()
    made = {
        "resampling": resampling_page(resampling()),
        "hostile": resampling_page(hostile()),
        "compare": render_page(compared, draw_figures(compared)),
    }
    folder = tmp_path_factory.mktemp("pages")
    for name, text in made.items():
        (folder / f"{name}.html").write_text(text, encoding="utf-8")
    return {name: (folder / f"{name}.html").as_uri() for name in made}


def opened(browser, address, scheme="light", width=1280):
    media = {"features": [{"name": "prefers-color-scheme", "value": scheme}]}
    size = {"width": width, "height": 900, "deviceScaleFactor": 1, "mobile": False}
    browser.execute_cdp_cmd("Emulation.setEmulatedMedia", media)
    browser.execute_cdp_cmd("Emulation.setDeviceMetricsOverride", size)
    browser.get_log("performance")
    browser.get(address)


every_page = pytest.mark.parametrize("name", ["resampling", "hostile", "compare"])


@every_page
def test_nothing_is_fetched_and_no_name_runs_as_a_script(browser, pages, name):
    opened(browser, pages[name])
    events = [json.loads(entry["message"])["message"] for entry in browser.get_log("performance")]
    asked = [one["params"]["request"]["url"] for one in events if one["method"] == "Network.requestWillBeSent"]
    assert asked == [pages[name]]
    # an alert would have stopped the browser here
    assert browser.execute_script("return document.scripts.length") == 0
    assert (
        browser.execute_script("return document.querySelectorAll('main [onload],[onfocus],[onmouseover]').length") == 0
    )
    assert browser.get_log("browser") == []


@every_page
@pytest.mark.parametrize(("scheme", "width"), SHOWN)
def test_all_is_legible_and_fits(browser, pages, name, scheme, width):
    opened(browser, pages[name], scheme, width)
    browser.execute_script("for (const one of document.querySelectorAll('details')) one.open = true")
    wide, there = browser.execute_script("return [document.documentElement.scrollWidth, window.innerWidth]")
    assert (there, wide <= there) == (width, True)
    if width == 1280 and name != "hostile":  # tables fit without a scroll of their own
        assert browser.execute_script(FITS)
    contrasts = browser.execute_script(CONTRASTS)
    assert len(contrasts) > 50
    assert [text for ratio, text in contrasts if ratio < 4.5] == []
    dark = browser.execute_script("return getComputedStyle(document.body).backgroundColor")
    assert (dark == "rgb(255, 255, 255)") == (scheme == "light")
    # and axe finds nothing that keeps somebody out
    browser.execute_script(resources.files("axe_core_python").joinpath("axe.min.js").read_text(encoding="utf-8"))
    found = browser.execute_async_script("axe.run().then(arguments[0])")
    assert len(found["passes"]) > 10
    assert [(one["id"], one["nodes"][0]["html"]) for one in found["violations"]] == []


COLORS = """
const style = getComputedStyle(document.documentElement);
const names = ['link', 'before', 'after', 'warn', ...Array.from({length: 8}, (_, i) => `c${i}`)];
return names.map(name => style.getPropertyValue(`--${name}`).trim());
"""


@pytest.mark.parametrize("scheme", ["light", "dark"])
def test_a_color_means_one_thing(browser, pages, scheme):
    opened(browser, pages["resampling"], scheme)
    colors = browser.execute_script(COLORS)
    assert "" not in colors
    assert len(set(colors)) == len(colors) == 12


@every_page
def test_headings_pictures_and_boxes_are_told_to_those_who_do_not_see_them(browser, pages, name):
    opened(browser, pages[name])
    levels = browser.execute_script(HEADINGS)
    assert levels[0] == 1
    assert levels.count(1) == 1
    assert all(later <= earlier + 1 for earlier, later in pairwise(levels))
    pictures = browser.execute_script(PICTURES)
    assert len(pictures) >= 2
    assert all(pictures)
    assert browser.execute_script(BOXES)


def test_the_keyboard_reaches_links_and_boxes_and_opens_what_is_closed(browser, pages):
    from selenium.webdriver.common.keys import Keys

    opened(browser, pages["resampling"])
    reached = []
    for _ in range(60):
        focus = browser.switch_to.active_element
        focus.send_keys(Keys.TAB)
        focus = browser.switch_to.active_element
        outline = browser.execute_script("return getComputedStyle(arguments[0]).outlineStyle", focus)
        reached.append((focus.tag_name, focus.text.split("\n")[0], outline))
        if focus.tag_name == "summary" and "All 2 columns" in focus.text:
            break
    assert reached[0][1] == "To the report"
    assert ("a", "Projection", "solid") in reached
    assert any(tag == "div" for tag, _, _ in reached)
    assert {outline for _, _, outline in reached} == {"solid"}
    focus.send_keys(Keys.ENTER)
    assert browser.execute_script("return arguments[0].parentElement.open", focus)
