"""What tests of running workspaces share: HTTP as a browser would speak it, and code run in a notebook's kernel."""

import http.client
import json
import urllib.parse
from dataclasses import dataclass

import pytest
import websocket

from sandkasse.workspaces.launcher import RunningWorkspace


@dataclass(frozen=True)
class Answer:
    """What a server answered."""

    status: int
    body: bytes
    headers: list[tuple[str, str]]


@dataclass(frozen=True)
class Notebook:
    """A running workspace, seen from the network."""

    port: int
    base: str
    token: str

    @classmethod
    def of(cls, workspace: RunningWorkspace) -> "Notebook":
        return cls.at(workspace.url)

    @classmethod
    def at(cls, url: str) -> "Notebook":
        parts = urllib.parse.urlsplit(url)
        return cls(parts.port, parts.path.partition("lab")[0], urllib.parse.parse_qs(parts.query)["token"][0])

    def ask(self, path: str, *, method: str = "GET", host: str = "", body: str = "", **headers: str) -> Answer:
        """Send one request to a path below the workspace's own."""
        connection = http.client.HTTPConnection("127.0.0.1", self.port, timeout=60)
        own = {"Host": host or f"localhost:{self.port}"}
        connection.request(method, self.base + path, body=body.encode() or None, headers={**own, **headers})
        response = connection.getresponse()
        answer = Answer(response.status, response.read(), response.getheaders())
        connection.close()
        return answer

    def run(self, code: str, *, kernel_name: str = "python3") -> str:
        """Run code in a new kernel, as a notebook would, and give what it printed and showed as text."""
        authorization = f"token {self.token}"
        asked = json.dumps({"name": kernel_name})
        kernel = json.loads(self.ask("api/kernels", method="POST", body=asked, Authorization=authorization).body)["id"]
        url = f"ws://localhost:{self.port}{self.base}api/kernels/{kernel}/channels?session_id=test"
        line = websocket.create_connection(url, header=[f"Authorization: {authorization}"], timeout=120)
        content = {"code": code, "silent": False, "store_history": False, "allow_stdin": False, "stop_on_error": True}
        header = {"msg_id": "1", "msg_type": "execute_request", "session": "test", "username": "", "version": "5.3"}
        message = {"header": header, "parent_header": {}, "metadata": {}, "content": content, "channel": "shell"}
        line.send(json.dumps(message))
        said = ""
        while True:
            got = json.loads(line.recv())
            if got["parent_header"].get("msg_id") != "1":
                continue
            if got["msg_type"] == "stream":
                said += got["content"]["text"]
            if got["msg_type"] in {"display_data", "execute_result"}:
                said += "\n" + got["content"]["data"].get("text/plain", "") + "\n"
            if got["msg_type"] == "error":
                line.close()
                raise AssertionError("\n".join(got["content"]["traceback"]))
            if got["msg_type"] == "status" and got["content"]["execution_state"] == "idle":
                line.close()
                return said.strip()

    def type_in_terminal(self, text: str, *, until: str) -> str:
        """Type into a new terminal and give what it showed up to a word."""
        authorization = f"token {self.token}"
        name = json.loads(self.ask("api/terminals", method="POST", Authorization=authorization).body)["name"]
        url = f"ws://localhost:{self.port}{self.base}terminals/websocket/{name}"
        line = websocket.create_connection(url, header=[f"Authorization: {authorization}"], timeout=120)
        line.send(json.dumps(["stdin", text + "\r"]))
        shown = ""
        while until not in shown:
            kind, *rest = json.loads(line.recv())
            shown += rest[0] if kind == "stdout" else ""
        line.close()
        return shown


@pytest.fixture(scope="session")
def notebook() -> type[Notebook]:
    """Look at a running workspace from the network: `notebook.of(workspace)` or `notebook.at(url)`."""
    return Notebook
