"""A user's program on the client that openapi-python-client makes: JSON, then multipart."""

import base64
import sys
import time

from client import AuthenticatedClient
from client.api.jobs import get_job, submit_job
from client.api.result import get_result
from client.models import PictureSourceType1, RequestOptions, RequestOptionsPreset
from client.models import Submission, SubmitJobFilesBody
from client.types import File

url, key, content, style, output = sys.argv[1:]
client = AuthenticatedClient(base_url=url, token=key)
options = RequestOptions(preset=RequestOptionsPreset.DRAFT, size=64, steps=8)


def source(path):
    with open(path, "rb") as file:
        return PictureSourceType1(base64=base64.b64encode(file.read()).decode())


def file(path):
    return File(payload=open(path, "rb"), file_name=path.split("/")[-1], mime_type="image/jpeg")


bodies = {
    "json": Submission(content=source(content), style=source(style), options=options),
    "multipart": SubmitJobFilesBody(content=file(content), style=[file(style)], options=options),
}
for name, body in bodies.items():
    response = submit_job.sync_detailed(client=client, body=body)
    if response.status_code != 202:
        raise SystemExit(f"{name}: {response.status_code} {response.content!r}")
    job = response.parsed
    while job.status in ("queued", "running"):
        time.sleep(0.2)
        job = get_job.sync(job.id, client=client)
    if job.status != "succeeded":
        raise SystemExit(f"{name}: the job ended as {job.status}")
    with open(f"{output}-{name}.png", "wb") as result:
        result.write(get_result.sync_detailed(job.id, client=client).content)
