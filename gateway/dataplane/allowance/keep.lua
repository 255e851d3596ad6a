-- Keeps values for a while: KEYS are their names, ARGV the seconds and then the values.
for index, key in ipairs(KEYS) do
  redis.call("SET", key, ARGV[index + 1], "EX", ARGV[1])
end
return #KEYS
