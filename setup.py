"""Builds the engine in C where a compiler is there; without one the package installs all the same, and runs in Python.

Everything else about the package stands in pyproject.toml.
"""

import sys
import sysconfig
from glob import glob

from setuptools import Extension, setup
from setuptools.command.build_ext import build_ext

SOURCES = sorted(glob("autograd/_native/*.c"))
HEADERS = sorted(glob("autograd/_native/*.h"))
# The same bits as Python: no fused multiply-add, and x**2 by pow, which Python calls too.
FLAGS = ["-O2", "-std=c11", "-ffp-contract=off", "-fno-builtin-pow", "-fno-math-errno"]
# Tapes are compared by tolerance and may fuse. Never -ffast-math: its start-up code flushes subnormals to zero for all.
TAPE_FLAGS = ["-O3", "-std=c11", "-ffp-contract=fast", "-fno-math-errno", "-fno-trapping-math", "-Wno-psabi"]


class Optional(build_ext):
    def build_extension(self, extension):
        if self.compiler.compiler_type == "msvc":
            extension.extra_compile_args = ["/O2", "/std:c11", "/fp:precise"]
        try:
            super().build_extension(extension)
        except Exception as error:
            # No compiler, or one without vector extensions: whatever the reason, the package works without.
            print(f"autograd: {extension.name} in C was not built ({error}); Python serves.", file=sys.stderr)
            self.extensions.remove(extension)


extensions = [
    Extension("autograd._native.core", SOURCES, depends=HEADERS, extra_compile_args=FLAGS),
    Extension(
        "autograd._native.tapes",
        sorted(glob("autograd/_native/tape/*.c")),
        depends=[*HEADERS, *glob("autograd/_native/tape/*.h")],
        extra_compile_args=TAPE_FLAGS,
    ),
]
if sysconfig.get_config_var("Py_GIL_DISABLED"):
    print("autograd: the engine in C is not tested on free-threaded Python; the one in Python serves.", file=sys.stderr)
    extensions = []
setup(ext_modules=extensions, cmdclass={"build_ext": Optional})
