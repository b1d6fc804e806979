"""What a check-up such as Lighthouse asks of every view: names, contrast, sizes of text and targets, a focus that is
seen, titles. How much it weighs is asked in tests/adapters/http/test_page_files.py."""

import json
import re
from typing import Any

import pytest
from playwright.sync_api import Page, expect

from tests.page.conftest import Open
from tests.support.browser import PHONE
from tests.support.koe_server import KoeServer

VIEWS = (
    "speak",
    "voices",
    "voices?new=clip",
    "design",
    "productions",
    "productions/script",
    "projects",
    "history",
    "house",
    "house/models",
    "house/settings",
    "house/log",
)
MOST_TABS = 25
"""Elements that the focus goes to, in each view: what comes then are more of the same."""

LEAST_TEXT, LEAST_TARGET = 12, 24
"""CSS pixels."""

FOUND = """([leastText, leastTarget]) => {
  const named = (element) => element.outerHTML.slice(0, 140);
  const seen = (element) => element.checkVisibility({ visibilityProperty: true }) && element.getClientRects().length;
  const tiny = (element) => parseFloat(getComputedStyle(element).fontSize) < leastText;
  const small = new Set();
  const texts = document.createTreeWalker(document.body, NodeFilter.SHOW_TEXT);
  while (texts.nextNode()) {
    const { parentElement, data } = texts.currentNode;
    if (data.trim() && seen(parentElement) && tiny(parentElement)) small.add(named(parentElement));
  }
  const all = (selector) => [...document.querySelectorAll(selector)].filter(seen);
  const controls = all('a[href], button, input, select, textarea, summary, [role="slider"]');
  // A label is pressed in place of what it holds, and a link in a sentence is as high as the sentence.
  const target = (element) => (element.matches('input') && element.closest('label')) || element;
  const inText = (element) => element.matches('p:not(.back) a, dd a');
  const narrow = controls.filter((element) => {
    const { width, height } = target(element).getBoundingClientRect();
    return !inText(element) && Math.min(width, height) < leastTarget - 0.1;
  });
  const blind = all('img:not([alt]), svg:not([aria-hidden="true"], [role="img"])');
  return { small: [...small], narrow: narrow.map(named), blind: blind.map(named) };
}"""

FOCUSED = """() => {
  const element = document.activeElement;
  const drawn = ({ boxShadow, outlineStyle, outlineWidth }) =>
    boxShadow !== 'none' || (outlineStyle !== 'none' && parseFloat(outlineWidth) >= 1);
  // What is unseen shows its focus on what stands for it.
  const shown = [element, element.closest('label'), element.parentElement].filter(Boolean);
  const seen = shown.some((each) => drawn(getComputedStyle(each)));
  return { name: element.outerHTML.slice(0, 140), first: element === document.body, seen };
}"""


def check(page: Page, what: str) -> None:
    found: dict[str, Any] = page.evaluate(FOUND, [LEAST_TEXT, LEAST_TARGET])
    assert found == {"small": [], "narrow": [], "blind": []}, f"{what}: {json.dumps(found, indent=1)}"


def check_focus(page: Page) -> None:
    page.evaluate("document.activeElement?.blur()")
    for _ in range(MOST_TABS):
        page.keyboard.press("Tab")
        found = page.evaluate(FOCUSED)
        if found["first"]:
            return
        assert found["seen"], f"the focus isn't seen: {found['name']}"


@pytest.mark.parametrize("view", VIEWS)
def test_every_view_is_fit(open_page: Open, koe: KoeServer, view: str) -> None:
    it = open_page(view)
    page = it.page
    page.wait_for_load_state("networkidle")
    assert page.locator("html").get_attribute("lang") == "en"
    expect(page.locator("meta[name=viewport]")).to_have_attribute("content", re.compile("width=device-width"))
    # Who needs larger text may zoom in.
    expect(page.locator("meta[name=viewport]")).not_to_have_attribute(
        "content", re.compile("maximum-scale|user-scalable")
    )
    expect(page.get_by_role("heading", level=1)).to_have_count(1)
    expect(page.get_by_role("navigation", name="Views").locator("[aria-current=page]")).to_have_count(1)
    for scheme in ("light", "dark"):
        page.emulate_media(color_scheme=scheme)
        it.expect_accessible()
    check(page, "desk")
    check_focus(page)
    page.set_viewport_size(PHONE)
    it.expect_fits()
    it.expect_accessible()
    check(page, "phone")


def test_every_view_has_a_title_of_its_own(open_page: Open) -> None:
    it = open_page()
    titles = []
    for view in VIEWS:
        it.go(view)
        expect(it.page).to_have_title(re.compile("^[^–]+ – Koe$"))
        titles.append(it.page.title())
    assert len(set(titles)) >= len({re.split("[/?]", view)[0] for view in VIEWS})


@pytest.mark.parametrize("locale", ["en-GB", "de-AT"])
def test_the_ways_to_the_views_have_room_on_a_phone(open_page: Open, locale: str) -> None:
    it = open_page(viewport=PHONE, locale=locale)
    links = it.page.get_by_role("navigation").get_by_role("link")
    expect(links).to_have_count(6)
    for link in links.all():
        assert link.evaluate(
            "(link) => [link, ...link.children].every((each) => each.scrollWidth <= each.clientWidth + 1)"
        )
    check(it.page, locale)
