"""Server-sent events: what browsers and OpenAI's clients read one by one."""

from pydantic import BaseModel

CONTENT_TYPE = "text/event-stream"


def event(name: str, data: BaseModel) -> bytes:
    """Fields without a value are left out."""
    return f"event: {name}\ndata: {data.model_dump_json(exclude_none=True)}\n\n".encode()
