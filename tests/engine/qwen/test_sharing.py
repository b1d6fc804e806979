"""The cores between the frames and their sound."""

from koe.engine.qwen.cpu.sharing import Cores, Part


def test_who_computes_alone_has_all_cores() -> None:
    cores = Cores(5, beside=True)
    assert cores.beside
    assert cores.frames.threads == 5
    assert cores.sound.threads == 2
    assert cores.frames.threads == 3
    cores.sound.rest()
    assert cores.frames.threads == 5
    cores.frames.rest()
    assert cores.sound.threads == 5


def test_one_after_the_other_both_have_all() -> None:
    for cores in (Cores(1, beside=True), Cores(4, beside=False)):
        assert not cores.beside
        assert cores.frames.threads == cores.sound.threads == cores.frames.own == cores.sound.all


def test_a_part_by_itself_never_waits_for_another() -> None:
    part = Part(3)
    assert (part.threads, part.threads) == (3, 3)
