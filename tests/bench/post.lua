-- post.lua - wrk: POST the file $BODY with the lines of $HEADERS; at the end a line: requests, microseconds, p50, p99 (microseconds), non-2xx, broken.
local file = assert(io.open(os.getenv("BODY"), "rb"))
wrk.method = "POST"
wrk.headers["Content-Type"] = "application/json"
for name, value in string.gmatch(os.getenv("HEADERS") or "", "([^:\n]+): ([^\n]*)\n") do wrk.headers[name] = value end
wrk.body = file:read("*a")
file:close()

function done(summary, latency)
    local e = summary.errors
    io.write(string.format("RESULT %d %d %d %d %d %d\n", summary.requests, summary.duration, latency:percentile(50),
        latency:percentile(99), e.status, e.connect + e.read + e.write + e.timeout))
end
