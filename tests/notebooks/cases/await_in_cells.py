# expect: equal
# true: out == [0, 1, 4, 9]
# needs: kernel

# %% imports
import asyncio
# %% functions
async def square(x):
    await asyncio.sleep(0)
    return x * x
async def count(n):
    for i in range(n):
        yield i
# %% step:load
numbers = [i async for i in count(4)]
# %% step:work
squares = await asyncio.gather(*(square(n) for n in numbers))
# %% step:use
async with asyncio.timeout(60):
    last = await square(3)
out = [*squares[:3], last]
