"""A code is chosen as transformers chooses it, draw by draw."""

import math
from typing import Any

import pytest

torch = pytest.importorskip("torch")
transformers = pytest.importorskip("transformers")

from torch import Tensor  # noqa: E402

from koe.core import profile  # noqa: E402
from koe.core.errors import RequestError  # noqa: E402
from koe.engine.qwen.sampling import Draw, FirstCodes, Sampling, draw  # noqa: E402

DRAWS = [
    Draw(),
    Draw(temperature=1.0),
    Draw(top_k=0, top_p=0.8),
    Draw(top_k=7, top_p=0.5, temperature=1.7),
    Draw(top_k=10_000, top_p=0.0),
    Draw(do_sample=False),
]


def scores_of(rows: int, seed: int = 0, vocabulary: int = 3072) -> Tensor:
    scores: Tensor = 3 * torch.randn(rows, vocabulary, generator=torch.Generator().manual_seed(seed))
    return scores


def processors(way: Draw) -> Any:
    out = transformers.LogitsProcessorList()
    if way.temperature != 1.0:
        out.append(transformers.TemperatureLogitsWarper(way.temperature))
    if way.top_k:
        out.append(transformers.TopKLogitsWarper(way.top_k))
    if way.top_p < 1:
        out.append(transformers.TopPLogitsWarper(way.top_p))
    return out


def package_draws(scores: Tensor, way: Draw, seed: int, times: int) -> list[int]:
    """scores [1, vocabulary], from torch's global generator."""
    if not way.do_sample:
        return [int(scores.argmax(-1))] * times
    torch.manual_seed(seed)
    chances = processors(way)(None, scores).softmax(-1)
    return [int(torch.multinomial(chances, num_samples=1)) for _ in range(times)]


@pytest.mark.parametrize("way", DRAWS, ids=str)
def test_the_draws_are_the_packages_own(way: Draw) -> None:
    scores = scores_of(1)
    generator = torch.Generator().manual_seed(11)
    assert [int(draw(scores, [way], [generator])) for _ in range(20)] == package_draws(scores, way, 11, 20)


def test_each_row_draws_as_if_it_were_alone() -> None:
    scores = scores_of(len(DRAWS) + 1)
    ways = [*DRAWS, DRAWS[0]]
    generators = [torch.Generator().manual_seed(seed) for seed in range(len(ways))]
    drawn = torch.stack([draw(scores, ways, generators) for _ in range(10)], dim=1)
    for row, way in enumerate(ways):
        assert drawn[row].tolist() == package_draws(scores[row : row + 1], way, row, 10)


def test_a_greedy_row_costs_no_draw() -> None:
    generator = torch.Generator().manual_seed(1)
    before = generator.get_state()
    draw(scores_of(2), [Draw(do_sample=False)] * 2, [generator] * 2)
    assert torch.equal(generator.get_state(), before)


def test_first_codes_are_penalised_silenced_and_kept_from_ending_too_soon_as_by_the_package() -> None:
    end, vocabulary = 2150, 3072
    rules = FirstCodes(3, vocabulary, end, torch.device("cpu"))
    penalties = {2: 1.05, 0: 1.4}
    had: dict[int, list[int]] = {slot: [] for slot in penalties}
    for slot, penalty in penalties.items():
        rules.begin(slot, penalty)
    for turn in range(6):
        logits = scores_of(2, seed=turn)
        logits[:, end] = 20.0
        ours = rules.scores(list(penalties), logits)
        for row, (slot, penalty) in enumerate(penalties.items()):
            assert torch.equal(ours[row], package_scores(logits[row : row + 1], had[slot], penalty, end)[0])
        codes = torch.tensor([5, turn % 3])
        rules.note(list(penalties), codes)
        for slot, code in zip(penalties, codes.tolist(), strict=True):
            had[slot].append(code)
    rules.begin(2, 1.0)
    fresh = scores_of(1)
    assert torch.equal(rules.scores([2], fresh)[0], package_scores(fresh, [], 1.05, end)[0])


def package_scores(logits: Tensor, had: list[int], penalty: float, end: int) -> Tensor:
    ids = torch.tensor([had], dtype=torch.int64)
    vocabulary = logits.shape[-1]
    mute = [code for code in range(vocabulary - 1024, vocabulary) if code != end]
    out = transformers.LogitsProcessorList(
        [
            transformers.RepetitionPenaltyLogitsProcessor(penalty),
            transformers.MinNewTokensLengthLogitsProcessor(0, 2, end),
            transformers.SuppressTokensLogitsProcessor(mute),
        ]
    )(ids, logits.clone())
    assert isinstance(out, Tensor)
    return out


def test_a_checkpoints_own_defaults_are_taken() -> None:
    values = {"do_sample": False, "top_k": 3, "subtalker_temperature": 0.5, "repetition_penalty": 1.2, "other": 1}
    sampling = Sampling.from_config(values)
    assert sampling == Sampling(Draw(do_sample=False, top_k=3), Draw(temperature=0.5), 1.2)
    assert Sampling.from_config({"subtalker_dosample": False}).rest == Draw(do_sample=False)
    assert Sampling.from_config({}) == Sampling()


def test_wishes_take_the_place_of_defaults_for_all_codes() -> None:
    own = Sampling(Draw(top_k=3), Draw(temperature=0.5), 1.2)
    assert own.as_wished(profile.Sampling()) == own
    some = own.as_wished(profile.Sampling(temperature=0.7, top_p=0.9))
    assert some == Sampling(Draw(top_k=3, temperature=0.7, top_p=0.9), Draw(temperature=0.7, top_p=0.9), 1.2)
    assert own.as_wished(profile.Sampling(top_k=0, repetition_penalty=1.0)).first.top_k == 0
    with pytest.raises(RequestError, match="top_p"):
        own.as_wished(profile.Sampling(top_p=2.0))


def test_settings_without_sense_are_refused() -> None:
    for way in ({"temperature": 0.0}, {"temperature": math.inf}, {"top_k": -1}, {"top_p": 1.5}, {"top_p": math.nan}):
        with pytest.raises(RequestError):
            Draw(**way)
    for penalty in (0.0, math.inf, math.nan):
        with pytest.raises(RequestError):
            Sampling(repetition_penalty=penalty)
