# expect: pipeline.hidden-output 2
# needs: kernel

# %% step:make
2 + 3
# %% step:use
out = _
