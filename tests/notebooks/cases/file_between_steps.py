# expect: equal
# true: out == (3, 5)
# edges: use: make; shell: use
# needs: kernel

# %% step:make
with open('rows.txt', 'w') as file:
    file.write('1 2')
# %% step:use
total = sum(map(int, open('rows.txt').read().split()))
# %% step:shell
%%bash
echo 5 > number.txt
# %% step:shell
out = total, int(open('number.txt').read())
