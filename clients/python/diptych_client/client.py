"""What takes more than one call: waiting, following a log, whole lists, files, Arrow streams."""

from __future__ import annotations

import hashlib
import json
import os
import time
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import TYPE_CHECKING, Any, TypedDict

import httpx

from .api import Api, Content, Export, ExportFile, PostAnnotationSetAnnotations, Run, RunExportsRequest

if TYPE_CHECKING:
    import pyarrow

POLL_SECONDS = 0.5
#: Statuses that pass: nobody answers, too many requests, too much to do.
PASSING = (0, 429, 503)
OVER = ("succeeded", "failed", "cancelled")
#: Bytes as they are.
PLAIN = {"accept-encoding": "identity"}


class ApiError(Exception):
    """What the service refused. ``code`` is of its catalogue, ``status`` that of HTTP; 0: nobody answered."""

    def __init__(self, code: str, message: str, status: int) -> None:
        super().__init__(f"{code}: {message}")
        self.code = code
        self.status = status


class Event(TypedDict):
    """Of a run's log. ``data`` is what docs/api.md says of the type, and ``at``, when it was."""

    id: str
    type: str
    data: dict[str, Any]


class Client(Api):
    """``url`` is what ``npm start`` prints; ``key`` is for services that ask for one (DIPTYCH_API_KEY without it)."""

    def __init__(self, url: str | None = None, key: str | None = None, *, patience_seconds: float = 60) -> None:
        url = url or os.environ["DIPTYCH_URL"]
        key = key or os.environ.get("DIPTYCH_API_KEY")
        headers = {"authorization": f"Bearer {key}"} if key else {}
        # A log is silent while nothing happens, and a large set takes its time: only connecting has a limit.
        self._http = httpx.Client(base_url=url.rstrip("/"), headers=headers, timeout=httpx.Timeout(None, connect=10))
        self._patience = patience_seconds

    def __enter__(self) -> Client:
        return self

    def __exit__(self, *_: object) -> None:
        self.close()

    def close(self) -> None:
        self._http.close()

    def request(
        self, method: str, path: str, *, params: dict[str, Any] | None = None, json: Any = None, content: Content | None = None
    ) -> httpx.Response:
        given = {name: value for name, value in (params or {}).items() if value is not None}
        return self._send(self._http.build_request(method, path, params=given, json=json, content=content))

    def _send(self, request: httpx.Request, *, stream: bool = False) -> httpx.Response:
        try:
            response = self._http.send(request, stream=stream)
        except httpx.TransportError as error:
            raise ApiError("NO_ANSWER", f"no service answers at {self._http.base_url}: {error}", 0) from error
        if response.is_success:
            return response
        response.read()
        raise _refusal(response)

    def _patiently(self, call: Callable[[], httpx.Response]) -> httpx.Response:
        """Calls until it is answered: the service may be starting."""
        asked = time.monotonic()
        while True:
            try:
                return call()
            except ApiError as error:
                if error.status not in PASSING or time.monotonic() - asked > self._patience:
                    raise
            time.sleep(POLL_SECONDS)

    def every(self, list_of: Callable[..., Any], *args: Any, **query: Any) -> Iterator[Any]:
        """Every item of a list, page by page: ``client.every(client.get_run_candidates, run, variant="tuned")``."""
        cursor: str | None = None
        while True:
            page = list_of(*args, **query, limit=500, cursor=cursor)
            yield from page["items"]
            cursor = page["next"]
            if cursor is None:
                return

    def ingest(self, annotation_set: str, file: str | Path) -> PostAnnotationSetAnnotations:
        """Sends a file of LAION-SG annotations, a JSON array or NDJSON, gzip or not; makes the set where it is new."""
        with open(file, "rb") as content:
            return self.post_annotation_set_annotations(annotation_set, content)

    def wait(self, run: str, on_view: Callable[[Run], object] = lambda _: None) -> Run:
        """The run once it has ended; ``on_view`` sees it about twice a second until then."""
        request = self._http.build_request("GET", f"/v1/runs/{run}")
        while True:
            view: Run = self._patiently(lambda: self._send(request)).json()
            on_view(view)
            if view["status"] in OVER:
                return view
            time.sleep(POLL_SECONDS)

    def events(self, run: str, after: str = "0") -> Iterator[Event]:
        """The log of a run from its start, or after an event, until the run has ended; through lost connections."""
        while True:
            request = self._http.build_request("GET", f"/v1/runs/{run}/events", headers={"last-event-id": after})
            response = self._patiently(lambda: self._send(request, stream=True))
            try:
                for event in _server_sent_events(response.iter_lines()):
                    after = event["id"]
                    yield event
            except httpx.TransportError:
                pass
            finally:
                response.close()
            # The stream also ends when the service stops.
            view: Run = self._patiently(lambda: self.request("GET", f"/v1/runs/{run}")).json()
            if view["status"] in OVER:
                return
            time.sleep(POLL_SECONDS)

    def export(
        self, run: str, body: RunExportsRequest, folder: str | Path, on_view: Callable[[Run], object] = lambda _: None
    ) -> Export:
        """Asks for an export, waits for it and fetches it: ``client.export(run, {"layout": "pickapic"}, "out")``."""
        made = self.post_run_exports(run, body)
        ended = self.wait(made["id"], on_view)
        if ended["status"] != "succeeded":
            raise ApiError("DIPTYCH_CONFLICT", f"the export ended as \"{ended['status']}\": {ended['error']}", 409)
        self.download_export(made["id"], folder)
        return made

    def download_export(self, export: str, folder: str | Path) -> list[Path]:
        """Its files, each checked by its sha256; what is there already is not fetched again."""
        return [self._download(file, Path(folder)) for file in self.every(self.get_export_files, export)]

    def _download(self, file: ExportFile, folder: Path) -> Path:
        target = folder / file["name"]
        if not target.resolve().is_relative_to(folder.resolve()):
            raise ApiError("DIPTYCH_BAD_FILE", f"\"{file['name']}\" lies outside of {folder}", 200)
        if target.exists() and _sha256(target) == file["sha256"]:
            return target
        target.parent.mkdir(parents=True, exist_ok=True)
        partial = target.with_name(f"{target.name}.partial")
        response = self._send(self._http.build_request("GET", file["link"], headers=PLAIN), stream=True)
        try:
            with open(partial, "wb") as out:
                for chunk in response.iter_raw():
                    out.write(chunk)
        finally:
            response.close()
        if _sha256(partial) != file["sha256"]:
            partial.unlink()
            raise ApiError("DIPTYCH_BAD_FILE", f"\"{file['name']}\" came with other bytes than its sha256; try again", 200)
        partial.rename(target)
        return target

    def table(self, run: str, name: str = "scores", **query: str) -> pyarrow.Table:
        """``scores``, ``rewards`` or ``pairs`` of a run as a pyarrow table; ``query`` as the route takes it (docs/sql.md)."""
        import pyarrow

        request = self._http.build_request("GET", f"/v1/runs/{run}/{name}.arrow", params=query, headers=PLAIN)
        response = self._send(request, stream=True)
        try:
            with pyarrow.ipc.open_stream(_Readable(response.iter_raw())) as reader:
                return reader.read_all()
        finally:
            response.close()


