"""Builds the engine in C where a compiler is there; without one the package installs all the same, and runs in Python.

Everything else about the package stands in pyproject.toml.
"""

import sys
import sysconfig

from setuptools import Extension, setup
from setuptools.command.build_ext import build_ext

SOURCES = ["autograd/_native/" + name for name in ("core.c", "value.c", "backward.c", "memory.c")]
HEADERS = ["autograd/_native/value.h", "autograd/_native/operations.h"]
# The same bits as Python: no fused multiply-add, and x**2 by pow, which Python calls too.
FLAGS = ["-O2", "-std=c11", "-ffp-contract=off", "-fno-builtin-pow", "-fno-math-errno"]


class Optional(build_ext):
    def build_extension(self, extension):
        if self.compiler.compiler_type == "msvc":
            extension.extra_compile_args = ["/O2", "/std:c11", "/fp:precise"]
        try:
            super().build_extension(extension)
        except Exception as error:
            # No compiler, or no headers of Python: whatever the reason, the package works without.
            print(f"autograd: the engine in C was not built ({error}); the one in Python serves.", file=sys.stderr)
            self.extensions.remove(extension)


extensions = [Extension("autograd._native.core", SOURCES, depends=HEADERS, extra_compile_args=FLAGS)]
if sysconfig.get_config_var("Py_GIL_DISABLED"):
    print("autograd: the engine in C is not tested on free-threaded Python; the one in Python serves.", file=sys.stderr)
    extensions = []
setup(ext_modules=extensions, cmdclass={"build_ext": Optional})
