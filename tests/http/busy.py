"""busy.py BASE FILE: a service in front of BASE that is busy at first. Every other request is answered with 503 and Retry-After: 0, the rest by
BASE. Writes its own address to FILE, and a line for each request to standard output: its way, the connection it came by, key and id.
"""
import http.client
import http.server
import sys
import urllib.parse

base, told = urllib.parse.urlsplit(sys.argv[1]), sys.argv[2]


class Busy(http.server.BaseHTTPRequestHandler):
    protocol_version = "HTTP/1.1"
    requests = 0

    def reply(self, status, headers, body):
        self.send_response(status)
        for name, value in headers:
            self.send_header(name, value)
        self.send_header("Content-Length", str(len(body)))
        self.end_headers()
        self.wfile.write(body)

    def do_POST(self):
        body = self.rfile.read(int(self.headers["Content-Length"]))
        Busy.requests += 1
        refused = Busy.requests % 2 == 1
        print("busy" if refused else "asked", self.client_address[1], self.headers["Authorization"], self.headers["X-Request-Id"], flush=True)
        if refused:
            self.reply(503, [("Retry-After", "0"), ("Content-Type", "application/json")], b'{"error": "busy", "code": "overloaded"}')
            return
        upstream = http.client.HTTPConnection(base.hostname, base.port)
        upstream.request("POST", self.path, body, {k: v for k, v in self.headers.items() if k not in ("Host", "Connection")})
        answer = upstream.getresponse()
        body = answer.read()
        self.reply(answer.status, [(k, v) for k, v in answer.getheaders() if k not in ("Content-Length", "Connection", "Date")], body)

    def do_GET(self):
        upstream = http.client.HTTPConnection(base.hostname, base.port)
        upstream.request("GET", self.path, headers={"Accept": "application/json"})
        answer = upstream.getresponse()
        self.reply(answer.status, [("Content-Type", "application/json")], answer.read())

    def log_message(self, *_):
        pass


server = http.server.ThreadingHTTPServer(("127.0.0.1", 0), Busy)
with open(told + ".new", "w") as file:
    file.write(f"http://127.0.0.1:{server.server_address[1]}")
import os
os.rename(told + ".new", told)
server.serve_forever()
