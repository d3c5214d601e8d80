-- What wrk sends: `wrk -s shop.lua URL -- CASE`. Every client draws ids at random.
local headers = { ["Content-Type"] = "application/vnd.api+json" }
local one = [[{"data":{"type":"items","attributes":{"quantity":1},"relationships":{
"order":{"data":{"type":"orders","id":"%d"}},"product":{"data":{"type":"products","id":"%d"}}}}}]]
local note = [[{"data":{"type":"orders","id":"%d","attributes":{"notes":"ring %d times"}}}]]

local function order() return math.random(10000) end

local cases = {
  ["get one"] = function() return wrk.format("GET", "/api/orders/" .. order()) end,
  ["page of 20"] = function() return wrk.format("GET", "/api/orders?page[size]=20&page[number]=" .. math.random(10)) end,
  ["page + include"] = function()
    return wrk.format("GET", "/api/orders?page[size]=20&include=items.product&page[number]=" .. math.random(10))
  end,
  ["insert item"] = function()
    return wrk.format("POST", "/api/items", headers, one:format(order(), math.random(200)))
  end,
  ["patch note"] = function()
    local id = order()
    return wrk.format("PATCH", "/api/orders/" .. id, headers, note:format(id, math.random(1e9)))
  end,
}

local number = 0
function setup(thread)
  number = number + 1
  thread:set("seed", number)
end

function init(args)
  math.randomseed(os.time() + seed)
  request = cases[args[1]]
end

function done(summary, latency)
  local failed = summary.errors.status + summary.errors.connect + summary.errors.read + summary.errors.write + summary.errors.timeout
  print(("RESULT %d %d %d %d"):format(summary.requests, failed, latency:percentile(50), latency:percentile(99)))
end
