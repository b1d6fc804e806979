"""Events from bytes: the same wherever the bytes are cut, and bounded whatever the bytes are."""

import json
from io import BytesIO
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st
from wyoming.event import Event, read_event, write_event

from koe.adapters.wyoming.framing import EventReader, FrameLimits, encode
from koe.core.errors import LimitExceeded, MalformedInput, RequestError

LIMITS = FrameLimits(max_header_bytes=1024, max_data_bytes=4096, max_payload_bytes=4096, max_nesting=8)

json_values = st.recursive(
    st.none() | st.booleans() | st.integers(-(10**9), 10**9) | st.text(max_size=20),
    lambda inner: st.lists(inner, max_size=3) | st.dictionaries(st.text(max_size=5), inner, max_size=3),
    max_leaves=6,
)
events = st.builds(
    Event,
    type=st.text(min_size=1, max_size=20),
    data=st.dictionaries(st.text(max_size=10), json_values, max_size=3),
    payload=st.none() | st.binary(min_size=1, max_size=100),
)


def read(data: bytes) -> list[Event]:
    return list(EventReader(LIMITS).feed(data))


@given(st.lists(events, max_size=4), st.data())
def test_where_the_bytes_are_cut_never_changes_the_events(sent: list[Event], data: st.DataObject) -> None:
    encoded = b"".join(map(encode, sent))
    cuts = sorted(data.draw(st.lists(st.integers(0, len(encoded)), max_size=6)))
    reader = EventReader(LIMITS)
    received = [
        event
        for start, end in zip([0, *cuts], [*cuts, len(encoded)], strict=True)
        for event in reader.feed(encoded[start:end])
    ]
    assert received == sent
    assert not reader.in_the_middle


@given(events)
def test_what_is_written_is_what_the_wyoming_package_reads(event: Event) -> None:
    assert read_event(BytesIO(encode(event))) == event


@given(events)
def test_what_the_wyoming_package_writes_is_read(event: Event) -> None:
    buffer = BytesIO()
    write_event(event, buffer)
    assert read(buffer.getvalue()) == [event]


def test_data_in_the_header_and_behind_it_are_merged() -> None:
    line = json.dumps({"type": "x", "data": {"a": 1, "b": 1}, "data_length": 7}).encode()
    assert read(line + b'\n{"b":2}') == [Event("x", {"a": 1, "b": 2})]


@given(st.binary(max_size=300))
def test_garbage_raises_nothing_but_request_errors(garbage: bytes) -> None:
    try:
        read(garbage + b"\n")
    except RequestError as error:
        assert error.message


@pytest.mark.parametrize(
    ("header", "names"),
    [
        (b"no json", "not JSON"),
        (b"[]", "JSON object"),
        (b"null", "JSON object"),
        (b"5", "JSON object"),
        (b'"describe"', "JSON object"),
        (b"{}", "`type`"),
        (b'{"type": null}', "`type`"),
        (b'{"type": 5}', "`type`"),
        (b'{"type": "x", "data": []}', "`data`"),
        (b'{"type": "x", "data": "text"}', "`data`"),
        (b'{"type": "x", "data_length": -1}', "`data_length`"),
        (b'{"type": "x", "data_length": "7"}', "`data_length`"),
        (b'{"type": "x", "data_length": 1.5}', "`data_length`"),
        (b'{"type": "x", "data_length": true}', "`data_length`"),
        (b'{"type": "x", "payload_length": -5}', "`payload_length`"),
        (b'{"type": "x", "payload_length": []}', "`payload_length`"),
        (b'{"type": "\xff"}', "not UTF-8"),
        (b'{"type": ' + b"9" * 900 + b"}", "`type`"),
    ],
)
def test_a_malformed_header_is_named(header: bytes, names: str) -> None:
    with pytest.raises(MalformedInput, match=names):
        read(header + b"\n")


@pytest.mark.parametrize("data", [b"[]", b"1234567", b"no json", b"\xff\xff"])
def test_malformed_data_is_named(data: bytes) -> None:
    header = json.dumps({"type": "x", "data_length": len(data)}).encode()
    with pytest.raises(MalformedInput, match="the data of an event"):
        read(header + b"\n" + data)


@pytest.mark.parametrize(
    ("key", "length"),
    [("data_length", 4097), ("payload_length", 4097), ("payload_length", 10**300), ("data_length", 2**63)],
)
def test_a_length_over_the_limit_is_refused_before_anything_is_buffered(key: str, length: int) -> None:
    with pytest.raises(LimitExceeded, match=f"`{key}`"):
        read(json.dumps({"type": "x", key: length}).encode() + b"\n")


def test_lengths_at_the_limit_are_read() -> None:
    data, payload = json.dumps({"a": "x" * 4087}).encode(), b"y" * 4096
    header = json.dumps({"type": "x", "data_length": len(data), "payload_length": len(payload)}).encode()
    [event] = read(header + b"\n" + data + payload)
    assert (len(data), event.payload) == (4096, payload)


def test_a_header_ends_at_its_limit_and_an_endless_one_is_refused_there() -> None:
    longest = b'{"type": "x"}'.ljust(LIMITS.max_header_bytes)
    assert read(longest + b"\n") == [Event("x")]
    with pytest.raises(LimitExceeded, match="header"):
        read(longest + b" \n")
    reader = EventReader(LIMITS)
    with pytest.raises(LimitExceeded, match="header"):
        for _ in range(LIMITS.max_header_bytes + 1):
            list(reader.feed(b"x"))


@pytest.mark.parametrize(("opening", "closing"), [("[", "]"), ('{"a":', "}")])
def test_nesting_is_bounded(opening: str, closing: str) -> None:
    def nested(levels: int) -> bytes:
        inner = opening * (levels - 2) + "1" + closing * (levels - 2)
        return f'{{"type": "x", "data": {{"a": {inner}}}}}\n'.encode()

    [event] = read(nested(LIMITS.max_nesting))
    assert event.type == "x"
    with pytest.raises(LimitExceeded, match="nested"):
        read(nested(LIMITS.max_nesting + 1))


def test_nesting_beyond_the_parser_is_refused_like_any_other() -> None:
    limits = FrameLimits(2**20, 2**20, 0, 16)
    deep: Any = b'{"type": "x", "data": ' + b"[" * 200_000
    with pytest.raises((LimitExceeded, MalformedInput)):
        list(EventReader(limits).feed(deep + b"]" * 200_000 + b"}\n"))


@pytest.mark.parametrize("value", [b"[],", b"{},", b"1,"])
def test_many_values_in_one_event_are_refused_before_they_are_read(value: bytes) -> None:
    data = b'{"a": [' + value * 500 + b"0]}"
    header = json.dumps({"type": "x", "data_length": len(data)}).encode()
    with pytest.raises(LimitExceeded, match="too many values"):
        read(header + b"\n" + data)


def test_the_buffer_holds_no_more_than_one_event() -> None:
    reader = EventReader(LIMITS)
    for _ in range(50):
        assert len(list(reader.feed(encode(Event("x", {"a": "b" * 1000}, b"p" * 4000))))) == 1
        assert not reader.in_the_middle
