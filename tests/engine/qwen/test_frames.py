"""Koe's own loop gives the package's codes, for one row and for any number of rows that come and go."""

import functools
import itertools
import random
from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass, field
from pathlib import Path

import pytest

torch = pytest.importorskip("torch")

from torch import Tensor  # noqa: E402

from koe.core.errors import Busy, LimitExceeded  # noqa: E402
from koe.engine.qwen.code_predictor import CodePredictor  # noqa: E402
from koe.engine.qwen.cpu.build import build  # noqa: E402
from koe.engine.qwen.cpu.sharing import Part  # noqa: E402
from koe.engine.qwen.frames import FrameGenerator, GaveWay, Row, frame_generator, graph_generator  # noqa: E402
from koe.engine.qwen.prompt import Prompt, PromptBuilder  # noqa: E402
from koe.engine.qwen.prompt_voices import Named, PromptVoice  # noqa: E402
from koe.engine.qwen.sampling import Draw, FirstCodes, Sampling  # noqa: E402
from koe.engine.qwen.talker import Talker  # noqa: E402
from tests.support.checkpoint_configs import Kind  # noqa: E402
from tests.support.checkpoints import make_checkpoint  # noqa: E402
from tests.support.package_speech import CASES, TEXT, Package, a_clone  # noqa: E402

Packages = Callable[[Kind], Package]
Make = Callable[[Package, int, int], FrameGenerator]
"""(package, slots, positions) -> a generator on its weights."""

SAMPLINGS = {"greedy": Sampling.greedy(), "sampled": Sampling()}
FEEDINGS = pytest.mark.parametrize("whole", [True, False], ids=["whole", "dual"])


@pytest.fixture(autouse=True, scope="module")
def one_thread() -> Iterator[None]:
    """A tiny model is slower with two."""
    before = torch.get_num_threads()
    torch.set_num_threads(1)
    yield
    torch.set_num_threads(before)


class ByTurns(Part):
    """Now with one thread, now with two: that changes no code."""

    def __init__(self) -> None:
        super().__init__(1, 2)
        self._turns = itertools.cycle((1, 2, 2))

    def take(self) -> int:
        return next(self._turns)


@pytest.fixture(scope="module")
def graphs(tmp_path_factory: pytest.TempPathFactory) -> Callable[[Package], Path]:
    """The folder of a package's graphs, with weights as they are."""

    @functools.cache
    def built(package: Package) -> Path:
        folder = tmp_path_factory.mktemp("graphs")
        for _ in build(package.model.state_dict().get, package.model.config.talker_config, "fp32", folder):
            pass
        return folder

    return built


@pytest.fixture
def makers(graphs: Callable[[Package], Path]) -> dict[str, Make]:
    return {
        "torch": lambda package, slots, positions: frame_generator(package.model, slots, positions),
        "masked": masked_generator,
        "graphs": lambda package, slots, positions: graph_generator(
            package.model, graphs(package), slots, positions, ByTurns()
        ),
    }


@pytest.fixture(params=["torch", "graphs"])
def make(request: pytest.FixtureRequest, makers: dict[str, Make]) -> Make:
    """Who computes: what holds for one holds for the other."""
    return makers[request.param]


@pytest.fixture(scope="module")
def packages(tiny_custom_voice: Path, tiny_voice_design: Path, tiny_base: Path) -> Packages:
    folders = {"custom_voice": tiny_custom_voice, "voice_design": tiny_voice_design, "base": tiny_base}
    return functools.cache(lambda kind: Package(folders[kind]))


@pytest.fixture(scope="module")
def terse(tiny_custom_voice: Path, tmp_path_factory: pytest.TempPathFactory) -> Package:
    """A checkpoint whose speech soon ends by itself."""
    folder = tmp_path_factory.mktemp("terse") / "checkpoint"
    return Package(make_checkpoint(folder, size="tiny", kind="custom_voice", eos_scale=12))


@dataclass
class Stream:
    """One text on its way through a FrameGenerator."""

    generator: FrameGenerator
    row: Row
    trailing: list[Tensor]
    frames: int
    codes: list[Tensor] = field(default_factory=list)

    @property
    def done(self) -> bool:
        return self.row.finished or len(self.codes) == self.frames

    def whole(self) -> Tensor:
        codes: Tensor = torch.stack(self.codes)
        return codes


