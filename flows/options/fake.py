"""Options of `megatoken fake`."""

import argparse


def add_fake_options(fake: argparse.ArgumentParser) -> None:
    """What to play, how fast, and where to write the truth."""
    fake.add_argument("--port", type=int, default=8100, metavar="N", help="default: 8100; 0 takes a free one")
    fake.add_argument("--script", metavar="FILE", help="TOML: which fixture meets which request")
    fake.add_argument("--fixture", metavar="NAME", help="play this one; --list shows all")
    fake.add_argument("--every", type=int, metavar="N", help="with --fixture: only to request 1, 1+N, 1+2N, ...")
    fake.add_argument("--ttft-ms", type=float, metavar="MS", help="time to first token (default: 50)")
    fake.add_argument("--itl-ms", type=float, metavar="MS", help="time between tokens (default: 5)")
    fake.add_argument("--tokens", type=int, metavar="N", help="of a request that asks for no number (default: 64)")
    fake.add_argument("--model", metavar="NAME", help="the name it lists; it answers to any (default: fake)")
    fake.add_argument(
        "--framing",
        choices=("usual", "chunked", "length", "close"),
        help="how HTTP says where an answer ends (default: usual: chunks for a stream, a length for a document)",
    )
    fake.add_argument("--line-end", choices=("lf", "crlf"), help="of the events (default: lf)")
    fake.add_argument("--tls", nargs=2, metavar=("CERT", "KEY"), help="PEM files; it then speaks HTTPS")
    fake.add_argument("--log", metavar="FILE", help="write its own times of every request when it ends: JSON lines")
    fake.add_argument("--list", action="store_true", help="show every fixture and which formats have it")
    fake.add_argument("--json", action="store_true", help="with --list, or for the base URLs: print JSON")
    fast = fake.add_argument_group("for thousands of streams of OpenAI chat, without fixtures")
    fast.add_argument("--fast", action="store_true", help="the fast endpoint, some 50,000 tokens a second; log as CSV")
    fast.add_argument("--burst", type=int, metavar="K", help="with --fast: tokens a write")
    fast.add_argument("--slots", type=int, metavar="N", help="with --fast: answers served at once; others queue")
    fast.add_argument("--capacity-rps", type=float, metavar="R", help="with --fast: one queue, left at this rate")
