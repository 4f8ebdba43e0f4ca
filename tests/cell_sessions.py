"""Random notebooks that touch what is not a variable: settings of modules, files, the process.

Steps are processes of their own. Here each is a fork of one that has run no cell, in a folder of
its own, so that nothing but files and outputs goes from step to step.
"""

from __future__ import annotations

import logging
import os
import pickle
import random
import sys
import tempfile
from collections.abc import Callable
from pathlib import Path
from typing import Any

import numpy  # noqa: F401
import pandas  # noqa: F401  once, before forks

from jupyter_mlops.errors import MlopsError

from .cell_programs import PLAIN, Cells, Language, build
from .programs import compare

HELPERS = """\
CACHE = []
LIMIT = 3


class Shelf:
    held = []


def add(v):
    CACHE.append(v)
    return len(CACHE)


def total():
    return sum(v for v in CACHE if isinstance(v, int)) + LIMIT


def set_limit(v):
    global LIMIT
    LIMIT = v


def save(v):
    with open("saved.txt", "w") as file:
        file.write(str(v))


def load():
    with open("saved.txt") as file:
        return int(file.read())
"""
"""A module beside the notebook."""

IMPORTS = """\
import csv, decimal, glob, json, locale, logging, os, pickle, random, shelve, shutil, sqlite3
import subprocess, sys, tempfile, warnings, zipfile
from pathlib import Path
import numpy as np
import pandas as pd
import helpers
from helpers import CACHE, add"""
DEFINITIONS = {
    "put": "def put(v):\n    with open('put.txt', 'w') as file:\n        file.write(str(v))",
    "got": "def got():\n    return int(Path('put.txt').read_text())",
    "setup": "def setup(v):\n    os.environ['SETUP'] = str(v)\n    random.seed(v)",
    "asked": "def asked():\n    return int(os.environ.get('SETUP', 0)) + random.randint(0, 9)",
    "note": "def note(v, path='notes.txt'):\n    with open(path, 'a') as file:\n"
    "        print(v, file=file)",
}
START = """\
random.seed(5)
np.random.seed(5)
n, m, k = 1, 2, 3
xs, ys, zs = [1, 5], [2], [3, 4]
ds, es = {'k': [4]}, {'a': [1]}
where = Path('a.txt')
log = logging.getLogger('book')"""
STATEMENTS = {
    "{i} = {d}": 3,
    "{i} = {I} + {d}": 2,
    "{L}.append({I})": 3,
    "{l} = [{I}, {d}]": 2,
    "{D}['k'] = {L}": 1,
    "os.environ['X'] = '{d}'": 2,
    "os.environ['X'] = str({I})": 1,
    "os.environ.setdefault('X', '{d}')": 1,
    "os.environ.pop('X', None)": 1,
    "os.environ.update(X='{d}', Y='1')": 1,
    "del os.environ['X']": 1,
    "{i} = int(os.environ.get('X', 0))": 3,
    "{i} = int(os.getenv('Y', '0'))": 1,
    "os.chdir('sub')": 1,
    "os.chdir('..')": 1,
    "{l} = [Path.cwd().name == 'sub']": 1,
    "{i} = len(os.listdir())": 1,
    "sys.path.append('/nowhere{d}')": 1,
    "sys.path.insert(0, 'sub')": 1,
    "{i} = len(sys.path)": 1,
    "import hidden\n{i} = hidden.number": 1,
    "sys.setrecursionlimit({I} % 9 + 900)": 1,
    "{i} = sys.getrecursionlimit()": 1,
    "warnings.simplefilter('ignore')": 1,
    "warnings.filterwarnings('error', category=UserWarning)": 1,
    "warnings.resetwarnings()": 1,
    "try:\n    warnings.warn('book')\nexcept UserWarning:\n    {i} = {d}": 1,
    "with warnings.catch_warnings():\n    warnings.simplefilter('error')\n    {i} = {d}": 1,
    "pd.set_option('display.precision', {d})": 1,
    "pd.options.display.max_rows = {I}": 1,
    "pd.reset_option('display.precision')": 1,
    "{i} = pd.get_option('display.precision')": 1,
    "{i} = pd.options.display.max_rows": 1,
    "print(pd.Series([1.23456789]))": 1,
    "np.set_printoptions(precision={d})": 1,
    "print(np.array([1.23456789]))": 2,
    "old = np.seterr(all='ignore')": 1,
    "np.seterr(divide='raise')": 1,
    "{i} = len(set(np.geterr().values()))": 1,
    "np.random.seed({d})": 2,
    "{i} = int(np.random.randint(100))": 2,
    "random.seed({I})": 2,
    "{i} = random.randint(0, 99)": 2,
    "random.shuffle({L})": 1,
    "state = random.getstate()\n{i} = random.randint(0, 99)\nrandom.setstate(state)": 1,
    "decimal.getcontext().prec = {d} + 3": 1,
    "decimal.setcontext(decimal.Context(prec={d} + 2))": 1,
    "{l} = [str(decimal.Decimal(1) / 3)]": 2,
    "with decimal.localcontext() as context:\n    context.prec = 3\n"
    "    {l} = [str(decimal.Decimal(1) / 7)]\ndel context": 1,
    "log.setLevel({d} * 10)": 1,
    "logging.getLogger('book').setLevel({I} % 50)": 1,
    "logging.disable({d})": 1,
    "{i} = log.getEffectiveLevel() + logging.root.manager.disable": 2,
    "locale.setlocale(locale.LC_ALL, 'C.UTF-8')": 1,
    "{l} = [*locale.getlocale()]": 1,
    "json.extra = {I}": 1,
    "{i} = getattr(json, 'extra', {d})": 1,
    "setattr(json, 'extra', {d})": 1,
    "helpers.LIMIT = {d}": 1,
    "helpers.set_limit({I})": 1,
    "{i} = helpers.LIMIT": 1,
    "{i} = helpers.total()": 2,
    "{i} = helpers.add({I})": 1,
    "{i} = add({d})": 1,
    "CACHE.append({I})": 1,
    "helpers.CACHE.append({d})": 1,
    "{l} = CACHE": 1,
    "{l} = list(helpers.CACHE)": 1,
    "helpers.Shelf.held.append({I})": 1,
    "{l} = list(helpers.Shelf().held)": 1,
    "helpers.save({I})": 1,
    "{i} = helpers.load()": 1,
    "setup({d})": 1,
    "{i} = asked()": 2,
    "put({I})": 1,
    "{i} = got()": 1,
    "note({I})": 1,
    "note(v={d})": 1,
    "{l} = Path('notes.txt').read_text().split()": 1,
    "with open('a.txt', 'w') as file:\n    file.write(str({I}))": 2,
    "with open('a.txt', 'a') as file:\n    file.write('{d}')": 1,
    "with open('a.txt') as file:\n    {i} = int(file.read())": 2,
    "where.write_text(str({I}))": 1,
    "{i} = int(where.read_text())": 1,
    "where = Path('b{d}.txt')": 1,
    "mode = 'wb'\nwith open('a.txt', mode) as file:\n    file.write(b'{d}')": 1,
    "with where.open('w') as file:\n    print({I}, file=file)": 1,
    "with where.open() as file:\n    {l} = file.readlines()": 1,
    "writer = open\nwith writer('a.txt', 'w') as file:\n    file.write('7')\ndel writer": 1,
    "os.remove('a.txt')": 1,
    "os.replace('a.txt', 'c.txt')": 1,
    "where.rename('c.txt')": 1,
    "shutil.copy('a.txt', 'c.txt')": 1,
    "{i} = int(Path('c.txt').read_text())": 1,
    "{l} = sorted(glob.glob('*.txt'))": 1,
    "{l} = sorted(each.name for each in Path().iterdir())": 1,
    "{i} = int(os.path.exists('c.txt'))": 1,
    "{i} = int(where.exists())": 1,
    "{i} = where.stat().st_size": 1,
    "{i} = os.path.getsize('a.txt')": 1,
    "os.makedirs('made', exist_ok=True)": 1,
    "{i} = int(Path('made').is_dir())": 1,
    "with open('l.json', 'w') as file:\n    json.dump({L}, file)": 1,
    "with open('l.json') as file:\n    {l} = json.load(file)": 1,
    "with open('l.pkl', 'wb') as file:\n    pickle.dump({L}, file)": 1,
    "{l} = pickle.loads(Path('l.pkl').read_bytes())": 1,
    "np.save('l.npy', {L})": 1,
    "{l} = np.load('l.npy').tolist()": 1,
    "np.array([{I}]).tofile('t.bin')": 1,
    "{i} = int(np.fromfile('t.bin', dtype=int)[0])": 1,
    "pd.DataFrame({{'v': [{I}]}}).to_csv('t.csv')": 1,
    "{i} = int(pd.read_csv('t.csv').v[0])": 1,
    "with open('t.csv', 'w', newline='') as file:\n    csv.writer(file).writerow(['v', {I}])": 1,
    "base = sqlite3.connect('base.db')\nbase.execute('create table if not exists t(v)')\n"
    "base.execute('insert into t values (?)', [{I}])\nbase.commit()\nbase.close()\ndel base": 1,
    "base = sqlite3.connect('base.db')\n{l} = base.execute('select v from t').fetchall()\n"
    "base.close()\ndel base": 1,
    "with shelve.open('shelf') as shelf:\n    shelf['v'] = {I}\ndel shelf": 1,
    "with shelve.open('shelf') as shelf:\n    {i} = shelf.get('v', 0)\ndel shelf": 1,
    "with zipfile.ZipFile('z.zip', 'w') as bag:\n    bag.writestr('v', str({I}))\ndel bag": 1,
    "with zipfile.ZipFile('z.zip') as bag:\n    {i} = int(bag.read('v'))\ndel bag": 1,
    "shutil.make_archive('made', 'zip', 'sub')": 1,
    "subprocess.run(['touch', 'touched.txt'], check=True)": 1,
    "os.system('echo {d} > a.txt')": 1,
    "os.symlink('a.txt', 'link{d}')": 1,
    "{l} = subprocess.check_output(['cat', 'a.txt'], text=True).split()": 1,
    "handler = logging.FileHandler('book.log')\nlog.addHandler(handler)\nlog.error('{d}')\n"
    "log.removeHandler(handler)\nhandler.close()\ndel handler": 1,
    "{i} = len(Path('book.log').read_text().split())": 1,
    "with tempfile.TemporaryDirectory() as folder:\n    Path(folder, 'f').write_text('{d}')\n"
    "    {i} = int(Path(folder, 'f').read_text())\ndel folder": 1,
    "print({A}, {A})": 4,
}
SESSION = Language("SESSION", IMPORTS, START, DEFINITIONS, STATEMENTS, PLAIN.kinds)


