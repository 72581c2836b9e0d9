-- wrk sends 16 requests at once and then waits for their answers.
local batch

function init(arguments)
  local one = wrk.format("GET")
  batch = string.rep(one, 16)
end

function request()
  return batch
end
