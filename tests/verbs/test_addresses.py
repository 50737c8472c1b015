"""`hf://` and `s3://`: the real clients against servers on this machine."""

from __future__ import annotations

import http.server
import json
import os
import subprocess
import sys
import threading
import time
import urllib.request
from collections.abc import Iterator
from pathlib import Path

import pytest
from tests.cli.run_tamis import COMMAND

ROWS = b'{"instruction": "a", "output": "b"}\n' * 3


class Hub(http.server.BaseHTTPRequestHandler):
    """The few answers of a hub that reading one file of one data set asks for."""

    def log_message(self, *_: object) -> None:
        """Say nothing."""

    def do_GET(self) -> None:
        path = self.path.partition("?")[0]
        listed = {"type": "file", "oid": "1" * 40, "size": len(ROWS), "path": "data/train.jsonl"}
        if path.startswith("/api/datasets/acme/set/tree/main"):
            self._send(json.dumps([listed]).encode())
        elif path.startswith("/api/datasets/acme/set"):
            self._send(json.dumps({"id": "acme/set", "sha": "a" * 40, "siblings": []}).encode())
        elif path == "/datasets/acme/set/resolve/main/data/train.jsonl":
            self._send(ROWS)
        else:
            self.send_error(404)

    def _send(self, body: bytes) -> None:
        self.send_response(200)
        self.send_header("Content-Length", str(len(body)))
        self.send_header("X-Repo-Commit", "a" * 40)
        self.end_headers()
        self.wfile.write(body)


@pytest.fixture
def hub() -> Iterator[str]:
    server = http.server.ThreadingHTTPServer(("127.0.0.1", 0), Hub)
    thread = threading.Thread(target=server.serve_forever)
    thread.start()
    yield f"http://127.0.0.1:{server.server_port}"
    server.shutdown()
    thread.join()
    server.server_close()


@pytest.fixture
def bucket(tmp_path: Path) -> Iterator[str]:
    """An S3 server with `s3://raw/set/train.jsonl`."""
    report = tmp_path / "moto.log"
    with report.open("wb") as log:
        command = [sys.executable, "-m", "moto.server", "-H", "127.0.0.1", "-p", "0"]
        server = subprocess.Popen(command, stdout=log, stderr=log)
    try:
        url = _url_in(report, server)
        for path, body in (("raw", b""), ("raw/set/train.jsonl", ROWS), ("raw/set/a.txt", b"x")):
            request = urllib.request.Request(f"{url}/{path}", data=body, method="PUT")
            request.add_header(
                "Authorization", "AWS4-HMAC-SHA256 Credential=a/20260101/us-east-1/s3/aws4_request"
            )
            request.add_header("Content-Type", "application/octet-stream")
            urllib.request.urlopen(request).close()
        yield url
    finally:
        server.terminate()
        server.wait()


def _url_in(report: Path, server: subprocess.Popen[bytes]) -> str:
    for _ in range(300):
        text = report.read_text()
        if "Running on " in text:
            return text.partition("Running on ")[2].split()[0]
        assert server.poll() is None, text
        time.sleep(0.1)
    raise AssertionError(report.read_text())


def run(folder: Path, url: str, **env: str) -> subprocess.CompletedProcess[bytes]:
    return subprocess.run(
        [*COMMAND, "import", url, "-o", "data"],
        cwd=folder,
        capture_output=True,
        timeout=120,
        env={**os.environ, "NO_COLOR": "1", "TERM": "dumb", "HF_HOME": str(folder / "hf"), **env},
        check=False,
    )


@pytest.mark.parametrize("name", ["@main/data/train.jsonl", "@main"])
def test_a_data_set_of_a_hub_is_read(hub: str, tmp_path: Path, name: str) -> None:
    done = run(tmp_path, f"hf://datasets/acme/set{name}", HF_ENDPOINT=hub)
    assert done.returncode == 0, done.stderr
    assert b"3 conversations read: 3 parsed" in done.stdout


def test_what_a_hub_does_not_have_is_told_in_one_line(hub: str, tmp_path: Path) -> None:
    done = run(tmp_path, "hf://datasets/acme/set@main/none.jsonl", HF_ENDPOINT=hub)
    assert done.returncode == 3
    assert done.stderr.count(b"\n") == 1
    assert b"expected a file or a folder, found nothing there" in done.stderr


def test_a_hub_that_gives_no_answer_is_told_in_one_line(tmp_path: Path) -> None:
    # nothing listens on port 9 of this machine
    done = run(tmp_path, "hf://datasets/acme/set@main/a.jsonl", HF_ENDPOINT="http://127.0.0.1:9")
    assert done.returncode == 4, done.stderr
    assert done.stderr.count(b"\n") == 1
    assert b"gave no answer" in done.stderr


def test_a_folder_of_a_bucket_is_read_and_a_missing_key_told(bucket: str, tmp_path: Path) -> None:
    keys = {
        "AWS_ACCESS_KEY_ID": "a",
        "AWS_SECRET_ACCESS_KEY": "b",
        "AWS_DEFAULT_REGION": "us-east-1",
    }
    done = run(tmp_path, "s3://raw/set", FSSPEC_S3_ENDPOINT_URL=bucket, **keys)
    assert done.returncode == 0, done.stderr
    assert b"train.jsonl  conversations  alpaca     3" in done.stdout
    missing = run(tmp_path, "s3://raw/none.jsonl", FSSPEC_S3_ENDPOINT_URL=bucket, **keys)
    assert missing.returncode == 3
    assert b"found nothing there" in missing.stderr