class _Readable:
    """Chunks as a file that pyarrow reads."""

    closed = False

    def __init__(self, chunks: Iterator[bytes]) -> None:
        self._chunks = chunks
        self._rest = b""

    def read(self, size: int = -1) -> bytes:
        while size < 0 or len(self._rest) < size:
            chunk = next(self._chunks, None)
            if chunk is None:
                break
            self._rest += chunk
        size = len(self._rest) if size < 0 else size
        taken, self._rest = self._rest[:size], self._rest[size:]
        return taken

    def close(self) -> None:
        self.closed = True


def _refusal(response: httpx.Response) -> ApiError:
    try:
        error = response.json()["error"]
        return ApiError(error["code"], error["message"], response.status_code)
    except (ValueError, KeyError, TypeError):
        return ApiError(f"HTTP_{response.status_code}", response.reason_phrase, response.status_code)


def _server_sent_events(lines: Iterator[str]) -> Iterator[Event]:
    """As the service writes them: ``id``, ``event`` and one line of ``data``. One without its end is left out."""
    fields: dict[str, str] = {}
    for line in lines:
        if line:
            name, _, value = line.partition(": ")
            fields[name] = value
        elif fields:
            yield {"id": fields["id"], "type": fields["event"], "data": json.loads(fields["data"])}
            fields = {}


def _sha256(file: Path) -> str:
    with open(file, "rb") as content:
        return hashlib.file_digest(content, "sha256").hexdigest()
