-- Walks through the requests of a file, whole as they go over the wire with a NUL between two. Each thread has a part of its own,
-- so that what one connection says comes in order where there are as many threads as connections.
-- Arguments: the file, where to begin, how many threads, milliseconds between an answer and the next request.

local parts = 0

function setup(thread)
    thread:set("part", parts)
    parts = parts + 1
end

local requests, at = {}, 0

function init(arguments)
    local file = assert(io.open(arguments[1], "rb"))
    local all = {}
    for request in file:read("*a"):gmatch("[^%z]+") do
        all[#all + 1] = request
    end
    file:close()
    local share = #all / tonumber(arguments[3])
    for number = part * share + 1, (part + 1) * share do
        requests[#requests + 1] = all[number]
    end
    at = tonumber(arguments[2]) % #requests
    local pause = tonumber(arguments[4])
    if pause > 0 then
        function delay()
            return pause
        end
    end
end

function request()
    at = at + 1
    local next = requests[at]
    if next == nil then
        at = 1
        next = requests[1]
    end
    return next
end

function done(summary, latency)
    local errors = summary.errors
    io.write(string.format(
        'result {"requests": %d, "microseconds": %d, "p50": %d, "p99": %d, "max": %d, "refused": %d, "broken": %d}\n',
        summary.requests, summary.duration, latency:percentile(50), latency:percentile(99), latency.max,
        errors.status, errors.connect + errors.read + errors.write + errors.timeout))
end
