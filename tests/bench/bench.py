#!/usr/bin/env python3
"""Measures what a request costs: microseconds of processor time, the server's and the database's apart.

    cargo build --release -p rulegate && tests/bench/bench.py [--runs 3] [--seconds 10] [--case 'get one'] [--bare]

Needs wrk (and pgbench for --bare), and PostgreSQL on this machine, whose backends are measured through /proc. Makes a database of
its own and drops it at the end. See README.md for what the figures mean.
"""

import argparse
import os
import re
import signal
import statistics
import subprocess
import sys
import tempfile
import time
import urllib.error
import urllib.request
from pathlib import Path

HERE = Path(__file__).resolve().parent
CASES = ["get one", "page of 20", "page + include", "insert item", "patch note"]
LISTEN, ADMIN = "127.0.0.1:18080", "127.0.0.1:18081"
TICK_US = 1_000_000 / os.sysconf("SC_CLK_TCK")


def arguments():
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--server", default="postgres://postgres@127.0.0.1:5432", help="URL of the server, without a database")
    target = os.environ.get("CARGO_TARGET_DIR", HERE.parent.parent / "target")
    parser.add_argument("--binary", default=f"{target}/release/rulegate")
    parser.add_argument("--connections", type=int, default=16)
    parser.add_argument("--seconds", type=int, default=10)
    parser.add_argument("--runs", type=int, default=3)
    parser.add_argument("--case", action="append", choices=CASES)
    parser.add_argument("--bare", action="store_true", help="also the same statements by hand, through pgbench")
    return parser.parse_args()


class Database:
    """A database of our own."""

    def __init__(self, server):
        self.server, self.name = server, f"rg_bench_{os.getpid()}"
        self.url = f"{server}/{self.name}"
        self.psql("postgres", "-c", f"create database {self.name}")
        self.psql(self.name, "-f", str(HERE / "shop.sql"))

    def psql(self, database, *what):
        command = ["psql", "-qAtX", "-v", "ON_ERROR_STOP=1", f"{self.server}/{database}", *what]
        return subprocess.run(command, check=True, capture_output=True, text=True).stdout

    def backends(self):
        query = f"select pid from pg_stat_activity where datname = '{self.name}' and backend_type = 'client backend'"
        return [int(pid) for pid in self.psql("postgres", "-c", query).split()]

    def drop(self):
        self.psql("postgres", "-c", f"drop database {self.name} with (force)")


def processor_us(pids):
    """What these processes have used so far, by process; one that is gone is left out."""
    used = {}
    for pid in pids:
        try:
            fields = Path(f"/proc/{pid}/stat").read_text().rpartition(")")[2].split()
        except FileNotFoundError:
            continue
        used[pid] = (int(fields[11]) + int(fields[12])) * TICK_US
    return used


def spent_us(before, after):
    return sum(now - before.get(pid, 0) for pid, now in after.items())


def serve(options, database, project):
    """The server, ready."""
    (project / "rules").mkdir()
    rules = (HERE.parent / "fixtures" / "check_credit.yaml").read_text()
    (project / "rules" / "check_credit.yaml").write_text(rules)
    command = [options.binary, "serve", "--project", str(project), "--database-url", database.url]
    log = open(project / "server.log", "w", encoding="utf-8")
    process = subprocess.Popen([*command, "--listen", LISTEN, "--admin-listen", ADMIN], stdout=log, stderr=log)
    for _ in range(100):
        try:
            with urllib.request.urlopen(f"http://{LISTEN}/api/orders/1"):
                return process
        except (urllib.error.URLError, ConnectionError):
            time.sleep(0.1)
    process.kill()
    sys.exit("The server did not start:\n" + (project / "server.log").read_text())


def load(options, case, seconds):
    """Runs wrk: (requests, failures, median latency in us, 99th percentile)."""
    command = ["wrk", "-t1", f"-c{options.connections}", f"-d{seconds}s", "-s", str(HERE / "shop.lua"), f"http://{LISTEN}", "--", case]
    out = subprocess.run(command, check=True, capture_output=True, text=True).stdout
    result = next((line for line in out.splitlines() if line.startswith("RESULT ")), None)
    return tuple(map(int, result.split()[1:])) if result else sys.exit(out)


def measure(options, database, server, case):
    """One run: requests a second, us of the server, us of the database, median latency, 99th percentile."""
    load(options, case, 1)
    backends = database.backends()
    before = processor_us([server.pid]), processor_us(backends)
    requests, failures, median, high = load(options, case, options.seconds)
    after = processor_us([server.pid]), processor_us(database.backends())
    if failures:
        sys.exit(f"{case}: {failures} of {requests} requests failed")
    ours, theirs = (spent_us(*pair) / requests for pair in zip(before, after))
    return requests / options.seconds, ours, theirs, median, high


def measure_bare(options, database, case):
    """The same by hand, prepared: transactions a second, us of the database."""
    script = HERE / "bare" / (case.replace(" + ", "-").replace(" ", "-") + ".sql")
    clients = ["-c", str(options.connections), "-T", str(options.seconds + 2)]
    command = ["pgbench", "-n", "-M", "prepared", *clients, "-f", str(script), database.url]
    process = subprocess.Popen(command, stdout=subprocess.PIPE, stderr=subprocess.DEVNULL, text=True)
    # Backends go with their client, so that the last look at them comes before its end.
    time.sleep(1)
    before = processor_us(database.backends())
    time.sleep(options.seconds)
    spent = spent_us(before, processor_us(database.backends()))
    rate = float(re.search(r"tps = ([0-9.]+)", process.communicate()[0]).group(1))
    return rate, spent / (rate * options.seconds)


def report(case, runs):
    rate, ours, theirs, median, high = (statistics.median(column) for column in zip(*runs))
    print(f"| {case} | {ours:.0f} + {theirs:.0f} | {rate:.0f} | {median / 1000:.1f} | {high / 1000:.1f} |", flush=True)


def report_bare(case, runs):
    rate, theirs = (statistics.median(column) for column in zip(*runs))
    print(f"| {case}, by hand | 0 + {theirs:.0f} | {rate:.0f} | | |", flush=True)


def main():
    options = arguments()
    database = Database(options.server)
    try:
        with tempfile.TemporaryDirectory() as folder:
            server = serve(options, database, Path(folder))
            try:
                print("| | server + database, us | requests/s | median ms | 99 % ms |\n| --- | --- | --- | --- | --- |")
                for case in options.case or CASES:
                    report(case, [measure(options, database, server, case) for _ in range(options.runs)])
                    if options.bare:
                        report_bare(case, [measure_bare(options, database, case) for _ in range(options.runs)])
            finally:
                server.send_signal(signal.SIGTERM)
                server.wait()
    finally:
        database.drop()


if __name__ == "__main__":
    main()
