"""A hub on this machine: speaks as huggingface.co and as modelscope.cn do, breaks off and lies."""

from __future__ import annotations

import hashlib
import json
import threading
from collections import Counter
from collections.abc import Iterator
from contextlib import contextmanager
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from typing import Any
from urllib.parse import parse_qs, unquote, urlsplit

COMMIT = "0123456789abcdef0123456789abcdef01234567"
FILES = {
    "config.json": b'{"architectures": ["LlamaForCausalLM"]}',
    "model.safetensors": bytes(range(256)) * 4000,
    "tokenizer.json": b'{"model": {}}',
    "modeling_internlm2.py": b"raise SystemExit('code of the repository was run')",
    "pytorch_model.bin": b"pickled",
}


class Hub(ThreadingHTTPServer):
    """Speaks as huggingface.co and as modelscope.cn do. `breaks`: how often a file's body is cut
    off; `lies` and `served`: sizes and contents that are not what the listing says."""

    def __init__(self) -> None:
        super().__init__(("127.0.0.1", 0), Answer)
        self.files = dict(FILES)
        self.served: dict[str, bytes] = {}
        self.lies: dict[str, int] = {}
        self.breaks: Counter[str] = Counter()
        self.without_sums = False  # the listing states no checksum
        self.answer: bytes | None = None  # in place of every listing
        self.asked: list[tuple[str, str, str | None]] = []
        self.url = f"http://127.0.0.1:{self.server_address[1]}"


class Answer(BaseHTTPRequestHandler):
    server: Hub
    protocol_version = "HTTP/1.1"

    def log_message(self, *_: Any) -> None:
        pass

    def do_HEAD(self) -> None:
        self.do_GET()

    def do_GET(self) -> None:
        address = urlsplit(self.path)
        query = {key: value[0] for key, value in parse_qs(address.query).items()}
        parts = unquote(address.path).strip("/").split("/")
        self.server.asked.append((self.command, parts[-1], self.headers.get("Range")))
        if self.server.answer is not None and "api" in parts:
            self._send(self.server.answer)
        elif "owner/name" not in self.path:
            self._json({"error": "Repository not found"}, 404, {"X-Error-Code": "RepoNotFound"})
        elif parts[:2] == ["api", "models"]:
            self._json({"id": "owner/name", "sha": COMMIT, "siblings": self._siblings()})
        elif parts[:3] == ["api", "v1", "models"] and parts[-1] == "files":
            rows = [
                {
                    "Path": name,
                    "Size": self._size(name),
                    "Sha256": "" if self.server.without_sums else hashlib.sha256(data).hexdigest(),
                    "Type": "blob",
                }
                for name, data in self.server.files.items()
            ]
            self._json({"Code": 200, "Data": {"Files": [*rows, {"Path": "a", "Type": "tree"}]}})
        else:
            self._file(query.get("FilePath") or "/".join(parts[4:]))

    def _size(self, name: str) -> int:
        return self.server.lies.get(name, len(self.server.files[name]))

    def _siblings(self) -> list[dict[str, Any]]:
        rows = []
        for name, data in self.server.files.items():
            row: dict[str, Any] = {"rfilename": name, "size": self._size(name)}
            if self.server.without_sums:
                pass
            elif name.endswith((".json", ".py")):
                row["blobId"] = hashlib.sha1(b"blob %d\0" % len(data) + data).hexdigest()
            else:
                sha = hashlib.sha256(data).hexdigest()
                row |= {"blobId": "f" * 40}
                row["lfs"] = {"sha256": sha, "size": self._size(name), "pointerSize": 130}
            rows.append(row)
        return rows

    def _file(self, name: str) -> None:
        data = self.server.served.get(name, self.server.files[name])
        start, status = 0, 200
        if wanted := self.headers.get("Range"):
            start, status = int(wanted.removeprefix("bytes=").split("-")[0]), 206
        body = data[start:]
        self.send_response(status)
        self.send_header("X-Repo-Commit", COMMIT)
        self.send_header("ETag", f'"{hashlib.sha256(self.server.files[name]).hexdigest()}"')
        self.send_header("Accept-Ranges", "bytes")
        if status == 206:
            self.send_header("Content-Range", f"bytes {start}-{len(data) - 1}/{len(data)}")
        self.send_header("Content-Length", str(len(body)))
        self.end_headers()
        if self.command == "HEAD":
            return
        if self.server.breaks[name] > 0:
            self.server.breaks[name] -= 1
            self.wfile.write(body[: len(body) // 3])
            self.wfile.flush()
            self.close_connection = True
            self.connection.shutdown(2)
            return
        self.wfile.write(body)

    def _json(self, told: Any, status: int = 200, headers: dict[str, str] | None = None) -> None:
        self._send(json.dumps(told).encode(), status, headers)

    def _send(self, body: bytes, status: int = 200, headers: dict[str, str] | None = None) -> None:
        self.send_response(status)
        for key, value in (headers or {}).items():
            self.send_header(key, value)
        self.send_header("Content-Type", "application/json")
        self.send_header("Content-Length", str(len(body)))
        self.end_headers()
        if self.command != "HEAD":
            self.wfile.write(body)


@contextmanager
def serving() -> Iterator[Hub]:
    """A hub that runs while the block does."""
    server = Hub()
    thread = threading.Thread(
        target=server.serve_forever, args=(0.02,), daemon=True
    )  # seconds a poll
    thread.start()
    try:
        yield server
    finally:
        server.shutdown()
        server.server_close()
