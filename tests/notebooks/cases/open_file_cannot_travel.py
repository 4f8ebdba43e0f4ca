# expect: pipeline.cannot-travel 1
# says: cell 2
# finds: unpicklable 1

# %% step:make
file = open('numbers.txt', 'w')
# %% step:use
file.write('1')
file.close()
