import pytest
from pydantic import ValidationError

from koe.core.errors import MalformedInput
from koe.pipelines.plan import Delivery, DryRun
from koe.pipelines.variations import VariationOptions, plan_variations

VOICES = ["espeak-en", "granny"]


def test_every_item_names_its_seed_also_when_it_was_drawn() -> None:
    plan = plan_variations("Hello there.", VariationOptions(how=Delivery(voice="granny"), count=3), VOICES)
    seeds = [item.how.seed for item in plan.items]
    assert plan.is_ready
    assert None not in seeds and len(set(seeds)) == 3
    assert [item.file for item in plan.items] == [f"{n:03}-seed-{seed}" for n, seed in enumerate(seeds, start=1)]
    assert len({item.id for item in plan.items}) == 3


def test_seeds_count_up_from_the_one_that_is_given() -> None:
    plan = plan_variations("Hello.", VariationOptions(how=Delivery(seed=2**63 - 1), count=2), VOICES)
    assert [item.how.seed for item in plan.items] == [2**63 - 1, 0]


def test_given_seeds_are_taken_as_they_are_and_none_twice() -> None:
    plan = plan_variations("Hello.", VariationOptions(seeds=(7, 3)), VOICES)
    assert [item.how.seed for item in plan.items] == [7, 3]
    with pytest.raises(MalformedInput, match="twice"):
        plan_variations("Hello.", VariationOptions(seeds=(7, 7)), VOICES)


@pytest.mark.parametrize("count", [0, 101])
def test_one_to_a_hundred_can_be_asked_for(count: int) -> None:
    with pytest.raises(ValidationError):
        VariationOptions(count=count)
    assert len(plan_variations("Hello.", VariationOptions(count=100), VOICES).items) == 100


@pytest.mark.parametrize(
    ("text", "problem"), [("", "nothing to say"), (" ... ", "nothing to say"), ("a" * 10_001, "10001")]
)
def test_a_text_that_nobody_can_say_is_a_problem(text: str, problem: str) -> None:
    plan = plan_variations(text, VariationOptions(), VOICES)
    assert not plan.is_ready and not plan.items
    assert problem in plan.problems[0].wrong


def test_an_unknown_voice_stops_the_plan_and_the_nearest_is_named() -> None:
    plan = plan_variations("Hello.", VariationOptions(how=Delivery(voice="Grany")), VOICES)
    assert not plan.is_ready
    assert [str(each) for each in plan.problems] == ["there is no voice 'Grany' in this house; did you mean granny?"]


def test_an_id_stays_while_what_is_spoken_does() -> None:
    def ids(text: str, **how: object) -> list[str]:
        options = VariationOptions(how=Delivery.model_validate(how), seeds=(1, 2))
        return [item.id for item in plan_variations(text, options, VOICES).items]

    assert ids("Hello.") == ids("Hello.", gain=3.0)
    assert not set(ids("Hello.")) & {*ids("Hello!"), *ids("Hello.", speed=1.5), *ids("Hello.", voice="granny")}


def test_a_dry_run_says_how_long_it_will_be_and_where_that_comes_from() -> None:
    plan = plan_variations("x" * 170, VariationOptions(how=Delivery(language="en", speed=2), count=4), VOICES)
    told = DryRun.of(plan, most_items=2)
    assert told.totals.seconds == pytest.approx(4 * 170 / 17 / 2)
    assert (told.totals.items, told.totals.characters, len(told.items)) == (4, 680, 2)
    assert "espeak" in told.seconds_source
    assert DryRun.model_validate_json(told.model_dump_json()) == told
