# expect: equal
# true: [str(kind) for kind in frame.dtypes] == ['category', 'datetime64[us, UTC]', 'str', 'Int64', 'boolean', 'float32', 'object']
# true: frame['kind'].cat.categories.tolist() == ['low', 'high'] and frame['kind'].cat.ordered
# true: frame['size'].isna().tolist() == [False, True] and frame['when'].iloc[1].day == 2
# true: wide.loc[('b', 2), 'v'] == 4 and wide.index.names == ['k', 'n']
# true: spans.iloc[0] == pd.Timedelta('1h') and str(quarter.dtype) == 'period[Q-DEC]'
# real: frames travel in files of their own

# %% imports
import pandas as pd
# %% step:load
frame = pd.DataFrame({
    'kind': pd.Categorical(['high', 'low'], ['low', 'high'], ordered=True),
    'when': pd.to_datetime(['2024-01-01', '2024-01-02'], utc=True).as_unit('us'),
    'word': pd.Series(['a', 'ü'], dtype='str'),
    'size': pd.Series([1, None], dtype='Int64'),
    'good': pd.Series([True, None], dtype='boolean'),
    'rate': pd.Series([0.5, 1.5], dtype='float32'),
    'any': [(1, 2), {'k': 1}],
})
index = pd.MultiIndex.from_tuples([('a', 1), ('b', 2)], names=['k', 'n'])
wide = pd.DataFrame({'v': [3, 4]}, index=index)
spans = pd.Series(pd.to_timedelta(['1h', '2h']))
quarter = pd.Series(pd.period_range('2024Q1', periods=2, freq='Q'))
# %% step:use
first = frame['kind'].min(), frame['size'].sum()
# %% step:report
assert first == ('low', 1)
out = frame, wide, spans, quarter
