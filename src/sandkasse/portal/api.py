"""What notebooks call with their workspace's token: read their own module, send an answer. Nothing else opens to it.

Cookies count for nothing here, and errors are `{code, message, next}`.
"""

from typing import Annotated, Any, cast

from fastapi import APIRouter, Depends, Request
from starlette.concurrency import run_in_threadpool
from starlette.responses import Response

from sandkasse.actions import people
from sandkasse.core.errors import NotSignedInError, TooLargeError
from sandkasse.portal.security import API_PREFIX
from sandkasse.portal.visit import Desk

LARGEST_ANSWER = 20 * 1024 * 1024  # bytes

router = APIRouter(prefix=API_PREFIX.rstrip("/"))


def _take_secret(request: Request) -> str:
    scheme, _, secret = request.headers.get("authorization", "").partition(" ")
    if scheme.lower() != "bearer" or not secret:
        raise NotSignedInError(
            "Send the workspace's token: `Authorization: Bearer …`.",
            next_step="call sandkasse.check(exercise, answer) inside a workspace",
        )
    return secret.strip()


Secret = Annotated[str, Depends(_take_secret)]


@router.get("/modules/{module_id}")
def read_module(request: Request, module_id: str, secret: Secret) -> Response:
    """Give the module that the workspace was started for, and no other."""
    desk = cast(Desk, request.app.state.desk)
    people.take_workspace_token(desk.site, secret, module_id=module_id)
    return Response(desk.acts.show_module(module_id).model_dump_json(), media_type="application/json")


@router.post("/attempts")
async def submit_attempt(request: Request, secret: Secret) -> Response:
    """Grade an answer to an exercise of the workspace's module; the answer is the body, the module is the token's."""
    desk = cast(Desk, request.app.state.desk)
    token = await run_in_threadpool(people.take_workspace_token, desk.site, secret)
    body = await _read_body(request)
    verdict = await run_in_threadpool(_grade, desk, token, request.headers.get("content-type", ""), body)
    return Response(verdict.to_json(), media_type="application/json")


def _grade(desk: Desk, token: Any, content_type: str, body: bytes) -> Any:
    submission = desk.acts.read_submission(content_type, body)
    return desk.acts.submit_attempt(token.user_id, token.module_id, submission.exercise, submission.answer)


async def _read_body(request: Request) -> bytes:
    """Read the body, stopping at the first piece too many whatever length it claimed."""
    pieces: list[bytes] = []
    size = 0
    async for piece in request.stream():
        size += len(piece)
        if size > LARGEST_ANSWER:
            raise TooLargeError(
                f"An answer takes at most {LARGEST_ANSWER // (1024 * 1024)} MB.",
                next_step="keep only the columns that the exercise asks for, and one row a person",
            )
        pieces.append(piece)
    return b"".join(pieces)
