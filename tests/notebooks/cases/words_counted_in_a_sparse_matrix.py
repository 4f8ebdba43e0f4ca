# expect: equal
# true: out == ([[1, 2], [0, 1]], ['ham', 'spam'], 'csr', 7)
# real: scikit-learn notes an address in memory

# %% imports
from scipy import sparse
from sklearn.feature_extraction.text import CountVectorizer
# %% step:fit
vectors = CountVectorizer()
counts = vectors.fit_transform(['ham spam spam', 'spam'])
other = sparse.lil_matrix((2, 2), dtype=int)
# %% step:change
other[0, 1] = 7
# %% step:use
out = counts.toarray().tolist(), vectors.get_feature_names_out().tolist(), counts.format, int(other.sum())
