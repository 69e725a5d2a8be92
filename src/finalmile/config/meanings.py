"""What settings mean: the docstrings under the fields of a section, read only by those who tell them."""

from __future__ import annotations

import ast
import inspect
import textwrap
from itertools import pairwise

from pydantic import BaseModel


def meanings(section: type[BaseModel]) -> dict[str, str]:
    """The text under each field of a section and of what it is made from; fields without one are left out.

    Pydantic could keep them as descriptions, and would then read the source of every section at each start.

    Examples
    --------
    >>> from finalmile.config.settings import ModelSettings
    >>> meanings(ModelSettings)["forecaster"].split(".")[0]
    'Recipe that ``train`` fits'
    """
    told: dict[str, str] = {}
    for base in reversed(section.__mro__):
        if issubclass(base, BaseModel) and base is not BaseModel:
            told |= _documented(base)
    return told


def _documented(section: type[BaseModel]) -> dict[str, str]:
    (tree,) = ast.parse(textwrap.dedent(inspect.getsource(section))).body
    told: dict[str, str] = {}
    for field, text in pairwise(tree.body if isinstance(tree, ast.ClassDef) else ()):
        match field, text:
            case ast.AnnAssign(target=ast.Name(id=name)), ast.Expr(value=ast.Constant(value=str(said))):
                told[name] = inspect.cleandoc(said)
            case _:
                pass
    return told
