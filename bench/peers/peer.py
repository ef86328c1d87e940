"""How a peer is measured: warm up once, then one JSON line per repeat, either at once or whenever a line arrives on
standard input (`--serve`), so that compare.py can take turns between us and the peer."""

import argparse
import json
import sys
import time


def parser(description):
    result = argparse.ArgumentParser(description=description)
    result.add_argument("--threads", type=int, default=1)
    result.add_argument("--repeats", type=int, default=5)
    result.add_argument("--serve", action="store_true", help="measure once for every line on standard input")
    return result


def measure(args, tool, work, **facts):
    """work() does the work once and returns how many items it did."""
    work()

    def once():
        begin = time.perf_counter()
        items = work()
        seconds = time.perf_counter() - begin
        print(json.dumps({"tool": tool, "threads": args.threads, "items": items, "seconds": seconds,
                          "items_per_second": items / seconds, **facts}), flush=True)

    if args.serve:
        print(json.dumps({"tool": tool, "ready": True}), flush=True)
        for _ in sys.stdin:
            once()
    else:
        for _ in range(args.repeats):
            once()
