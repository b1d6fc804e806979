"""docs/remote-engines.md: its settings are right, and what it names exists."""

import re
from pathlib import Path

import pytest

from koe.adapters.http.metrics import Metrics
from koe.settings import load, names

GUIDE = (Path(__file__).parent.parent / "docs" / "remote-engines.md").read_text(encoding="utf-8")


@pytest.mark.parametrize("written", re.findall(r"^```yaml\n(.*?)^```", GUIDE, re.DOTALL | re.MULTILINE))
def test_its_settings_are_right(written: str, tmp_path: Path) -> None:
    (tmp_path / "config").mkdir()
    (tmp_path / "config" / "koe.yaml").write_text(written, encoding="utf-8")
    assert load(tmp_path, environ={}).settings.engine.remote.servers


def test_the_settings_and_figures_that_it_names_exist() -> None:
    named = re.findall(r"`((?:engine|voice|http)\.[a-z_.]+)", GUIDE)
    assert named
    assert set(named) <= {*names.fields(), *names.sections()}
    told = Metrics(servers=list).text().decode()
    for figure in re.findall(r"`(koe_remote_\w+?)(?:_total)?`", GUIDE):
        assert figure in told


def test_its_table_of_contents_leads_somewhere() -> None:
    headings = {
        re.sub(r"[^a-z0-9 -]", "", each.lower()).replace(" ", "-") for each in re.findall("^##+ (.+)", GUIDE, re.M)
    }
    assert set(re.findall(r"\]\(#([^)]+)\)", GUIDE)) <= headings
