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
# Takes back -ffast-math and its parts, which CFLAGS may ask for: NaN, infinities and the order of sums are the engine's
# contract. When linking too, where they bring start-up code that flushes subnormals to zero for the whole process.
IEEE = ["-fno-fast-math", "-fno-unsafe-math-optimizations", "-fno-finite-math-only", "-fsigned-zeros",
        "-fno-associative-math", "-fno-reciprocal-math", "-ftrapping-math"]  # fmt: skip
# The same bits as Python: no fused multiply-add, and x**2 by pow, which Python calls too.
FLAGS = [*IEEE, "-O2", "-std=c11", "-ffp-contract=off", "-fno-builtin-pow", "-fno-math-errno"]
# Tapes are compared by tolerance and may fuse.
TAPE_FLAGS = [*IEEE, "-O3", "-std=c11", "-ffp-contract=fast", "-fno-math-errno", "-fno-trapping-math", "-Wno-psabi"]
LINK_FLAGS = [*IEEE, "-O2"]
FLUSH_TO_ZERO = {"-mdaz-ftz", "-mpc32", "-mpc64", "-mpc80"}  # start-up code that older compilers have no flag against


class Optional(build_ext):
    def build_extension(self, extension):
        if self.compiler.compiler_type == "msvc":
            extension.extra_compile_args, extension.extra_link_args = ["/O2", "/std:c11", "/fp:precise"], []
        else:
            linker = self.compiler.linker_so
            self.compiler.linker_so = [argument for argument in linker if argument not in FLUSH_TO_ZERO]
        try:
            super().build_extension(extension)
        except Exception as error:
            # No compiler, or one without vector extensions: whatever the reason, the package works without.
            print(f"autograd: {extension.name} in C was not built ({error}); Python serves.", file=sys.stderr)
            self.extensions.remove(extension)


extensions = [
    Extension("autograd._native.core", SOURCES, depends=HEADERS, extra_compile_args=FLAGS, extra_link_args=LINK_FLAGS),
    Extension(
        "autograd._native.tapes",
        sorted(glob("autograd/_native/tape/*.c")),
        depends=[*HEADERS, *glob("autograd/_native/tape/*.h")],
        extra_compile_args=TAPE_FLAGS,
        extra_link_args=LINK_FLAGS,
    ),
]
if sysconfig.get_config_var("Py_GIL_DISABLED"):
    print("autograd: the engine in C is not tested on free-threaded Python; the one in Python serves.", file=sys.stderr)
    extensions = []
setup(ext_modules=extensions, cmdclass={"build_ext": Optional})
