# expect: equal
# true: out == (['hello ada'], 'ada', True)
# needs: kernel

# %% parameters
name = 'ada'
# %% step:ask
!true
said = !echo hello {name}
# %% step:use
again = !echo $name
# %% step:report
out = list(said), again[0], said.n == 'hello ada'
