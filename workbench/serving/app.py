"""The HTTP interface of a finished run."""

import threading
import time
from collections.abc import Collection
from io import BytesIO
from typing import Annotated, Any

from fastapi import FastAPI, File, Form, Query, Request, Response, UploadFile
from fastapi.exceptions import RequestValidationError
from fastapi.middleware.cors import CORSMiddleware
from fastapi.responses import JSONResponse
from starlette.exceptions import HTTPException
from starlette.formparsers import MultiPartParser
from starlette.types import ASGIApp

from workbench._version import __version__
from workbench.errors import WorkbenchError
from workbench.runs.heat_pictures import overlaid
from workbench.runs.usable import UsableRun
from workbench.serving.answers import About, Answers, Embeddings, Failure, Health, Hits
from workbench.serving.given import boxes_of, images_of, texts_of
from workbench.serving.guard import Guard
from workbench.serving.limits import Limits

Images = Annotated[list[UploadFile], File(description="Encoded images: JPEG, PNG, WebP, TIFF, DICOM, ...")]
Image = Annotated[UploadFile, File(description="One encoded image.")]
Texts = Annotated[list[str], Form(description="Sentences; repeat the field for several.")]
Text = Annotated[str, Form(description="A sentence.")]
_REFUSED: dict[int | str, dict[str, Any]] = {
    400: {"model": Failure, "description": "The images, boxes or texts are not as the run needs them."},
    413: {"model": Failure, "description": "The body is too large."},
    422: {"model": Failure, "description": "A field is missing, or of another type."},
    503: {"model": Failure, "description": "Too many requests are under way; ask again."},
}


class Service:
    """The endpoints' methods. Images are decoded side by side; one request computes at a time, with all cores.

    Args:
        run: Has answered before, so that everything is loaded.
        limits: Of a request.
    """

    def __init__(self, run: UsableRun, limits: Limits) -> None:
        self.run, self.limits = run, limits
        self._turn = threading.Lock()
        self._answered = 0

    def health(self) -> Health:
        """Whether the server is up."""
        return Health(run=self.run.result.run_id, answered=self._answered)

    def about(self) -> About:
        """The run that is served, and the limits."""
        run = self.run
        result, task = run.result, run.task
        return About(
            run=result.run_id, task=result.task, recipe=result.recipe, model=result.model, dataset=result.dataset,
            device=run.encoder.device, classes=list(run.config["class_names"]), takes_texts=task.answers_texts,
            picks_boxes=task.answers_boxes, limits=self.limits.model_dump(),
        )  # fmt: skip

    def predict(
        self,
        images: Images,
        texts: Texts = [],  # noqa: B006 - FastAPI copies defaults
        top: Annotated[int, Form(ge=1, description="Classes or texts named for each image.")] = 5,
    ) -> Answers:
        """The run's answers, one an image: classes, a caption, or the texts that fit it best."""
        began = time.perf_counter()
        sentences = texts_of(texts, self.limits)
        arrays = images_of(images, self.run.card.pixels, self.limits)
        with self._turn:
            answers = self.run.predict(arrays, sentences, top=top)
        return self._answers([dict(answer) for answer in answers], began)

    def ground(
        self,
        image: Image,
        texts: Texts,
        boxes: Annotated[
            str | None, Form(description="JSON: [[left, top, right, bottom], ...] in pixels. Without it: everywhere.")
        ] = None,
    ) -> Answers:
        """Which box each text means, or which place of the image where no boxes are given."""
        began = time.perf_counter()
        sentences, listed = texts_of(texts, self.limits), boxes_of(boxes, self.limits)
        arrays = images_of([image], self.run.card.pixels, self.limits)
        with self._turn:
            answers = self.run.ground(arrays, listed, sentences)
        return self._answers([dict(answer) for answer in answers], began)

    def heat_map(self, image: Image, text: Text) -> Response:
        """The image with how well each place fits a text laid over it, as PNG."""
        (sentence,) = texts_of([text], self.limits)
        (array,) = images_of([image], self.run.card.pixels, self.limits)
        with self._turn:
            heat = self.run.heat_map(array, sentence)
        self._answered += 1
        buffer = BytesIO()
        overlaid(array, heat).save(buffer, "PNG")
        return Response(buffer.getvalue(), media_type="image/png")

    def embed(self, images: Images) -> Embeddings:
        """Embeddings of the run's model, of unit norm."""
        arrays = images_of(images, self.run.card.pixels, self.limits)
        with self._turn:
            found = self.run.embed(arrays)
        self._answered += 1
        return Embeddings(embeddings=found.tolist())

    def search(
        self,
        text: Annotated[list[str], Query(description="Sentences; repeat it for several.")],
        top: Annotated[int, Query(ge=1, le=1000)] = 20,
    ) -> Hits:
        """Images of the run's test split that are most like the sentences together; the first call takes longer."""
        sentences = texts_of(text, self.limits)
        with self._turn:
            hits = self.run.search(sentences, top=top)
        self._answered += 1
        return Hits(hits=hits)

    def _answers(self, answers: list[dict[str, Any]], began: float) -> Answers:
        self._answered += 1
        return Answers(answers=answers, seconds=round(time.perf_counter() - began, 4))


