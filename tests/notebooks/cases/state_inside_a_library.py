# expect: different
# differs: cell 3, word
# needs: kernel

# %% imports
import mimetypes
# %% step:make
mimetypes.add_type('text/rows', '.rowz')
one = 'a.rowz'
# %% step:use
word = mimetypes.guess_type(one)[0]
print(word)
# %% step:report
out = word
