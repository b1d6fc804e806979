"""What most endpoints answer with: a model as JSON."""

from aiohttp import web
from pydantic import BaseModel


def json_answer(answer: BaseModel, status: int = 200) -> web.Response:
    return web.json_response(text=answer.model_dump_json(), status=status)
