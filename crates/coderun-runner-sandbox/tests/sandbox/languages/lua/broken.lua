print('before')
local x = =
