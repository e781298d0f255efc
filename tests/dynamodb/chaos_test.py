# SPDX-License-Identifier: Apache-2.0
"""Everything that can go wrong, at random: nodes and clients killed or stopped, the store unreachable, connections cut
or silent. Two flags change together, always in one unit: nobody may ever see one without the other. At the end everybody
who is left has the last change, and has grown by nothing.

GUIDON_CHAOS_SECONDS is how long it lasts (default 20), GUIDON_CHAOS_SEED which of all orders. With GUIDON_CHAOS_SANITIZED
set memory is not compared: a sanitizer keeps what is freed."""

import http.client
import json
import os
import pathlib
import random
import shutil
import signal
import socket
import struct
import sys
import threading
import time
import unittest
import urllib.parse

HERE = pathlib.Path(__file__).parent
sys.path[:0] = [str(HERE.parent / "cli"), str(HERE.parent / "client")]

import support  # noqa: E402  (tests/cli)
from client_test import Probe  # noqa: E402
from nodes_test import Caller, Fake, NO_AWS  # noqa: E402

SECONDS = float(os.environ.get("GUIDON_CHAOS_SECONDS", "20"))
SEED = int(os.environ.get("GUIDON_CHAOS_SEED", str(random.randrange(1_000_000))))
SETTLE_SECONDS_MAX = 90
NODES = 3
PROBES = 4
LISTENERS = 6
READERS = 3
# What a process may have more at the end: a connection of a pool that the calm beginning did not need, and what an
# allocator keeps after the busiest moment.
DESCRIPTORS_MORE_MAX = 24
MEMORY_MORE_MAX_KIB = float("inf") if os.environ.get("GUIDON_CHAOS_SANITIZED") else 24 * 1024
# A probe's client that must give up a silent connection soon, for a test of half a minute.
PROBE = {"poll": 1000, "stale": 3000}


class Link:
    """A port that leads to another one: open; `silent`, when nothing passes and nobody is told; or `cut`, when
    connections are reset and refused."""

    def __init__(self, target):
        self.target = target
        self.listener = socket.create_server(("127.0.0.1", 0), backlog=128)
        self.port = self.listener.getsockname()[1]
        self.open = threading.Event()
        self.open.set()
        self.refuses = False
        self.ended = False
        self.lock = threading.Lock()
        self.sockets = set()
        threading.Thread(target=self._accept, daemon=True).start()

    @property
    def url(self):
        return f"http://127.0.0.1:{self.port}"

    @staticmethod
    def _reset(one):
        try:
            one.setsockopt(socket.SOL_SOCKET, socket.SO_LINGER, struct.pack("ii", 1, 0))
            one.shutdown(socket.SHUT_RDWR)
        except OSError:
            pass
        one.close()

    def _accept(self):
        while not self.ended:
            try:
                near = self.listener.accept()[0]
            except OSError:
                return
            threading.Thread(target=self._connect, args=(near,), daemon=True).start()

    def _connect(self, near):
        self.open.wait()
        try:
            if self.refuses:
                raise OSError("cut")
            far = socket.create_connection(("127.0.0.1", self.target), timeout=5)
            far.settimeout(None)
        except OSError:
            self._reset(near)
            return
        with self.lock:
            self.sockets |= {near, far}
        for source, sink in ((near, far), (far, near)):
            threading.Thread(target=self._pump, args=(source, sink), daemon=True).start()

    def _pump(self, source, sink):
        try:
            while chunk := source.recv(65536):
                self.open.wait()
                sink.sendall(chunk)
        except OSError:
            pass
        with self.lock:
            self.sockets -= {source, sink}
        self._reset(source)
        self._reset(sink)

    def silence(self):
        self.open.clear()

    def cut(self):
        self.refuses = True
        with self.lock:
            live = list(self.sockets)
        for one in live:
            self._reset(one)

    def heal(self):
        self.refuses = False
        self.open.set()

    def close(self):
        self.ended = True
        self.heal()
        self.listener.close()
        self.cut()


class Seen:
    """What everybody who read both flags saw."""

    def __init__(self):
        self.lock = threading.Lock()
        self.answers = 0
        self.mixtures = []

    def note(self, who, first, second):
        with self.lock:
            self.answers += 1
            if first != second:
                self.mixtures.append((who, first, second))


