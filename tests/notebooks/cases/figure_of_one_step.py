# expect: equal
# true: heights == [1, 4, 9]
# shows: figure 3, figure 4
# needs: kernel

# %% imports
import matplotlib.pyplot as plt
# %% step:load
heights = [1, 4, 9]
# %% step:draw
figure, axes = plt.subplots()
axes.bar(['a', 'b', 'c'], heights)
axes.set_title('squares');
# %% step:draw
axes.set_ylabel('height')
plt.plot(heights, heights[::-1], 'o--', label='line')
plt.legend();
# %% step:use
out = sum(heights)
