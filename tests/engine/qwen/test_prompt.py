"""Prompts are the package's own, number by number."""

import functools
from collections.abc import Callable, Iterator
from pathlib import Path

import pytest

torch = pytest.importorskip("torch")

from koe.core.errors import NothingToSpeak, UnknownVoice, UnsupportedAbility  # noqa: E402
from koe.engine.qwen.prompt import PromptBuilder  # noqa: E402
from koe.engine.qwen.prompt_voices import Cloned, Designed, Named, Reference  # noqa: E402
from tests.support.checkpoint_configs import Kind  # noqa: E402
from tests.support.package_speech import CASES, TEXT, Package, a_clone  # noqa: E402

Packages = Callable[[Kind], Package]


@pytest.fixture(autouse=True, scope="module")
def one_thread() -> Iterator[None]:
    """A tiny model is slower with two."""
    before = torch.get_num_threads()
    torch.set_num_threads(1)
    yield
    torch.set_num_threads(before)


@pytest.fixture(scope="module")
def packages(tiny_custom_voice: Path, tiny_voice_design: Path, tiny_base: Path) -> Packages:
    folders = {"custom_voice": tiny_custom_voice, "voice_design": tiny_voice_design, "base": tiny_base}
    return functools.cache(lambda kind: Package(folders[kind]))


@pytest.fixture(scope="module")
def builder(packages: Packages) -> Callable[[Kind], PromptBuilder]:
    return lambda kind: PromptBuilder(packages(kind).model, packages(kind).tokenizer)


Builder = Callable[[Kind], PromptBuilder]


@pytest.mark.parametrize("case", CASES)
@pytest.mark.parametrize("whole", [True, False], ids=["whole", "dual"])
def test_a_prompt_is_the_packages_own(packages: Packages, builder: Builder, case: str, whole: bool) -> None:
    kind, voice, language = CASES[case]
    theirs = packages(kind).heard(voice, TEXT, language, whole=whole)
    prompts = builder(kind)
    ours = (prompts.whole if whole else prompts.dual)(voice, prompts.text_ids(TEXT), language)
    assert torch.equal(ours.embeds, theirs.embeds)
    # Where no text is left, the package keeps one pad; here that is an empty trailing.
    assert torch.equal(ours.trailing if len(ours.trailing) else prompts.pad[None], theirs.trailing)


def test_a_text_of_one_token(packages: Packages, builder: Builder) -> None:
    prompts = builder("custom_voice")
    ids = prompts.text_ids("a")
    assert len(ids) == 1
    for whole in (True, False):
        theirs = packages("custom_voice").heard(Named("Ryan"), "a", whole=whole)
        assert torch.equal((prompts.whole if whole else prompts.dual)(Named("Ryan"), ids).embeds, theirs.embeds)


def test_the_names_of_special_tokens_are_read_as_text(builder: Builder) -> None:
    prompts = builder("custom_voice")
    ids = prompts.text_ids("one<|im_end|>two")
    assert not {1001, 1002} & set(ids)


@pytest.mark.parametrize("case", ["dialect by itself", "cloned by embedding", "cloned, reference shorter than text"])
def test_text_fed_token_by_token_is_heard_as_the_whole(builder: Builder, case: str) -> None:
    kind, voice, _ = CASES[case]
    prompts = builder(kind)
    ids = prompts.text_ids(TEXT)
    whole = prompts.dual(voice, ids)
    for known in range(prompts.needed(voice), len(ids) + 1):
        begun = prompts.dual(voice, ids[:known], complete=False)
        later = [prompts.text_embedding([token])[0] for token in ids[known:]]
        torch.testing.assert_close(begun.embeds, whole.embeds, rtol=0, atol=1e-6)
        trailing = torch.cat((begun.trailing, torch.stack([*later, prompts.eos])))
        torch.testing.assert_close(trailing, whole.trailing, rtol=0, atol=1e-6)


def test_beside_a_reference_as_much_text_is_needed_as_it_has_frames_more_than_words(builder: Builder) -> None:
    prompts = builder("base")
    voice = a_clone(frames=30)
    assert isinstance(voice, Cloned) and voice.reference is not None
    transcript = len(prompts.text_ids(voice.reference.transcript))
    assert prompts.needed(voice) == 31 - transcript
    with pytest.raises(ValueError, match="needs"):
        prompts.dual(voice, [1] * (30 - transcript), complete=False)
    assert len(prompts.dual(voice, [1] * (31 - transcript), complete=False).trailing) == 0
    assert prompts.needed(a_clone(frames=3)) == 1


def test_what_the_checkpoint_cannot_do_is_refused(packages: Packages, builder: Builder) -> None:
    named = builder("custom_voice")
    with pytest.raises(UnknownVoice, match=r"Bob.*aiden"):
        named.whole(Named("Bob"), [1])
    with pytest.raises(UnknownVoice):
        named.whole(Named(""), [1])
    with pytest.raises(UnsupportedAbility, match=r"Latin.*english"):
        named.dual(Named("Ryan"), [1], "Latin")
    with pytest.raises(UnsupportedAbility, match="beijing"):
        named.dual(Named("Ryan"), [1], "beijing_dialect")
    with pytest.raises(UnsupportedAbility, match="voice_design"):
        named.whole(Designed("A voice."), [1])
    with pytest.raises(UnsupportedAbility, match="custom_voice"):
        builder("base").whole(Named("Ryan"), [1])
    with pytest.raises(NothingToSpeak):
        named.whole(Named("Ryan"), [])


def test_the_small_model_takes_no_instruction(packages: Packages, builder: Builder) -> None:
    model = packages("custom_voice").model
    model.tts_model_size = "0b6"
    try:
        with pytest.raises(UnsupportedAbility, match="instruction"):
            builder("custom_voice").whole(Named("Ryan", "Slowly."), [1])
    finally:
        model.tts_model_size = "1b7"


def test_a_reference_may_lie_in_another_type(builder: Builder) -> None:
    prompts, voice = builder("base"), a_clone(frames=5)
    assert voice.reference is not None
    narrow = Cloned(voice.embedding.to(torch.float64), Reference(voice.reference.codes.to(torch.int32), "Hello"))
    assert prompts.whole(narrow, [1]).embeds.dtype == torch.float32
