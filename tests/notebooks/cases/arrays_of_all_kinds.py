# expect: equal
# true: (big[0], big[-1], big.sum()) == (-1.0, 299999.0, 299999 * 300000 / 2 - 1)
# true: fortran.flags.f_contiguous and fortran.tolist() == [[1, 2], [3, 4]]
# true: people['age'].tolist() == [30, 41] and people.dtype.names == ('name', 'age')
# true: (mask.dtype, days.dtype, waves.dtype) == (np.dtype(bool), np.dtype('M8[D]'), np.dtype('c16'))
# true: mixed[1] == 'two' and matrix.mask.tolist() == [False, True] and scalar == np.float32(0.5)
# real: arrays travel in files of their own

# %% imports
import numpy as np
# %% step:make
big = np.arange(300_000.0)
fortran = np.asfortranarray([[1, 2], [3, 3]])
people = np.array([('ada', 30), ('bob', 40)], dtype=[('name', 'U8'), ('age', 'i4')])
mask = np.array([True, False])
days = np.array(['2024-01-01'], dtype='M8[D]')
waves = np.exp(1j * np.zeros(2))
mixed = np.array([1, 'two', None], dtype=object)
matrix = np.ma.array([1, 2], mask=[False, True])
scalar = np.float32(0.5)
# %% step:change
big[0] = -1.0
fortran[1, 1] = 4
people['age'][1] += 1
# %% step:use
out = big, fortran, people, mask, days, waves, mixed, matrix, scalar
