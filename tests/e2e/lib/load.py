"""Clients that ask one request after another until told to stop, and retry nothing."""
import collections
import threading

from selvedge import Conn

Answer = collections.namedtuple("Answer", "target status error")


class Load:
    """`next_target` gives what to ask, or is the one target. `fresh`: a connection for each
    request; else connections are kept while the server does."""

    def __init__(self, server, next_target, clients=4, fresh=False, check=None):
        self.address = server.address
        self.next_target = next_target if callable(next_target) else lambda: next_target
        self.fresh = fresh
        self.check = check or (lambda reply: None)
        self.answers = []
        self.ended = threading.Event()
        self.threads = [threading.Thread(target=self._run) for _ in range(clients)]

    def __enter__(self):
        for thread in self.threads:
            thread.start()
        return self

    def __exit__(self, *_):
        self.ended.set()
        for thread in self.threads:
            thread.join()

    def _run(self):
        conn = None
        while not self.ended.is_set():
            target = self.next_target()
            try:
                conn = conn or Conn(self.address)
                reply = conn.ask(target)
                error = self.check(reply)
                self.answers.append(Answer(target, reply.status, error))
                if not self.fresh and reply.get("Connection") != "close":
                    continue
            except (OSError, AssertionError) as why:
                self.answers.append(Answer(target, 0, repr(why)))
            if conn:
                conn.close()
            conn = None

    def failed(self):
        return [answer for answer in list(self.answers) if answer.status != 200 or answer.error]

    def count(self):
        return len(self.answers)
