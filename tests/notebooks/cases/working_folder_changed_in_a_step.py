# expect: equal
# true: word == 'ada'
# finds: working-directory 2, promotion-notice 2
# needs: kernel

# %% imports
import os
# %% step:move
os.makedirs('inner', exist_ok=True)
os.chdir('inner')
file = open('word.txt', 'w')
file.write('ada')
file.close()
# %% step:use
word = open('word.txt').read()
print(word)
