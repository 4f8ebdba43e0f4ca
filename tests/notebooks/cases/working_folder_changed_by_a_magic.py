# expect: equal
# true: word == 'ada' and here == 'inner'
# needs: kernel
# notice: 1 sets `%cd`
# edges: use: move, where; where: move

# %% step:move
!mkdir -p inner
%cd inner
open('word.txt', 'w').write('ada')
# %% step:where
import os
here = os.path.basename(os.getcwd())
print(here)
# %% step:use
word = open('word.txt').read()
print(word, here)
