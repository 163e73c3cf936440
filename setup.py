"""The one thing pyproject.toml cannot say yet: which modules are compiled."""

from Cython.Build import cythonize
from setuptools import Extension, setup

setup(
    ext_modules=cythonize(
        [
            Extension(f"diag.formats.trace.{name}", [f"diag/formats/trace/{name}.pyx"])
            for name in ("_rewrite", "_xspace")
        ],
        compiler_directives={"language_level": "3", "boundscheck": True, "wraparound": False},
    )
)
