#!/usr/bin/env python3
"""Whether Litestream replicates a server under load, and what a sudden end of both loses.

    benches/litestream.py target/release/saryno litestream [ROUNDS [SECONDS]]

Each round: a server on a directory of its own, Litestream on its database, 8 clients that make communities as fast as they are
answered and a backup in the middle; then both are killed, the replica is restored, and `saryno verify` looks at it. Needs
Python alone, and Litestream 0.3.
"""

import contextlib
import http.client
import json
import os
import sqlite3
import subprocess
import sys
import tempfile
import threading
import time
from pathlib import Path

CLIENTS = 8
SETTINGS = {
    "SARYNO_LIMITS__ENABLED": "false",
    "SARYNO_LOG__LEVEL": "warn",
    "SARYNO_BACKUP__EVERY": "off",
}


def write(port, token, answered, slowest, end):
    """Makes communities until the end, or until the server is gone; each answer's moment and id are kept."""
    connection = http.client.HTTPConnection("127.0.0.1", port)
    headers = {"Authorization": f"Bearer {token}", "Content-Type": "application/json"}
    body = json.dumps({"name": "A community of some bytes"})
    with contextlib.suppress(OSError, http.client.HTTPException):
        while not end.is_set():
            begun = time.monotonic()
            connection.request("POST", "/communities", body, headers)
            answer = connection.getresponse()
            text = answer.read()
            assert answer.status == 201, text
            now = time.monotonic()
            slowest.append(max(slowest[-1], now - begun))
            answered.append((now, int(json.loads(text)["id"])))


def trial(saryno, litestream, seconds, base):
    """One round; prints what came of it."""
    data, replica, restored = base / "data", f"file://{base}/replica", base / "restored"

    def command(directory, *arguments):
        return [saryno, "--data", directory, *arguments]

    def run(*arguments):
        done = subprocess.run(arguments, env=settings, cwd=base, capture_output=True, text=True)
        assert done.returncode == 0, done.stderr
        return done.stdout

    settings = os.environ | SETTINGS
    accounts = [
        json.loads(run(*command(data, "user", "create", f"Client {n}", "--token", "--json")))
        for n in range(CLIENTS)
    ]
    log = base / "litestream.log"
    server = subprocess.Popen(
        command(data, "serve", "--port", "0"), env=settings, cwd=base, stdout=subprocess.PIPE, text=True
    )
    port = int(server.stdout.readline().rsplit(":", 1)[1])
    with log.open("w") as out:
        replicator = subprocess.Popen(
            [litestream, "replicate", data / "saryno.db", replica], stdout=out, stderr=out
        )
    while "snapshot written" not in log.read_text():
        time.sleep(0.05)

    answered, slowest, end = [], [0.0], threading.Event()
    clients = [
        threading.Thread(target=write, args=(port, account["token"], answered, slowest, end))
        for account in accounts
    ]
    for client in clients:
        client.start()
    time.sleep(seconds / 2)
    run(*command(data, "backup", base / "backup.db"))
    time.sleep(seconds / 2)
    wal = (data / "saryno.db-wal").stat().st_size
    killed = time.monotonic()
    replicator.kill()
    end.set()
    for client in clients:
        client.join()
    server.kill()
    server.wait()

    restored.mkdir(mode=0o700)
    run(litestream, "restore", "-o", restored / "saryno.db", replica)
    verdict = run(*command(restored, "verify")).strip()
    with contextlib.closing(sqlite3.connect(restored / "saryno.db")) as database:
        there = {row[0] for row in database.execute("SELECT id FROM communities")}
    lost = [at for at, community in answered if community not in there and at <= killed]
    generations = len(list((base / "replica/generations").iterdir()))
    print(
        f"{len(answered)} writes answered, the slowest in {slowest[-1]:.2f} s; WAL {wal >> 20} MiB; lost {len(lost)}, "
        f"the oldest of {killed - min(lost, default=killed):.2f} s before the end; generations: {generations}. {verdict}",
        flush=True,
    )


def main():
    saryno, litestream = (str(Path(program).resolve()) if "/" in program else program for program in sys.argv[1:3])
    rounds, seconds = (int(number) for number in (sys.argv[3:5] + ["3", "20"][len(sys.argv) - 3 :]))
    for _ in range(rounds):
        with tempfile.TemporaryDirectory() as base:
            trial(saryno, litestream, seconds, Path(base))


if __name__ == "__main__":
    main()
