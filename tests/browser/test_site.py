"""The documentation site: built without a network, every link leads somewhere, all is legible and reachable."""

from __future__ import annotations

import json
import os
import re
import shutil
import subprocess
import sys
import time
from functools import partial
from html.parser import HTMLParser
from http.server import SimpleHTTPRequestHandler, ThreadingHTTPServer
from importlib import resources
from pathlib import Path
from threading import Thread
from urllib.parse import unquote, urlsplit

import pytest
import test_pages
from modules import module_of

from spark_balance.base.registry import SAMPLERS

pytestmark = pytest.mark.slow

ROOT = Path(__file__).parents[2]
ALONE = ["unshare", "--net"] if os.geteuid() == 0 and shutil.which("unshare") else []
SHOWN = [(scheme, width) for scheme in ("light", "dark") for width in (390, 1280)]
MAIN = {page: SHOWN for page in ("index.html", "how-it-works.html", "spark-ml.html", "api/SMOTE.html")}
# the same parts on more pages
MORE = {page: [("light", 1280), ("dark", 390)] for page in ("tutorial.html", "methods.html", "api/toml-files.html")}
# other tests register samplers of their own
OFFERED = {name: kind for name, kind in SAMPLERS.items() if kind.__module__.startswith("spark_balance.")}
browser = test_pages.browser
# the links of what the search shows, which is a tree of its own
FOUND = """
return [...document.querySelectorAll("*")].filter(one => one.shadowRoot)
  .flatMap(one => [...one.shadowRoot.querySelectorAll("a")]).map(one => one.textContent)
"""


class Parts(HTMLParser):
    """The addresses that a page loads or leads to, the places in it, and its pictures."""

    def __init__(self, page):
        super().__init__()
        self.loaded, self.links, self.places, self.pictures, self.words = [], [], set(), [], []
        self.feed(page.read_text(encoding="utf-8"))

    def handle_starttag(self, tag, attributes):
        given = dict(attributes)
        self.places |= {given.get("id"), given.get("name")} - {None}
        if tag in ("script", "img", "iframe", "source") and "src" in given:
            self.loaded.append(given["src"])
        if tag == "link" and "canonical" not in given.get("rel", ""):
            self.loaded.append(given.get("href", ""))
        if tag == "a" and "href" in given:
            self.links.append(given["href"])
        if tag == "img":
            self.pictures.append((given.get("src"), given.get("alt")))

    def handle_data(self, text):
        self.words.append(text)


@pytest.fixture(scope="module")
def site(tmp_path_factory):
    """Return the folder of the site, which is built where there is no network."""
    folder = tmp_path_factory.mktemp("site")
    command = [*ALONE, sys.executable, ROOT / "scripts" / "docs.py", "--to", folder]
    done = subprocess.run(command, capture_output=True, text=True, check=False)
    assert done.returncode == 0, done.stdout + done.stderr
    return folder / "site"


@pytest.fixture(scope="module")
def pages(site):
    return {page: Parts(page) for page in sorted(site.rglob("*.html"))}


@pytest.fixture(scope="module")
def made():
    """Return the script that builds the site."""
    return module_of(ROOT / "scripts" / "docs.py")


def codes(html):
    """Return the names in the rows of a table."""
    rows = (re.findall(r"<code>([^<]*)</code>", row) for row in re.findall(r"<tr>(.*?)</tr>", html, re.DOTALL))
    return [row for row in rows if row]


def test_the_pictures_are_what_the_kernels_draw(made):
    from figures import FOLDER, pictures

    for name, text in pictures().items():
        assert (FOLDER / name).read_text(encoding="utf-8") == text, "run python scripts/site/figures.py"


def test_every_page_is_in_the_navigation(made):
    shown = {path for section in made.GUIDES.values() for _, path in section}
    assert shown == {page.relative_to(ROOT / "docs").as_posix() for page in (ROOT / "docs").rglob("*.md")}


def test_every_link_leads_to_a_page_and_a_place_of_it(site, pages):
    assert len(pages) > 50
    found = 0
    for page, parts in pages.items():
        for link in [*parts.links, *parts.loaded]:
            scheme, host, path, _, place = urlsplit(link)
            if scheme in ("http", "https", "mailto") or page.name == "404.html":
                continue
            assert not scheme
            assert not host
            target = (page.parent / unquote(path)).resolve() if path else page
            target = target / "index.html" if target.is_dir() else target
            assert target.exists(), f"{page.relative_to(site)} links to {link}"
            if place and target.suffix == ".html":
                assert unquote(place) in pages[target].places, f"{page.relative_to(site)} links to {link}"
            found += 1
    assert found > 1000


