# expect: equal
# true: out == ('fallback', 'small', [0, 1, 3])

# %% imports
try:
    import surely_not_installed as fast
except ImportError:
    fast = None
# %% parameters
n = 3
# %% functions
if fast is None:
    def engine():
        return 'fallback'
else:
    def engine():
        return fast.name
# %% step:make
for _ in range(1):
    if n > 10:
        size = 'large'
        break
else:
    size = 'small'
sums = [0]
while len(sums) < n:
    sums.append(sums[-1] + len(sums))
# %% step:use
out = engine(), size, sums
