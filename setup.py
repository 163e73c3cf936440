"""The one thing pyproject.toml cannot say yet: which module is compiled."""

from Cython.Build import cythonize
from setuptools import Extension, setup

setup(
    ext_modules=cythonize(
        [Extension("diag.formats.trace._xspace", ["diag/formats/trace/_xspace.pyx"])],
        compiler_directives={"language_level": "3", "boundscheck": True, "wraparound": False},
    )
)