def begin(generator: FrameGenerator, prompt: Prompt, sampling: Sampling, seed: int, frames: int) -> Stream:
    return Stream(generator, generator.open(prompt, sampling, seed), list(prompt.trailing), frames)


def advance(streams: Sequence[Stream]) -> None:
    text = [stream.trailing.pop(0) if stream.trailing else None for stream in streams]
    codes = streams[0].generator.advance([stream.row for stream in streams], text)
    for stream, row in zip(streams, codes, strict=True):
        stream.codes.append(row)


def alone(generator: FrameGenerator, prompt: Prompt, sampling: Sampling, seed: int = 0, frames: int = 11) -> Tensor:
    stream = begin(generator, prompt, sampling, seed, frames)
    while not stream.done:
        advance([stream])
    generator.close(stream.row)
    return stream.whole()


def prompt_of(package: Package, voice: PromptVoice, language: str | None = None, *, whole: bool = True) -> Prompt:
    prompts = PromptBuilder(package.model, package.tokenizer)
    return (prompts.whole if whole else prompts.dual)(voice, prompts.text_ids(TEXT), language)


@pytest.mark.parametrize("sampling", SAMPLINGS)
@FEEDINGS
@pytest.mark.parametrize("case", CASES)
def test_the_codes_are_the_packages_own(packages: Packages, make: Make, case: str, whole: bool, sampling: str) -> None:
    kind, voice, language = CASES[case]
    package, how = packages(kind), SAMPLINGS[sampling]
    theirs = package.codes(voice, TEXT, language, whole=whole, tokens=12, sampling=how, seed=3)
    ours = alone(make(package, 1, 256), prompt_of(package, voice, language, whole=whole), how, 3)
    assert len(theirs) == 11
    assert torch.equal(ours, theirs)


@pytest.mark.parametrize("seed", range(4))
@pytest.mark.parametrize(
    "how",
    [
        Sampling(Draw(top_k=0, top_p=0.8), Draw(top_k=5, temperature=1.3), 1.4),
        Sampling(Draw(do_sample=False), Draw(temperature=1.0), 1.05),
        Sampling(Draw(temperature=0.3), Draw(do_sample=False), 1.0),
    ],
    ids=["narrow", "greedy first", "greedy rest"],
)
def test_so_they_are_for_other_samplings_and_seeds(packages: Packages, how: Sampling, seed: int) -> None:
    package, voice = packages("base"), a_clone(frames=7)
    theirs = package.codes(voice, TEXT, whole=False, tokens=9, sampling=how, seed=seed)
    ours = alone(frame_generator(package.model, 1, 256), prompt_of(package, voice, whole=False), how, seed, 8)
    assert torch.equal(ours, theirs)


@FEEDINGS
def test_speech_ends_where_the_packages_ends(terse: Package, make: Make, whole: bool) -> None:
    generator, lengths = make(terse, 1, 256), set()
    for seed in range(5):
        theirs = terse.codes(Named("Ryan"), TEXT, whole=whole, tokens=40, sampling=Sampling(), seed=seed)
        stream = begin(generator, prompt_of(terse, Named("Ryan"), whole=whole), Sampling(), seed, frames=39)
        while not stream.done:
            advance([stream])
        generator.close(stream.row)
        assert torch.equal(stream.whole(), theirs)
        assert stream.row.finished or len(theirs) == 39
        assert stream.row.frames == len(theirs)
        lengths.add(len(theirs))
    assert len(lengths - {39}) > 1, "some must really have ended, at different frames"


PEOPLE: list[tuple[PromptVoice, str | None, bool, Sampling]] = [
    (Named("Ryan"), None, True, Sampling()),
    (Named("Eric", "With a calm voice."), "Chinese", False, Sampling()),
    (Named("Sohee"), "English", False, Sampling.greedy()),
    (Named("Vivian", "Slowly and clearly, as to a child."), "Russian", True, Sampling(Draw(top_p=0.7), Draw(top_k=9))),
    (Named("Aiden"), None, True, Sampling(Draw(do_sample=False), Draw(), 1.3)),
]


