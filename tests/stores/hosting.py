"""Places that serve a Git repository as the world does: `git http-backend` behind TLS and a password, and `sshd`."""

import base64
import os
import shutil
import socket
import subprocess
import threading
from collections.abc import Generator
from contextlib import contextmanager
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path

from fakes.certificates import Authority

USER, PASSWORD = "ann", "s3cret-w0rd"


class Hosted:
    """What a server was asked, and how it is to behave."""

    def __init__(self, root: Path, authority: Path) -> None:
        self.root = root
        self.authority = authority
        self.port = 0
        self.seen: list[str] = []
        self.users: list[str] = []
        self.sent = 0
        self.answers_are_lost = False
        self.hangs = threading.Event()
        self.released = threading.Event()

    def url(self, name: str = "upstream.git", login: str = "") -> str:
        return f"https://{login}localhost:{self.port}/{name}"


@contextmanager
def https(root: Path) -> Generator[Hosted]:
    """Every repository below a folder, over smart HTTP, for whoever knows the password."""
    authority = Authority()
    (root / "ca.pem").write_bytes(authority.pem)
    hosted = Hosted(root, root / "ca.pem")
    server = ThreadingHTTPServer(("localhost", 0), type("Handler", (_Handler,), {"hosted": hosted}))
    server.daemon_threads = True
    server.socket = authority.server(root).wrap_socket(server.socket, server_side=True)
    hosted.port = server.server_address[1]
    thread = threading.Thread(target=server.serve_forever, kwargs={"poll_interval": 0.02})
    thread.start()
    try:
        yield hosted
    finally:
        hosted.released.set()
        server.shutdown()
        server.server_close()
        thread.join()


class _Handler(BaseHTTPRequestHandler):
    protocol_version = "HTTP/1.1"
    hosted: Hosted

    def log_message(self, *_: object) -> None:
        pass

    def do_GET(self) -> None:
        self._serve(b"")

    def do_POST(self) -> None:
        self._serve(self._body())

    def _body(self) -> bytes:
        if "chunked" not in self.headers.get("Transfer-Encoding", ""):
            return self.rfile.read(int(self.headers.get("Content-Length", 0)))
        body = b""
        while size := int(self.rfile.readline(), 16):
            body += self.rfile.read(size)
            self.rfile.readline()
        self.rfile.readline()
        return body

    def _serve(self, body: bytes) -> None:
        hosted = self.hosted
        hosted.seen.append(f"{self.command} {self.path}")
        if hosted.hangs.is_set():
            hosted.released.wait(30)
        user = self._user()
        if user is None:
            self._send("401 Unauthorized", {"WWW-Authenticate": 'Basic realm="git"'}, b"")
            return
        hosted.users.append(user)
        head, _, content = self._answer(body, user).partition(b"\r\n\r\n")
        if hosted.answers_are_lost and self.command == "POST" and self.path.endswith("git-receive-pack"):
            hosted.answers_are_lost = False
            self.close_connection = True
            return
        fields = dict(line.split(": ", 1) for line in head.decode().split("\r\n"))
        self._send(fields.pop("Status", "200 OK"), fields, content)

    def _send(self, status: str, fields: dict[str, str], content: bytes) -> None:
        self.send_response(int(status.split(maxsplit=1)[0]))
        for name, value in {**fields, "Content-Length": str(len(content))}.items():
            self.send_header(name, value)
        self.end_headers()
        self.hosted.sent += len(content)
        self.wfile.write(content)

    def _user(self) -> str | None:
        kind, _, said = self.headers.get("Authorization", "").partition(" ")
        if kind != "Basic":
            return None
        user, _, password = base64.b64decode(said).decode().partition(":")
        return user if password == PASSWORD else None

    def _answer(self, body: bytes, user: str) -> bytes:
        path, _, query = self.path.partition("?")
        environment = {
            "PATH": os.environ["PATH"], "GIT_PROJECT_ROOT": str(self.hosted.root), "GIT_HTTP_EXPORT_ALL": "1",
            "PATH_INFO": path, "QUERY_STRING": query, "REQUEST_METHOD": self.command, "REMOTE_USER": user,
            "CONTENT_TYPE": self.headers.get("Content-Type", ""), "CONTENT_LENGTH": str(len(body)),
            "HTTP_CONTENT_ENCODING": self.headers.get("Content-Encoding", ""), "REMOTE_ADDR": "127.0.0.1",
            "GIT_PROTOCOL": self.headers.get("Git-Protocol", ""), "GIT_CONFIG_NOSYSTEM": "1",
        }  # fmt: skip
        command = ["git", "http-backend"]
        return subprocess.run(command, input=body, env=environment, capture_output=True, check=True).stdout


SSHD = shutil.which("sshd", path=f"{os.environ['PATH']}:/usr/sbin:/usr/local/sbin")


@contextmanager
def ssh(folder: Path) -> Generator[str]:
    """A real `sshd` for one user with one key; gives the address, and leaves the keys in a folder `.ssh` below."""
    assert SSHD
    own = folder / ".ssh"
    own.mkdir(mode=0o700)
    for name in ("host", "id_ed25519", "stranger"):
        subprocess.run(["ssh-keygen", "-q", "-t", "ed25519", "-N", "", "-C", name, "-f", own / name], check=True)
    (own / "authorized_keys").write_bytes((own / "id_ed25519.pub").read_bytes())
    port = _free_port()
    said = {
        "Port": port, "ListenAddress": "127.0.0.1", "HostKey": own / "host", "PidFile": own / "pid",
        "AuthorizedKeysFile": own / "authorized_keys", "StrictModes": "no", "UsePAM": "no",
        "PasswordAuthentication": "no", "PermitRootLogin": "yes", "KbdInteractiveAuthentication": "no",
    }  # fmt: skip
    (own / "sshd_config").write_text("".join(f"{key} {value}\n" for key, value in said.items()), encoding="utf-8")
    server = subprocess.Popen([SSHD, "-D", "-e", "-f", own / "sshd_config"], stderr=subprocess.PIPE, text=True)
    try:
        assert server.stderr is not None
        lines: list[str] = []
        for line in server.stderr:
            lines.append(line)
            if "listening on" in line:
                break
        assert "listening on" in lines[-1], lines
        key = (own / "host.pub").read_text(encoding="utf-8")
        (own / "known_hosts").write_text(f"[127.0.0.1]:{port} {key}", encoding="utf-8")
        yield f"127.0.0.1:{port}"
    finally:
        server.terminate()
        server.communicate()


def _free_port() -> int:

    with socket.socket() as held:
        held.bind(("127.0.0.1", 0))
        return held.getsockname()[1]
