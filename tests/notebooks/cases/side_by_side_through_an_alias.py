# expect: pipeline.unordered 3

# %% step:load
rows = [1]
box = {'rows': rows}
# %% step:a after:load
box['rows'].append(2)
# %% step:b after:load
rows.append(3)
# %% step:c
out = box, rows