def masked_generator(package: Package, slots: int, positions: int) -> FrameGenerator:
    """As frame_generator, with the attention that a GPU is given."""
    talker, config = package.model.talker, package.model.config.talker_config
    rules = FirstCodes(slots, config.vocab_size, config.codec_eos_token_id, torch.device("cpu"))
    pad = PromptBuilder(package.model, package.tokenizer).pad
    return FrameGenerator(Talker(talker, slots, positions, masked=True), CodePredictor(talker, slots), rules, pad)


@pytest.mark.parametrize("computes", ["torch", "masked", "graphs"])
@pytest.mark.parametrize("chance", range(3))
def test_rows_that_come_pause_and_go_get_the_codes_of_their_single_runs(
    terse: Package, makers: dict[str, Make], chance: int, computes: str
) -> None:
    dice = random.Random(chance)
    prompts = [prompt_of(terse, voice, language, whole=whole) for voice, language, whole, _ in PEOPLE]
    jobs = [(dice.randrange(len(PEOPLE)), seed, dice.randint(1, 15)) for seed in range(10)]
    single = frame_generator(terse.model, 1, 256)
    expected = [alone(single, prompts[who], PEOPLE[who][3], seed, frames) for who, seed, frames in jobs]
    generator = makers[computes](terse, 3, 256)
    waiting, under_way = list(enumerate(jobs)), dict[int, Stream]()
    while waiting or under_way:
        if waiting and generator.free and dice.random() < 0.5:
            job, (who, seed, frames) = waiting.pop(0)
            under_way[job] = begin(generator, prompts[who], PEOPLE[who][3], seed, frames)
        if chosen := [stream for stream in under_way.values() if dice.random() < 0.7]:
            dice.shuffle(chosen)
            advance(chosen)
        for job, stream in list(under_way.items()):
            assert torch.equal(stream.whole(), expected[job][: len(stream.codes)]) if stream.codes else True
            if stream.done or dice.random() < 0.02:
                assert not stream.done or len(stream.codes) == len(expected[job])
                generator.close(under_way.pop(job).row)
    assert generator.free == 3


def test_kinds_of_clones_share_a_batch(packages: Packages, make: Make) -> None:
    package = packages("base")
    prompts = [
        prompt_of(package, a_clone(), whole=True),
        prompt_of(package, a_clone(frames=60), "German", whole=False),
        prompt_of(package, a_clone(frames=7), whole=False),
    ]
    single, generator = make(package, 1, 256), make(package, 3, 256)
    expected = [alone(single, prompt, Sampling(), seed) for seed, prompt in enumerate(prompts)]
    streams = [begin(generator, prompt, Sampling(), seed, 11) for seed, prompt in enumerate(prompts)]
    for _ in range(11):
        advance(streams)
    for stream, codes in zip(streams, expected, strict=True):
        assert torch.equal(stream.whole(), codes)


@pytest.mark.parametrize("computes", ["torch", "masked", "graphs"])
def test_memory_that_grows_under_way_changes_nothing(
    packages: Packages, makers: dict[str, Make], computes: str
) -> None:
    package = packages("custom_voice")
    prompts = PromptBuilder(package.model, package.tokenizer)
    long = prompts.whole(Named("Ryan"), prompts.text_ids(TEXT * 40))
    short = prompt_of(package, Named("Ryan"))
    assert len(long.embeds) > 250
    text = TEXT * 40
    theirs = package.codes(Named("Ryan"), text, whole=True, tokens=20, sampling=Sampling(), seed=1)
    single = frame_generator(package.model, 1, 1000)
    generator = makers[computes](package, 2, 1000)
    streams = [begin(generator, short, Sampling(), 2, 19)]
    advance(streams)
    streams.append(begin(generator, long, Sampling(), 1, 19))
    while unfinished := [stream for stream in streams if not stream.done]:
        advance(unfinished)
    assert torch.equal(streams[0].whole(), alone(single, short, Sampling(), 2, 19))
    assert torch.equal(streams[1].whole(), theirs)


