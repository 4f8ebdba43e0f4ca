"""What classes do unasked, read from their code."""

from __future__ import annotations

import ast

from jupyter_mlops.notebook.class_facts import class_facts

SOURCE = """\
class Base:
    shared = []
    plain = 3
    field: list = field(default_factory=list)

    def add(self, v): ...

    def __len__(self): ...

    @property
    def size(self): ...

    @classmethod
    def make(cls): ...


class Derived(Base):
    area = property(lambda self: 1)

    def __call__(self): ...


class Other:
    pass
"""


def test_facts() -> None:
    facts = class_facts([ast.parse(SOURCE)])
    assert facts.hooks == {"__len__", "size", "area", "__call__"}
    assert facts.methods == {"add", "make"}
    assert facts.shared == {"shared": ("Base",), "area": ("Derived",)}
    assert facts.derived["Base"] == {"Base", "Derived"}
    assert facts.of_family("Derived") == {"__len__", "size", "area", "__call__"}
    assert facts.of_family("Other") == set()


def test_classes_whose_attributes_change() -> None:
    code = "class A:\n    n = 0\n\n\nclass B:\n    xs = []\n"
    assert class_facts([ast.parse(code)]).stateful == {"B"}
    for change in ("A.n = 1", "type(a).n += 1", "a.__class__.n = 2", "setattr(A, 'n', 3)"):
        assert class_facts([ast.parse(code + change)]).stateful == {"A", "B"}
