"""The frame of the admin page: the ways to its views, its languages and its colours."""

from playwright.sync_api import expect

from tests.page.conftest import Open


def test_the_ways_lead_to_the_views(open_page: Open) -> None:
    it = open_page()
    for name in ("Voices", "Design", "Productions", "History", "House", "Speak"):
        it.page.get_by_role("navigation").get_by_role("link", name=name).click()
        expect(it.page).to_have_title(f"{name} – Koe")
        expect(it.page.locator("main")).to_be_focused()


def test_the_page_speaks_german(open_page: Open) -> None:
    it = open_page(locale="de-AT")
    expect(it.page.get_by_role("link", name="Stimmen")).to_be_visible()
    it.page.get_by_label("Sprache", exact=True).select_option("en")
    expect(it.page.get_by_role("link", name="Voices")).to_be_visible()
    it.page.reload()
    expect(it.page.get_by_role("link", name="Voices")).to_be_visible()
    expect(it.page.locator("html")).to_have_attribute("lang", "en")


def test_the_colours_are_the_system_s_until_others_are_chosen(open_page: Open) -> None:
    it = open_page(color_scheme="dark")
    ground = it.page.locator("html")
    dark = str(ground.evaluate("(html) => getComputedStyle(html).backgroundColor"))
    switch = it.page.get_by_role("button", name="Colours")
    switch.click()
    expect(switch).to_have_accessible_name("Colours: light")
    expect(ground).not_to_have_css("background-color", dark)
    it.page.reload()
    expect(switch).to_have_accessible_name("Colours: light")
    switch.click()
    expect(ground).to_have_css("background-color", dark)