def make_app(
    run: UsableRun,
    limits: Limits,
    *,
    hosts: Collection[str],
    origins: Collection[str] = (),
    any_address: bool = False,
) -> ASGIApp:
    """The interface as an ASGI application.

    Args:
        run: Has answered before.
        limits: Of requests.
        hosts: See `Guard`.
        origins: Likewise.
        any_address: Likewise.
    """
    # Uploads beyond this size would be written to a temporary file: images of patients stay in memory.
    MultiPartParser.spool_max_size = limits.bytes
    service = Service(run, limits)
    # The pages /docs and /redoc load scripts from the internet.
    app = FastAPI(
        title=f"workbench serve {run.result.run_id[:8]}", version=__version__, docs_url=None, redoc_url=None,
        description=f"{run.result.recipe} on {run.result.dataset}, task {run.result.task}.",
    )  # fmt: skip
    app.get("/health")(service.health)
    app.get("/run")(service.about)
    app.post("/predict", responses=_REFUSED)(service.predict)
    app.post("/ground", responses=_REFUSED)(service.ground)
    pictures = {**_REFUSED, 200: {"content": {"image/png": {}}}}
    app.post("/heat-map", responses=pictures, response_class=Response)(service.heat_map)
    app.post("/embed", responses=_REFUSED)(service.embed)
    app.get("/search", responses=_REFUSED)(service.search)
    app.exception_handler(WorkbenchError)(_wrong_input)
    app.exception_handler(RequestValidationError)(_wrong_fields)
    app.exception_handler(HTTPException)(_refused)
    app.exception_handler(Exception)(_unexpected)
    inner: ASGIApp = app
    if origins:
        inner = CORSMiddleware(app, allow_origins=list(origins), allow_methods=["GET", "POST"], allow_headers=["*"])
    return Guard(inner, hosts, origins, limits, any_address=any_address)


def _wrong_input(_: Request, error: Exception) -> JSONResponse:
    return JSONResponse({"error": str(error)}, 400)


def _wrong_fields(_: Request, error: Exception) -> JSONResponse:
    found = error.errors() if isinstance(error, RequestValidationError) else []
    said = "; ".join(f"{'.'.join(str(part) for part in each['loc'][1:]) or 'body'}: {each['msg']}" for each in found)
    return JSONResponse({"error": f"{said}. /openapi.json says what each address takes."}, 422)


def _refused(_: Request, error: Exception) -> JSONResponse:
    status, said = (error.status_code, error.detail) if isinstance(error, HTTPException) else (500, str(error))
    if status in {404, 405}:
        said = "there is no such address, or not for this method; /openapi.json lists what there is"
    return JSONResponse({"error": f"{str(said).rstrip('.')}."}, status)


def _unexpected(_: Request, error: Exception) -> JSONResponse:
    kind = type(error).__name__
    return JSONResponse({"error": f"unexpected error ({kind}): a fault of the server; its terminal says more."}, 500)