def both(caller):
    """The two flags in one bulk answer, and the answer."""
    status, _, text = caller.send("POST", "/ofrep/v1/evaluate/flags", {"context": {"targetingKey": "u"}},
                                  Guidon_Environment="development")
    if status != 200:
        raise OSError(f"status {status}")
    answer = json.loads(text)
    values = {flag["key"]: flag.get("value") for flag in answer["flags"]}
    return values.get("first"), values.get("second"), answer


class Listener(threading.Thread):
    """A client of the event stream over OFREP, which connects again whenever it loses it."""

    def __init__(self, name, url, seen):
        super().__init__(daemon=True)
        self.who, self.url, self.seen = name, url, seen
        self.value, self.ended, self.streams = None, False, 0
        self.start()

    def run(self):
        while not self.ended:
            try:
                self._listen()
            except (OSError, http.client.HTTPException, ValueError, KeyError):
                time.sleep(random.uniform(0.05, 0.3))

    def _evaluate(self):
        caller = Caller(self.url)
        caller.connection.timeout = 3
        try:
            first, second, answer = both(caller)
        finally:
            caller.connection.close()
        self.seen.note(self.who, first, second)
        self.value = first
        return answer

    def _listen(self):
        stream = http.client.HTTPConnection(urllib.parse.urlsplit(self.url).netloc, timeout=3)
        try:
            stream.request("GET", self._evaluate()["eventStreams"][0]["endpoint"]["requestUri"])
            lines = stream.getresponse()
            if lines.status != 200:
                raise OSError(f"status {lines.status}")
            self.streams += 1
            # A stream that says nothing for a while may be dead: what it would have said is asked for.
            while not self.ended:
                try:
                    line = lines.readline()
                except TimeoutError:
                    return
                if not line:
                    return
                if line.startswith(b"data: "):
                    self._evaluate()
        finally:
            stream.close()


