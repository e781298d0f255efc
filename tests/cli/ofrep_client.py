# SPDX-License-Identifier: Apache-2.0
"""A client of OFREP event streams, as a process that a test can stop: evaluates all flags, listens, and evaluates again
when it is told to. Prints a line when it listens and one for each time that it has evaluated again.

    ofrep_client.py URL ENVIRONMENT [KEY]
"""

import http.client
import json
import sys
import urllib.parse


def main(url, environment, key=None):
    server = urllib.parse.urlsplit(url).netloc
    headers = {"Authorization": f"Bearer {key}"} if key else {"Guidon-Environment": environment}
    calls = http.client.HTTPConnection(server, timeout=60)

    def evaluate(query=""):
        calls.request("POST", f"/ofrep/v1/evaluate/flags{query}", '{"context":{"targetingKey":"u"}}',
                      {"Content-Type": "application/json", **headers})
        answer = calls.getresponse()
        text = answer.read()
        assert answer.status == 200, (answer.status, text)
        return json.loads(text)

    stream = http.client.HTTPConnection(server, timeout=600)
    stream.request("GET", evaluate()["eventStreams"][0]["endpoint"]["requestUri"])
    lines = stream.getresponse()
    assert lines.status == 200
    for line in iter(lines.readline, b""):
        if line.startswith(b"retry: "):
            print("listening", flush=True)
        if line.startswith(b"data: "):
            etag = json.loads(line[6:])["etag"]
            evaluate("?flagConfigEtag=" + urllib.parse.quote(etag))
            print("evaluated", flush=True)


if __name__ == "__main__":
    main(*sys.argv[1:])
