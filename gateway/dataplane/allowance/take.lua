-- All counters of one call: taken together or not at all, in windows chosen by the server's own clock.
--
-- KEYS[1]        where the reservation of this call and attempt is remembered ("" when nothing is to be settled)
-- KEYS[2]        where the leases given here are remembered ("" when none is asked for)
-- KEYS[3..]      one name per counter; the window's start is appended here, so that no gateway's clock decides it
-- ARGV           per counter: algorithm, limit, amount, extra permits asked for as a lease, "1" when the amount is
--                settled later, "2" when it is money or tokens as well, window in ms, and for a calendar window the bounds of this one and the next (start,
--                end, start, end in ms; "" otherwise)
--
-- Answers {1 or 0, ms that the leases live, then per counter: used, ms to its reset, extra permits given, 1 when it
-- refuses}; `used` is what stands afterwards. A refused call changes nothing. Answers {-1} when money or tokens are asked
-- for and the epoch is missing: this store has lost what was spent, and until that is written anew nobody may spend.
-- Numbers above 2^53 lose digits in Lua, and tostring() writes 1e+15: amounts go in and out as %.0f text.

local KEEP_MS = 3600 * 1000
local LEASE_MS = 1000
local BUCKETS = 20
local LEASES_LEFT = 20
local PER_COUNTER = 10

local function text(number)
  return string.format("%.0f", number)
end

local stamp = redis.call("TIME")
local now = tonumber(stamp[1]) * 1000 + math.floor(tonumber(stamp[2]) / 1000)

local function bounds(place, window)
  local start, stop = tonumber(ARGV[place + 6]), tonumber(ARGV[place + 7])
  if not start then
    start = now - now % window
    return start, start + window
  end
  if now >= stop then
    return tonumber(ARGV[place + 8]), tonumber(ARGV[place + 9])
  end
  return start, stop
end

-- Each reader gives a counter its key, what is used, ms to the reset and how long a lease may live.
local read = {}

function read.fixed_window(counter, place)
  local start, stop = bounds(place, counter.window)
  counter.key = counter.name .. ":" .. text(start / 1000)
  counter.used = tonumber(redis.call("GET", counter.key) or "0")
  counter.reset = stop - now
  counter.keep = counter.reset + KEEP_MS
  counter.lease = math.min(LEASE_MS, counter.reset)
end

