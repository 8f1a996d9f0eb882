"""An OpenAI-compatible endpoint on loopback that can fail in every way a real one does."""

import json
import math
import threading
import time
from collections import Counter
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer

from idempotence.config.endpoint import Api
from idempotence.endpoint.options import EndpointOptions

LIKELY = {"75": 0.4, "80": 0.3, "70": 0.2}


def options(url, **how):
    """Options of an endpoint: the config's defaults, with the key in SOME_KEY, and what differs."""
    return EndpointOptions(**{**Api().model_dump(), "base_url": url, "key_env": "SOME_KEY", **how})


def completion(text="75", top=LIKELY, tokens=None, usage=True):
    """A reply; top None: without log-probabilities."""
    content = None
    if top is not None:
        listed = [{"token": t, "logprob": math.log(p), "bytes": None} for t, p in top.items()]
        tokens = tokens or [text]
        content = [
            {
                "token": token,
                "logprob": -0.1,
                "bytes": None,
                "top_logprobs": listed if i == 0 else [],
            }
            for i, token in enumerate(tokens)
        ]
    message = {"role": "assistant", "content": text}
    choice = {
        "index": 0, "finish_reason": "stop", "message": message,
        "logprobs": None if content is None else {"content": content},
    }  # fmt: skip
    told = {"id": "x", "object": "chat.completion", "created": 0, "model": "m", "choices": [choice]}
    if usage:
        told["usage"] = {"prompt_tokens": 100, "completion_tokens": 1, "total_tokens": 101}
    return 200, {}, told


class Server(ThreadingHTTPServer):
    request_queue_size = (
        128  # of 5 waiting connections the sixth would be reset, as a fault of ours
    )


class Endpoint:
    """answer(text, nth): (status, headers, JSON or bytes) for the nth time a text is asked; None
    hangs up without an answer. trickle: seconds between the bytes of the first answer, if any."""

    def __init__(self, answer=lambda text, nth: completion(), trickle=0.0):
        self.asked, self.keys, self.times, self.busiest = Counter(), set(), [], 0
        self.bodies: list[dict] = []
        self._busy, lock, outer = 0, threading.Lock(), self
        self.trickle = trickle

        class Handler(BaseHTTPRequestHandler):
            protocol_version = "HTTP/1.1"

            def do_POST(self):
                body = json.loads(self.rfile.read(int(self.headers["Content-Length"])))
                text = body["messages"][0]["content"]
                with lock:
                    outer.bodies.append(body)
                    outer.asked[text] += 1
                    nth = outer.asked[text]
                    outer.keys.add(self.headers["Authorization"])
                    outer.times.append((text, time.monotonic()))
                    outer._busy += 1
                    outer.busiest = max(outer.busiest, outer._busy)
                try:
                    self._say(answer(text, nth))
                finally:
                    with lock:
                        outer._busy -= 1

            def _say(self, told):
                if told is None:
                    self.close_connection = True
                    self.connection.close()
                    return
                status, headers, value = told
                data = value if isinstance(value, bytes) else json.dumps(value).encode()
                self.send_response(status)
                self.send_header("Content-Type", "application/json")
                self.send_header("Content-Length", str(len(data)))
                for name, content in headers.items():
                    self.send_header(name, content)
                self.end_headers()
                pause, outer.trickle = outer.trickle, 0.0
                try:
                    for piece in [bytes([each]) for each in data] if pause else [data]:
                        self.wfile.write(piece)
                        time.sleep(pause)
                except OSError:
                    pass  # the client has had enough

            def log_message(self, *arguments):
                pass

        self.server = Server(("127.0.0.1", 0), Handler)
        self.url = f"http://127.0.0.1:{self.server.server_address[1]}/v1"

    def __enter__(self):
        threading.Thread(target=self.server.serve_forever, daemon=True).start()
        return self

    def __exit__(self, *error):
        self.server.shutdown()
        self.server.server_close()
