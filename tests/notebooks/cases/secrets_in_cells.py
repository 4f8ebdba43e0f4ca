# expect: checked
# finds: secret 1, secret 2

# %% step:login
password = 'hunter2-Xk39fj'
# %% step:key
client = {'aws_access_key_id': 'AKIAIOSFODNN7EXAMPLQ', 'password': password}
print(len(client))