class ChaosTest(support.TestCase):
    def setUp(self):
        print(f"chaos: seed {SEED}, {SECONDS:.0f} s", file=sys.stderr)
        self.random = random.Random(SEED)
        self.fake = Fake()
        self.addCleanup(self.fake.close)
        self.addCleanup(self.fake.resume)
        self.folders = [self.folder() for _ in range(NODES)]
        self.store_links = [Link(self.fake.port) for _ in range(NODES)]
        self.ports = [support.free_port() for _ in range(NODES)]
        self.nodes = [self.start(i) for i in range(NODES)]
        self.front_links = [Link(port) for port in self.ports]
        for link in self.store_links + self.front_links:
            self.addCleanup(link.close)
        self.ended = threading.Event()
        self.addCleanup(self.ended.set)
        self.seen = Seen()
        self.generation = 0
        self.acknowledged = 0
        self.replaced, self.background, self.failures, self.healed = set(), [], [], threading.Event()

    def start(self, i):
        if i > 0 and not (self.folders[i] / "key-hash-secret").exists():
            shutil.copy(self.folders[0] / "key-hash-secret", self.folders[i] / "key-hash-secret")
        node = support.Server("--store", "dynamodb", "--dynamodb-endpoint", self.store_links[i].url, "--node-id", f"node-{i}",
                              data=self.folders[i], listen=f"127.0.0.1:{self.ports[i]}", **NO_AWS)
        # What it writes must be read, or it would wait for us.
        threading.Thread(target=self.drain, args=(node,), daemon=True).start()
        self.addCleanup(node.stop)
        return node

    @staticmethod
    def drain(node):
        try:
            while os.read(node.process.stderr.fileno(), 65536):
                pass
        except (OSError, ValueError):
            pass

    def probe(self, i):
        probe = Probe(url=self.front_links[i % NODES].url, id=f"probe-{i}", snapshot=self.folders[0] / f"probe-{i}", **PROBE)
        self.addCleanup(probe.stop)
        self.addCleanup(probe.process.send_signal, signal.SIGCONT)
        return probe

    def change(self, url, timeout=20):
        """Both flags to the next value, in one unit; whether that was acknowledged."""
        self.generation += 1
        value = self.generation
        flags = [{"flagKey": key, "owner": "o", "type": "number", "defaultEnabled": True, "variations": {"now": value},
                  "defaultVariation": "now", "offVariation": "now"} for key in ("first", "second")]
        caller = Caller(url)
        caller.connection.timeout = timeout
        try:
            status, _, text = caller.send("POST", "/api/v1/environments/development/import", {"flags": flags})
        except (OSError, http.client.HTTPException):
            return False
        finally:
            caller.connection.close()
        if status == 200:
            self.acknowledged = value
        elif status < 500 and status != 409:
            self.fail(f"{status}: {text}")
        return status == 200

    def write(self):
        chooser = random.Random(SEED + 1)
        while not self.ended.wait(0.1):
            self.change(f"http://127.0.0.1:{self.ports[chooser.randrange(NODES)]}")

    def read(self, i):
        caller = Caller(f"http://127.0.0.1:{self.ports[i]}")
        while not self.ended.wait(0.005):
            try:
                first, second, _ = both(caller)
                self.seen.note(f"reader {i}", first, second)
            except (OSError, http.client.HTTPException, ValueError):
                caller.connection.close()
                time.sleep(0.05)
        caller.connection.close()

    def ask_probes(self):
        """What the clients in process see; those that are stopped are asked later."""
        for i, probe in enumerate(self.probes):
            if i in self.frozen:
                continue
            _, value, mixtures = probe.ask("pair first second", "^pair ").split()
            self.seen.note(f"probe {i}", int(mixtures), 0)
            self.values[i] = int(float(value))

    # What happens, each for a while. Nodes and probes of number 0 are never killed: they are who could grow.

    def in_background(self, work):
        def run():
            try:
                work()
            except BaseException as error:  # noqa: BLE001  (told by the test, whatever it is)
                self.failures.append(repr(error))
        thread = threading.Thread(target=run)
        self.background.append(thread)
        thread.start()

    def replace_node(self, number, pause):
        i = self.random.randrange(1, NODES)
        if i in self.replaced:
            return False
        self.replaced.add(i)

        def work():
            self.nodes[i].send(number)
            self.nodes[i].process.wait(SETTLE_SECONDS_MAX)
            time.sleep(pause)
            # Where the store is out of reach it starts from its copy; without one it ends and is started again.
            while True:
                try:
                    self.nodes[i] = self.start(i)
                    break
                except AssertionError:
                    if self.healed.is_set():
                        raise
            self.replaced.discard(i)
        self.in_background(work)
        return True

    def kill_node(self):
        return self.replace_node(signal.SIGKILL, self.random.uniform(0, 0.5))

    def restart_node(self):
        return self.replace_node(signal.SIGTERM, 0)

    def stop_store(self):
        self.fake.silence()
        return self.later(self.fake.resume)

    def silence_link(self):
        link = self.random.choice(self.store_links + self.front_links)
        link.silence()
        return self.later(link.heal)

    def cut_link(self):
        link = self.random.choice(self.store_links + self.front_links)
        link.cut()
        return self.later(link.heal)

    def kill_probe(self):
        i = self.random.randrange(1, PROBES)
        if i in self.frozen:
            return False
        self.probes[i].process.kill()
        self.probes[i].process.wait()
        self.probes[i] = self.probe(i)
        return True

    def freeze_probe(self):
        i = self.random.randrange(1, PROBES)
        if i in self.frozen:
            return False
        self.probes[i].process.send_signal(signal.SIGSTOP)
        self.frozen.add(i)

        def thaw():
            self.probes[i].process.send_signal(signal.SIGCONT)
            self.frozen.discard(i)
        return self.later(thaw)

    def later(self, action):
        self.pending.append((time.monotonic() + self.random.uniform(0.3, 3), action))
        return True

    def do_pending(self, everything=False):
        for entry in list(self.pending):
            if everything or entry[0] <= time.monotonic():
                self.pending.remove(entry)
                entry[1]()

    def settled(self, deadline):
        """Everybody has the value of the last change."""
        expected = self.generation
        while True:
            self.ask_probes()
            served = []
            for port in self.ports:
                caller = Caller(f"http://127.0.0.1:{port}")
                try:
                    first, second, _ = both(caller)
                    served.append(first if first == second else (first, second))
                finally:
                    caller.connection.close()
            state = {"nodes": served, "probes": list(self.values), "listeners": [one.value for one in self.listeners]}
            if all(value == expected for values in state.values() for value in values):
                return
            self.assertLess(time.monotonic(), deadline, f"not everybody has {expected}: {state}")
            time.sleep(0.1)

    def sizes(self):
        """Descriptors and memory (KiB) of the processes that are never killed."""
        found = {}
        for name, process in (("node", self.nodes[0].process), ("probe", self.probes[0].process)):
            status = pathlib.Path(f"/proc/{process.pid}/status").read_text(encoding="ascii")
            memory = next(int(line.split()[1]) for line in status.splitlines() if line.startswith("VmRSS"))
            found[name] = (len(os.listdir(f"/proc/{process.pid}/fd")), memory)
        return found

    def make_sure(self, deadline):
        while not self.change(f"http://127.0.0.1:{self.ports[0]}"):
            self.assertLess(time.monotonic(), deadline, "no change is accepted")
            time.sleep(0.2)

    def test_everybody_converges_and_nobody_sees_half_a_change(self):
        self.make_sure(time.monotonic() + SETTLE_SECONDS_MAX)
        self.frozen, self.pending, self.values = set(), [], [None] * PROBES
        self.probes = [self.probe(i) for i in range(PROBES)]
        self.listeners = [Listener(f"listener {i}", self.front_links[i % NODES].url, self.seen) for i in range(LISTENERS)]
        threads = [threading.Thread(target=self.read, args=(i % NODES,)) for i in range(READERS)]
        threads.append(threading.Thread(target=self.write))
        for thread in threads:
            thread.start()
        # A calm beginning, with all clients and changes: what is compared with the end.
        time.sleep(2)
        self.ask_probes()
        before = self.sizes()

        actions = [self.kill_node, self.kill_node, self.restart_node, self.stop_store, self.silence_link, self.silence_link,
                   self.cut_link, self.cut_link, self.kill_probe, self.freeze_probe]
        done = {}
        end = time.monotonic() + SECONDS
        while time.monotonic() < end:
            action = self.random.choice(actions)
            done[action.__name__] = done.get(action.__name__, 0) + action()
            pause = time.monotonic() + self.random.uniform(0.1, 0.8)
            while time.monotonic() < pause:
                self.do_pending()
                self.ask_probes()
                time.sleep(0.02)
        self.do_pending(everything=True)
        self.fake.resume()
        for link in self.store_links + self.front_links:
            link.heal()
        self.healed.set()
        self.ended.set()
        for thread in threads + self.background:
            thread.join()
        self.assertEqual(self.failures, [])
        deadline = time.monotonic() + SETTLE_SECONDS_MAX
        self.make_sure(deadline)
        self.settled(deadline)
        last = time.monotonic()
        self.assertEqual(self.seen.mixtures, [], "somebody saw half a change")
        # Everybody has it by the server's own account, too.
        proof = support.run("propagation", "--environment", "development", "--output", "json", GUIDON_URL=self.nodes[0].url)
        self.assertGreaterEqual(json.loads(proof.out)["sequence"], 2)
        # Connections of others that were cut go when the server notices: within its idle limits.
        while True:
            after = self.sizes()
            grown = {name: (after[name][0] - was[0], after[name][1] - was[1]) for name, was in before.items()}
            if all(more[0] <= DESCRIPTORS_MORE_MAX and more[1] <= MEMORY_MORE_MAX_KIB for more in grown.values()):
                break
            self.assertLess(time.monotonic(), last + SETTLE_SECONDS_MAX, f"descriptors and KiB more: {grown}")
            time.sleep(1)
        for listener in self.listeners:
            listener.ended = True
        print(f"chaos: {done}; {self.generation} changes, {self.seen.answers} answers of two flags, no mixture; "
              f"{sum(one.streams for one in self.listeners)} streams; more descriptors and KiB: {grown}", file=sys.stderr)
        # Enough happened for that to mean something.
        self.assertGreater(self.seen.answers, 10 * SECONDS)
        self.assertGreater(self.acknowledged, SECONDS / 5)
        self.assertGreater(sum(done.values()), SECONDS / 5)


if __name__ == "__main__":
    unittest.main()