-- A window that slides by buckets: the one it only partly covers counts whole, so the limit holds at every instant.
function read.sliding_window(counter)
  counter.size = math.max(1, math.ceil(counter.window / BUCKETS))
  counter.key = counter.name .. ":s"
  local oldest = math.floor(now / counter.size) - BUCKETS
  local held = redis.call("HGETALL", counter.key)
  local places, amounts = {}, {}
  counter.used = 0
  for index = 1, #held, 2 do
    local bucket = tonumber(held[index])
    if bucket < oldest then
      redis.call("HDEL", counter.key, held[index])
    else
      places[#places + 1] = bucket
      amounts[bucket] = tonumber(held[index + 1])
      counter.used = counter.used + amounts[bucket]
    end
  end
  -- It is reset, for who is refused, once enough of the oldest buckets have left.
  table.sort(places)
  local needed, freed = counter.used + counter.amount - counter.limit, 0
  counter.reset = counter.window
  for _, bucket in ipairs(places) do
    freed = freed + amounts[bucket]
    counter.reset = (bucket + BUCKETS + 1) * counter.size - now
    if freed >= needed then
      break
    end
  end
  counter.keep = counter.window + 2 * counter.size + LEASE_MS
  counter.lease = LEASE_MS
end

-- GCRA: the key holds the moment at which the bucket is full again; one permit takes `window / limit` ms to come back.
function read.token_bucket(counter)
  counter.key = counter.name .. ":t"
  counter.each = counter.window / counter.limit
  counter.full = math.max(now, tonumber(redis.call("GET", counter.key) or "0"))
  counter.used = math.ceil((counter.full - now) / counter.each - 0.000001)
  local over = counter.full - now + counter.amount * counter.each - counter.window
  counter.reset = over > 0 and over or counter.full - now
  counter.keep = counter.window + LEASE_MS + 1000
  counter.lease = LEASE_MS
end

local function fits(counter)
  if counter.algorithm == "token_bucket" and counter.limit > 0 then
    return counter.full - now + counter.amount * counter.each <= counter.window + 0.000001
  end
  return counter.used + counter.amount <= counter.limit
end

-- A lease only while more than twenty such remain: near the limit each call asks for its own permit.
local function extra_of(counter)
  if counter.extra > 0 and counter.limit - counter.used - counter.amount > LEASES_LEFT * counter.extra then
    return counter.extra
  end
  return 0
end

-- Each writer books the amount now and the extra at the end of its lease: a permit may be spent as late as that.
local write = {}

function write.fixed_window(counter)
  redis.call("INCRBY", counter.key, text(counter.amount + counter.given))
  counter.where = ""
end

function write.sliding_window(counter, lease)
  counter.where = text(math.floor(now / counter.size))
  counter.later = text(math.floor((now + lease) / counter.size))
  redis.call("HINCRBY", counter.key, counter.where, text(counter.amount))
  if counter.given > 0 then
    redis.call("HINCRBY", counter.key, counter.later, text(counter.given))
  end
end

function write.token_bucket(counter, lease)
  local full = counter.full + counter.amount * counter.each
  if counter.given > 0 then
    full = math.max(full, now + lease) + counter.given * counter.each
  end
  redis.call("SET", counter.key, string.format("%.6f", full))
  counter.where = string.format("%.6f", counter.each)
  counter.later = counter.where
end

local epoch = redis.call("GET", "gh:epoch")
for index = 3, #KEYS do
  if not epoch and ARGV[1 + (index - 3) * PER_COUNTER + 4] == "2" then
    return { -1 }
  end
end

local is_repeated = KEYS[1] ~= "" and redis.call("EXISTS", KEYS[1]) == 1
local counters, is_admitted, lease = {}, 1, LEASE_MS
for index = 3, #KEYS do
  local place = 1 + (index - 3) * PER_COUNTER
  local counter = {
    name = KEYS[index],
    algorithm = ARGV[place],
    limit = tonumber(ARGV[place + 1]),
    amount = tonumber(ARGV[place + 2]),
    extra = tonumber(ARGV[place + 3]),
    is_settled = ARGV[place + 4] ~= "",
    window = tonumber(ARGV[place + 5]),
    given = 0,
  }
  -- Nothing ever comes back into a bucket of no size.
  if counter.limit <= 0 and counter.algorithm == "token_bucket" then
    counter.algorithm = "fixed_window"
  end
  read[counter.algorithm](counter, place)
  counter.refuses = not is_repeated and not fits(counter)
  if counter.refuses then
    is_admitted = 0
  end
  lease = math.min(lease, counter.lease)
  counters[#counters + 1] = counter
end

if is_admitted == 1 and not is_repeated then
  local longest = 0
  for _, counter in ipairs(counters) do
    counter.given = extra_of(counter)
    write[counter.algorithm](counter, lease)
    redis.call("PEXPIRE", counter.key, text(counter.keep))
    counter.used = counter.used + counter.amount + counter.given
    if counter.is_settled then
      local value = counter.algorithm .. "|" .. counter.where .. "|" .. text(counter.amount) .. "|" .. counter.key
      redis.call("HSET", KEYS[1], counter.name, value)
      longest = math.max(longest, counter.keep)
    end
    if counter.given > 0 then
      local value = counter.algorithm .. "|" .. (counter.later or "") .. "|" .. text(counter.given) .. "|" .. counter.key
      redis.call("HSET", KEYS[2], counter.name, value)
      redis.call("PEXPIRE", KEYS[2], text(lease))
    end
  end
  if longest > 0 then
    redis.call("HSET", KEYS[1], "epoch", epoch or "")
    redis.call("PEXPIRE", KEYS[1], text(longest))
  end
end

local answer = { is_admitted, lease }
for _, counter in ipairs(counters) do
  answer[#answer + 1] = text(counter.used)
  answer[#answer + 1] = text(math.max(0, counter.reset))
  answer[#answer + 1] = text(counter.given)
  answer[#answer + 1] = counter.refuses and 1 or 0
end
return answer