@pytest.mark.parametrize("code", [1, 8, 15])
def test_a_frame_that_gave_way_is_made_later_as_if_nothing_had_been(packages: Packages, make: Make, code: int) -> None:
    package = packages("custom_voice")
    generator, prompt = make(package, 1, 256), prompt_of(package, Named("Ryan"))
    expected = alone(generator, prompt, Sampling(), seed=5, frames=6)
    stream = begin(generator, prompt, Sampling(), seed=5, frames=6)
    while not stream.done:
        asked = iter(range(1, 16))
        text = stream.trailing[0] if stream.trailing else None
        with pytest.raises(GaveWay):
            generator.advance([stream.row], [text], lambda asked=asked: next(asked) == code)  # type: ignore[misc]
        advance([stream])
    assert torch.equal(stream.whole(), expected)


def test_without_a_seed_each_stream_is_another(packages: Packages) -> None:
    package = packages("custom_voice")
    generator, prompt = frame_generator(package.model, 2, 256), prompt_of(package, Named("Ryan"))
    rows = [generator.open(prompt, Sampling()) for _ in range(2)]
    one, other = (generator.advance(rows, [None, None]) for _ in range(2))
    assert not torch.equal(one[0], one[1]) or not torch.equal(other[0], other[1])


def test_a_stream_too_long_is_refused_before_its_batch_is_touched(packages: Packages, make: Make) -> None:
    package = packages("custom_voice")
    prompt = prompt_of(package, Named("Ryan"))
    positions = len(prompt.embeds) + 3
    generator = make(package, 2, positions)
    early, late = begin(generator, prompt, Sampling(), 0, 9), begin(generator, prompt, Sampling(), 1, 9)
    assert generator.room(early.row) == 3
    for _ in range(3):
        advance([early])
    with pytest.raises(LimitExceeded, match="too long"):
        generator.advance([late.row, early.row], [None, None])
    generator.close(early.row)
    advance([late])
    wide = make(package, 1, positions + 9)
    assert torch.equal(late.whole(), alone(wide, prompt, Sampling(), 1, 1))


def test_a_prompt_without_room_for_a_frame_is_refused(packages: Packages, make: Make) -> None:
    package = packages("custom_voice")
    prompt = prompt_of(package, Named("Ryan"))
    generator = make(package, 1, len(prompt.embeds))
    with pytest.raises(LimitExceeded, match="positions"):
        generator.open(prompt, Sampling())
    assert generator.free == 1


def test_places_are_given_until_there_are_none(packages: Packages, make: Make) -> None:
    package = packages("custom_voice")
    generator, prompt = make(package, 2, 256), prompt_of(package, Named("Ryan"))
    row = generator.open(prompt, Sampling(), slot=1)
    assert row.slot == 1
    with pytest.raises(Busy):
        generator.open(prompt, Sampling(), slot=1)
    generator.open(prompt, Sampling())
    with pytest.raises(Busy):
        generator.open(prompt, Sampling())
    generator.close(row)
    generator.close(row)
    assert generator.free == 1


def test_only_open_unfinished_different_rows_advance(packages: Packages, make: Make) -> None:
    package = packages("custom_voice")
    generator, prompt = make(package, 1, 256), prompt_of(package, Named("Ryan"))
    row = generator.open(prompt, Sampling())
    for rows in ([], [row, row]):
        with pytest.raises(ValueError, match="advance takes"):
            generator.advance(rows, [None] * len(rows))
    generator.close(row)
    with pytest.raises(ValueError, match="advance takes"):
        generator.advance([row], [None])


def test_hundreds_of_streams_leave_memory_where_it_was(packages: Packages) -> None:
    package = packages("custom_voice")
    generator, prompt = frame_generator(package.model, 2, 256), prompt_of(package, Named("Ryan"))
    first = alone(generator, prompt, Sampling(), 7, 3)
    for seed in range(30):
        alone(generator, prompt, Sampling(), seed, 3)
    before = resident()
    for seed in range(200):
        alone(generator, prompt, Sampling(), seed, 3)
    assert resident() - before < 1e6
    assert torch.equal(alone(generator, prompt, Sampling(), 7, 3), first)


def resident() -> int:
    """Bytes of this process in memory."""
    return int(Path("/proc/self/statm").read_text().split()[1]) * 4096
