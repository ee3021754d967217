"""A server of other people's pictures, on loopback: good ones, and every bad one."""
import socket
import threading


class Origin:
    """`answers` maps a path to bytes to send, or to a function that is given the connection and
    the head of the request. What was asked is kept in `asked`, as (path, head). Without an
    address it listens on all, IPv4 and IPv6."""

    def __init__(self, answers, address="127.0.0.1"):
        self.answers = answers
        self.asked = []
        self.ended = threading.Event()
        if address:
            self.socket = socket.create_server((address, 0), backlog=128)
        else:
            self.socket = socket.create_server(("", 0), family=socket.AF_INET6,
                                               dualstack_ipv6=True)
        self.port = self.socket.getsockname()[1]
        self.base = f"http://{address}:{self.port}"
        threading.Thread(target=self._accept, daemon=True).start()

    def __enter__(self):
        return self

    def __exit__(self, *_):
        self.ended.set()
        self.socket.shutdown(socket.SHUT_RDWR)
        self.socket.close()

    def _accept(self):
        while True:
            try:
                conn, _ = self.socket.accept()
            except OSError:
                return
            threading.Thread(target=self._serve, args=(conn,), daemon=True).start()

    def _serve(self, conn):
        with conn:
            try:
                while head := self._head(conn):
                    path = head.split(" ")[1]
                    self.asked.append((path, head))
                    answer = self.answers.get(path, NOT_FOUND)
                    if callable(answer):
                        answer(conn, head)
                        return
                    conn.sendall(answer)
            except OSError:
                pass  # the client has had enough

    @staticmethod
    def _head(conn):
        data = b""
        while b"\r\n\r\n" not in data:
            part = conn.recv(65536)
            if not part:
                return None
            data += part
        return data.decode("latin-1")

    def paths(self):
        return [path for path, _ in self.asked]


def reply(body, status="200 OK", **fields):
    """A whole reply; fields as Cache_Control="…"."""
    lines = [f"HTTP/1.1 {status}", f"Content-Length: {len(body)}"]
    lines += [f"{name.replace('_', '-')}: {value}" for name, value in fields.items()]
    return ("\r\n".join(lines) + "\r\n\r\n").encode() + body


def redirect(place, status="302 Found"):
    return reply(b"<a>moved</a>", status, Location=place)


NOT_FOUND = reply(b"<h1>SECRET ERROR PAGE</h1>", "404 Not Found", Content_Type="text/html")
