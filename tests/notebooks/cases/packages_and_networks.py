# expect: checked
# finds: pip-install 1, network-use 2
# needs: kernel

# %% imports
%pip install lightgbm
# %% step:load
import urllib.request
page = urllib.request.urlopen('https://example.org/rows.csv').read()
print(len(page))
