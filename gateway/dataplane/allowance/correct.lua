-- Corrects what was taken: a reservation to what was really used, a lease to what was really spent. Each once.
--
-- KEYS[1]        where the reservation or the lease is remembered
-- KEYS[2..]      one name per counter
-- ARGV           per counter the amount that counts; what was booked beyond it is given back, what is missing is booked
--
-- Answers how many counters were corrected: 0 when there was nothing left to correct. A window that is over and
-- forgotten needs no correction, and must not come back without an end. Neither does a reservation of another epoch: the
-- counters were written anew from the ledger, where it stands by itself.

local epoch = redis.call("HGET", KEYS[1], "epoch")
if epoch and epoch ~= (redis.call("GET", "gh:epoch") or "") then
  redis.call("DEL", KEYS[1])
  return 0
end

local corrected = 0
for index = 2, #KEYS do
  local held = redis.call("HGET", KEYS[1], KEYS[index])
  if held then
    corrected = corrected + 1
    redis.call("HDEL", KEYS[1], KEYS[index])
    local algorithm, where, amount, key = string.match(held, "^([^|]*)|([^|]*)|([^|]*)|(.*)$")
    local difference = tonumber(ARGV[index - 1]) - tonumber(amount)
    if difference ~= 0 and redis.call("EXISTS", key) == 1 then
      if algorithm == "fixed_window" then
        redis.call("INCRBY", key, string.format("%.0f", difference))
      elseif algorithm == "sliding_window" then
        redis.call("HINCRBY", key, where, string.format("%.0f", difference))
      else
        local full = tonumber(redis.call("GET", key)) + difference * tonumber(where)
        redis.call("SET", key, string.format("%.6f", full), "KEEPTTL")
      end
    end
  end
end
return corrected
