"""The tree of failures, and the codes that cross wires."""

import importlib
import pkgutil

import koe.adapters.http
from koe.core import errors
from koe.core.errors import BY_CODE, DiskFailed, KoeError


def tree(kind: type[KoeError]) -> list[type[KoeError]]:
    return [kind, *(each for sub in kind.__subclasses__() for each in tree(sub))]


def test_a_code_is_that_of_one_class_whatever_is_loaded() -> None:
    # Among their classes are some under the codes of others, which a message alone doesn't make.
    for module in pkgutil.iter_modules(koe.adapters.http.__path__):
        importlib.import_module(f"koe.adapters.http.{module.name}")
    own = [each for each in tree(KoeError) if "code" in vars(each)]
    assert len({each.code for each in own}) == len(own)
    assert set(BY_CODE.values()) == {each for each in own if each.__module__ == errors.__name__}
    # Every other one crosses a wire under the code of a class that it is of.
    assert all(issubclass(each, BY_CODE.get(each.code, KoeError)) for each in tree(KoeError))


def test_every_code_makes_its_error_again() -> None:
    for code, kind in BY_CODE.items():
        made = kind("what was wrong")
        assert (type(made), made.code, made.message) == (kind, code, "what was wrong")
    assert BY_CODE[DiskFailed.code] is KoeError
