-- The slots of one concurrency limit: how many each worker holds. Those of a worker whose heartbeat has ended are free.
--
-- KEYS[1]  the hash of the limit: worker -> slots
-- KEYS[2]  the heartbeat of the worker that asks
-- ARGV     the worker's name, the limit, slots to take (at least 1; fewer are given near the limit) or, below 0, to
--          give back, ms that a heartbeat lasts
--
-- Answers {slots given, slots held by all, afterwards}.

local ALIVE = "gh:alive:"
local KEEP_MS = 3600 * 1000
local worker, limit, wanted = ARGV[1], tonumber(ARGV[2]), tonumber(ARGV[3])

redis.call("SET", KEYS[2], "1", "PX", ARGV[4])
local held, mine, total = redis.call("HGETALL", KEYS[1]), 0, 0
for index = 1, #held, 2 do
  local number = tonumber(held[index + 1])
  if held[index] == worker then
    mine = number
    total = total + number
  elseif redis.call("EXISTS", ALIVE .. held[index]) == 1 then
    total = total + number
  else
    redis.call("HDEL", KEYS[1], held[index])
  end
end

local given
if wanted < 0 then
  given = math.max(wanted, -mine)
elseif total >= limit then
  given = 0
else
  -- Beyond the one that is needed now, no more than a quarter of what is left.
  given = 1 + math.min(wanted - 1, math.floor((limit - total - 1) / 4))
end
if mine + given > 0 then
  redis.call("HSET", KEYS[1], worker, string.format("%.0f", mine + given))
  redis.call("PEXPIRE", KEYS[1], KEEP_MS)
else
  redis.call("HDEL", KEYS[1], worker)
end
return { given, total + given }
