# expect: pipeline.cannot-travel 2
# says: a figure in use
# says: Cell 3 (step `save`) wants it

# %% imports
import matplotlib.pyplot as plt
# %% step:draw
figure = plt.figure()
figure.gca().plot([1, 2])
# %% step:save
figure.savefig('lines.png')