def seeded_session(seed: int) -> Cells:
    """Return the program of that number."""
    with tempfile.TemporaryDirectory() as above:
        folder = Path(above, *"abcdef")
        cells: Cells = in_fork(lambda: build(random.Random(seed).choice, SESSION), folder)
    return cells


def compare_sessions(cells: Cells) -> MlopsError | None:
    """Run cells as a notebook and as steps, as `programs.compare` does, in processes."""
    with tempfile.TemporaryDirectory() as above:
        one, other = (Path(above, name, *"abcdef") for name in ("one", "other"))
        for folder in (one, other):
            prepare(folder)
        found = compare(
            cells,
            path=other / "book.ipynb",
            whole=lambda act: in_fork(act, one),
            each=lambda act: in_fork(act, other),
        )
        if found is None:
            left = [_files(Path(above, name)) for name in ("one", "other")]
            assert left[0] == left[1], f"the files are {left[1]}, not {left[0]}"
        return found


def in_fork(act: Callable[[], Any], folder: Path) -> Any:
    """Return what ``act`` returns in a fork of this process, in that folder."""
    if not (folder / "helpers.py").exists():
        prepare(folder)
    with tempfile.TemporaryDirectory() as own:
        answer = Path(own, "answer")
        child = os.fork()
        if child == 0:
            try:
                logging.root.handlers.clear()
                os.chdir(folder)
                sys.path.insert(0, str(folder))
                content = pickle.dumps((act(), None))
            except BaseException as error:
                content = pickle.dumps((None, error))
            answer.write_bytes(content)
            os._exit(0)
        os.waitpid(child, 0)
        value, error = pickle.loads(answer.read_bytes())
        if error is not None:
            raise error
        return value


def prepare(folder: Path) -> None:
    """Put beside the notebook what its cells expect there."""
    folder.mkdir(parents=True, exist_ok=True)
    (folder / "helpers.py").write_text(HELPERS)
    (folder / "sub").mkdir(exist_ok=True)
    (folder / "sub" / "hidden.py").write_text("number = 4")


def _files(folder: Path) -> dict[str, str]:
    texts = (".txt", ".json", ".csv", ".log")
    return {
        str(path.relative_to(folder)): path.read_text() if path.suffix in texts else ""
        for path in sorted(folder.rglob("*"))
        if path.is_file() and "__pycache__" not in path.parts
    }