def test_nothing_is_loaded_from_elsewhere_and_every_picture_has_words(site, pages):
    for page, parts in pages.items():
        assert [one for one in parts.loaded if urlsplit(one).netloc] == [], page.name
        assert [source for source, words in parts.pictures if not (words or "").strip()] == [], page.name
    for style in site.rglob("*.css"):
        assert not re.search(r"url\(\s*['\"]?(https?:)?//", style.read_text(encoding="utf-8")), style.name


@pytest.mark.parametrize("kind", OFFERED.values(), ids=lambda kind: kind.__name__)
def test_the_page_of_a_sampler_has_all_its_parameters_and_no_others(site, kind):
    text = (site / "api" / f"{kind.__name__}.html").read_text(encoding="utf-8")
    listed = text.split("Parameters:")[1].split("</ul>")[0]
    assert sorted(re.findall(r"<b><code>(\w+)</code></b>", listed)) == sorted(kind.model_fields)


def test_the_page_of_toml_files_has_every_key_and_no_others(site, made):
    text = (site / "api" / "toml-files.html").read_text(encoding="utf-8")
    sections = {
        title: codes(body) for title, body in re.findall(r"<h2[^>]*>(.*?)<a(.*?)(?=<h2|</article)", text, re.DOTALL)
    }
    for name, model in made.configuration.table_models().items():
        keys = [field.alias or key for key, field in model.model_fields.items()]
        assert [row[0] for row in sections.pop(f"[{name}]")] == keys
    [(_, rows)] = sections.items()
    shared, own = ([row for row in rows if row[0].startswith("[") == of_a_method] for of_a_method in (False, True))
    assert [row[0] for row in own] == [f"[sampler.{name}]" for name in OFFERED]
    for (_, *keys), kind in zip(own, OFFERED.values(), strict=True):
        # keys of its own, and those of all others that it lacks
        assert {*keys} ^ {row[0] for row in shared} == set(kind.model_fields)


def test_the_page_of_options_has_those_of_every_command_and_no_others(site, made):
    text = (site / "api" / "options.html").read_text(encoding="utf-8")
    of_commands, shared, of_some = (codes(table) for table in re.findall(r"<tbody>(.*?)</tbody>", text, re.DOTALL))
    offered = {
        name: {option.opts[0] for option in command.params if option.param_type_name == "option"}
        for name, command in made.configuration.commands().items()
    }
    listed = {row[0]: {*row[1:]} for row in of_commands}
    assert listed.keys() == offered.keys()
    everywhere = {row[0] for row in shared}
    for name, options in offered.items():
        assert listed[name] <= options <= listed[name] | everywhere, name
        assert {row[0] for row in of_some if name in row} <= options
    assert everywhere | {row[0] for row in of_some} == set.union(*offered.values())


@pytest.mark.parametrize(
    ("page", "scheme", "width"), [(page, *shown) for page, all_shown in {**MAIN, **MORE}.items() for shown in all_shown]
)
def test_axe_finds_nothing_that_keeps_somebody_out_of_the_site(browser, site, page, scheme, width):
    test_pages.opened(browser, (site / page).as_uri(), scheme, width)
    browser.execute_script(resources.files("axe_core_python").joinpath("axe.min.js").read_text(encoding="utf-8"))
    found = browser.execute_async_script("axe.run().then(arguments[0])")
    assert len(found["passes"]) > 10
    assert [(one["id"], one["nodes"][0]["html"]) for one in found["violations"]] == []
    wide, there = browser.execute_script("return [document.documentElement.scrollWidth, window.innerWidth]")
    assert wide <= there


@pytest.fixture
def address(site):
    """Return where the site is served: a search needs a server."""
    quiet = type("Quiet", (SimpleHTTPRequestHandler,), {"log_message": lambda *_: None})
    with ThreadingHTTPServer(("127.0.0.1", 0), partial(quiet, directory=site)) as server:
        Thread(target=server.serve_forever, daemon=True).start()
        yield f"http://127.0.0.1:{server.server_port}"
        server.shutdown()


def test_the_keyboard_skips_to_the_text_and_the_search_finds_words_in_it(browser, address):
    from selenium.webdriver.common.keys import Keys

    test_pages.opened(browser, f"{address}/index.html")
    browser.switch_to.active_element.send_keys(Keys.TAB)
    assert browser.execute_script("return document.activeElement.innerText").strip() == "Skip to content"
    browser.find_element("tag name", "body").send_keys("/")
    time.sleep(0.5)  # until the box is open
    browser.switch_to.active_element.send_keys("halo")
    found, end = [], time.monotonic() + 30
    while not found and time.monotonic() < end:
        time.sleep(0.3)
        found = [text for text in browser.execute_script(FOUND) if "Cells and their halo" in text]
    assert found
    asked = [json.loads(entry["message"])["message"] for entry in browser.get_log("performance")]
    urls = [one["params"]["request"]["url"] for one in asked if one["method"] == "Network.requestWillBeSent"]
    assert len(urls) > 5
    assert [url for url in urls if not url.startswith((address, "data:", "blob:"))] == []
