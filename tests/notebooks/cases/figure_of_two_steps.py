# expect: pipeline.cannot-travel 2
# when: run
# says: a figure in use
# says: Cell 3 (step `more`) wants it

# %% imports
import matplotlib.pyplot as plt
# %% step:draw
figure, axes = plt.subplots()
line, = axes.plot([1, 2], [3, 4], label='one')
# %% step:more
axes.plot([1, 2], [4, 3], label='two')
figure
