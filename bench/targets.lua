-- Walks the targets of a file, a line each: METHOD BYTES TARGET. With BYTES a body of so many.
-- The file is named by TARGETS, a field for all requests by FIELD ("Name: value"). With ONCE it ends
-- when it has been through them (and has asked for the first of them again).
local targets, bodies, fields, at, answered = {}, {}, {}, 0, 0

function init()
	local name, value = (os.getenv("FIELD") or ""):match("^([^:]+): (.+)$")
	if name then fields[name] = value end
	for line in io.lines(os.getenv("TARGETS")) do
		local method, bytes, target = line:match("^(%S+) (%d+) (%S+)$")
		bytes = tonumber(bytes)
		if bytes > 0 and not bodies[bytes] then bodies[bytes] = string.rep("x", bytes) end
		targets[#targets + 1] = wrk.format(method, target, fields, bodies[bytes])
	end
end

function request()
	at = at % #targets + 1
	return targets[at]
end

if os.getenv("ONCE") then
	function response(status)
		answered = answered + 1
		if status >= 300 then
			io.stderr:write("status ", status, "\n")
			os.exit(1)
		end
		if answered == #targets + 64 then os.exit(0) end
	end
end
