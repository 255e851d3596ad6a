-- All counters of one call: taken together or not at all, in windows chosen by the server's own clock.
--
-- KEYS[1]        where the reservation of this call and attempt is remembered ("" when nothing is to be settled)
-- KEYS[2..n+1]   one name per counter; the window's start is appended here, so that no gateway's clock decides it
-- ARGV[1]        "reserve" or "settle"
-- reserve: ARGV[2..] limit, window in seconds, amount, "1" when the amount is settled later; four per counter
-- settle:  ARGV[2..] actual amount per counter
--
-- reserve answers {1 or 0, used 1, seconds to the window's end 1, used 2, ...}; `used` is what stands afterwards.
-- settle answers {1} when it settled and {0} when there was nothing left to settle.
-- Numbers above 2^53 lose digits in Lua, and tostring() writes 1e+15: amounts go in and out as %.0f text.

local KEEP_SECONDS = 3600

local function settle()
  local settled = 0
  for index = 2, #KEYS do
    local held = redis.call("HMGET", KEYS[1], KEYS[index], KEYS[index] .. "|key")
    if held[1] and held[2] then
      settled = 1
      local difference = tonumber(ARGV[index]) - tonumber(held[1])
      -- A window that is over and forgotten needs no correction, and must not come back without an end.
      if difference ~= 0 and redis.call("EXISTS", held[2]) == 1 then
        redis.call("INCRBY", held[2], string.format("%.0f", difference))
      end
    end
  end
  redis.call("DEL", KEYS[1])
  return { settled }
end

local function reserve()
  local now = tonumber(redis.call("TIME")[1])
  local counters, is_admitted = {}, 1
  local is_repeated = KEYS[1] ~= "" and redis.call("EXISTS", KEYS[1]) == 1
  for index = 2, #KEYS do
    local place = 2 + (index - 2) * 4
    local window = tonumber(ARGV[place + 1])
    local start = now - now % window
    local key = KEYS[index] .. ":" .. string.format("%.0f", start)
    local used = tonumber(redis.call("GET", key) or "0")
    if not is_repeated and used + tonumber(ARGV[place + 2]) > tonumber(ARGV[place]) then
      is_admitted = 0
    end
    counters[index] = { key = key, used = used, place = place, window = window, reset = start + window - now }
  end
  local longest = 0
  if is_admitted == 1 and not is_repeated then
    for index = 2, #KEYS do
      local counter = counters[index]
      local amount = ARGV[counter.place + 2]
      redis.call("INCRBY", counter.key, amount)
      redis.call("EXPIRE", counter.key, counter.window + KEEP_SECONDS)
      counter.used = counter.used + tonumber(amount)
      if ARGV[counter.place + 3] == "1" then
        redis.call("HSET", KEYS[1], KEYS[index], amount, KEYS[index] .. "|key", counter.key)
        longest = math.max(longest, counter.window)
      end
    end
    if longest > 0 then
      redis.call("EXPIRE", KEYS[1], longest + KEEP_SECONDS)
    end
  end
  local answer = { is_admitted }
  for index = 2, #KEYS do
    answer[#answer + 1] = string.format("%.0f", counters[index].used)
    answer[#answer + 1] = string.format("%.0f", counters[index].reset)
  end
  return answer
end

if ARGV[1] == "settle" then
  return settle()
end
return reserve()
