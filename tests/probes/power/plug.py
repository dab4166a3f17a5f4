"""A smart plug on the loopback: a real HTTP server that answers what a test puts into it."""

import contextlib
import sys
import threading
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer

# As the makers document them: Shelly's Gen2 switch status and Tasmota's sensor status.
SHELLY = '{"id": 0, "apower": 42.5, "voltage": 231.2, "aenergy": {"total": 1234.567, "by_minute": [1.0, 2.0, 3.0]}}'
TASMOTA = '{"StatusSNS": {"Time": "2026-11-23T02:00:00", "ENERGY": {"Total": 3.185, "Power": 117}}}'
# As `ipmitool dcmi power reading` prints.
IPMITOOL = """
    Instantaneous power reading:                   318 Watts
    Minimum during sampling period:                212 Watts
    IPMI timestamp:                           Mon Nov 23 02:00:00 2026
"""


class Plug:
    """What it answers; a test changes it while it runs."""

    def __init__(self):
        self.body = SHELLY
        self.status = 200
        self.hangs = threading.Event()
        self.go_on = threading.Event()
        self.headers = []
        self.url = ""


@contextlib.contextmanager
def plug(*, keeps_open=False):
    """A plug that answers as a Shelly does, until the block ends; `keeps_open`: on connections that stay."""
    told = Plug()

    class Handler(BaseHTTPRequestHandler):
        protocol_version = "HTTP/1.1" if keeps_open else "HTTP/1.0"

        def do_GET(self):
            told.headers.append(dict(self.headers))
            if told.hangs.is_set():
                told.go_on.wait()
            body = told.body.encode()
            self.send_response(told.status)
            self.send_header("Location", "http://127.0.0.1:1/elsewhere")
            self.send_header("Content-Length", str(len(body)))
            self.end_headers()
            with contextlib.suppress(BrokenPipeError, ConnectionResetError):
                self.wfile.write(body)

        def log_message(self, *_):
            pass

    with ThreadingHTTPServer(("127.0.0.1", 0), Handler) as server:
        server.daemon_threads = True
        told.url = f"http://127.0.0.1:{server.server_address[1]}/rpc/Switch.GetStatus?id=0"
        thread = threading.Thread(target=server.serve_forever, kwargs={"poll_interval": 0.01})
        thread.start()
        try:
            yield told
        finally:
            told.go_on.set()
            server.shutdown()
            thread.join()


if __name__ == "__main__":  # for a benchmark, to be ended by the end of its input
    with plug(keeps_open=True) as served:
        print(served.url, flush=True)
        sys.stdin.read()
