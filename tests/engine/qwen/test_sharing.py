"""The cores between the frames and their sound."""

from koe.engine.qwen.cpu.sharing import Cores, Part


def test_who_computes_alone_has_all_cores() -> None:
    cores = Cores(5)
    assert cores.beside
    assert cores.frames.take() == 5
    assert cores.sound.take() == 2
    assert cores.frames.take() == 3
    cores.sound.rest()
    assert cores.frames.take() == 5
    cores.frames.rest()
    assert cores.sound.take() == 5


def test_with_one_core_they_take_turns() -> None:
    cores = Cores(1)
    assert not cores.beside
    assert [each.take() for each in (cores.frames, cores.sound, cores.frames)] == [1, 1, 1]


def test_a_part_by_itself_never_waits_for_another() -> None:
    part = Part(3)
    assert [part.take(), part.take()] == [3, 3]
