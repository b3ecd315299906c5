"""Labels as names in C, C++ and Python: labels are data and never become code."""

from __future__ import annotations

import keyword
import re
import unicodedata

from autograd.operations import OPERATIONS

LONGEST_NAME = 40  # compilers may tell names apart by their first 63 characters only

# What a name must not be: words of C and C++, functions and macros of math.h, macros that compilers define, and what
# the frames below call their own.
WORDS = """
alignas alignof and and_eq asm auto bitand bitor bool break case catch char char8_t char16_t char32_t class co_await
co_return co_yield compl concept const const_cast consteval constexpr constinit continue decltype default delete do
double dynamic_cast else enum explicit export extern false float for friend goto if inline int long mutable namespace
new noexcept not not_eq nullptr operator or or_eq private protected public register reinterpret_cast requires restrict
return short signed sizeof static static_assert static_cast struct switch template this thread_local throw true try
typedef typeid typename typeof typeof_unqual union unsigned using virtual void volatile wchar_t while xor xor_eq
acos acosh asin asinh atan atan2 atanh cbrt ceil copysign cos cosh erf erfc exp exp2 expm1 fabs fdim floor fma fmax
fmin fmod frexp hypot ilogb ldexp lgamma llrint llround log log10 log1p log2 logb lrint lround modf nan nearbyint
nextafter nexttoward pow remainder remquo rint round scalbln scalbn sin sinh sqrt tan tanh tgamma trunc
fpclassify isfinite isgreater isgreaterequal isinf isless islessequal islessgreater isnan isnormal isunordered signbit
NAN INFINITY NULL EOF DOMAIN SING OVERFLOW UNDERFLOW PLOSS TLOSS X_TLOSS HUGE linux unix i386 arm mips sparc sun vax
main abs math ieee ieee_divide ieee_power inputs parameters outputs inputs_bar parameters_bar outputs_bar
"""
TAKEN = frozenset([*WORDS.split(), *keyword.kwlist, *OPERATIONS])
LIBRARY = """
 j0 j1 jn y0 y1 yn gamma drem finite significand exp10 pow10 scalb sincos abort exit labs llabs imaxabs malloc
calloc realloc free alloca aligned_alloc memchr memcmp memcpy memmove mempcpy memset bcmp bcopy bzero index rindex
strcat strchr strcmp strcpy strcspn strlen strncat strncmp strncpy strnlen strpbrk strrchr strspn strstr strdup
strndup stpcpy stpncpy strcasecmp strncasecmp ffs ffsl ffsll printf fprintf sprintf snprintf vprintf vfprintf
vsprintf vsnprintf puts fputs putc fputc putchar fwrite scanf fscanf sscanf vscanf vfscanf vsscanf isalnum isalpha
isascii isblank iscntrl isdigit isgraph islower isprint ispunct isspace isupper isxdigit toascii tolower toupper
cabs cacos cacosh carg casin casinh catan catanh ccos ccosh cexp cimag clog conj cpow cproj creal csin csinh csqrt
ctan ctanh execl execle execlp execv execve execvp fork dcgettext dgettext gettext strfmon strftime
"""
RESERVED_FUNCTIONS = frozenset(
    LIBRARY.split()
)  # what a function must not be called either: compilers know what these are


def function_identifier(name: str) -> str:
    """A name for a function in C and Python; "f" where there is none.

    >>> [function_identifier(name) for name in ("loss", "y0", "sinf", "<lambda>", "?")]
    ['loss', 'y0_', 'sinf_', 'lambda_', 'f']
    """
    found = identifier(name) or "f"
    known = found in RESERVED_FUNCTIONS or (found[-1] in "fl" and found[:-1] in RESERVED_FUNCTIONS | TAKEN)
    return f"{found}_" if known else found


def identifier(label: str) -> str:
    """A label as a name that is one in C, C++ and Python; "" where nothing of it can be part of a name.

    >>> [identifier(label) for label in ("w[0]", "2x", "int", "été", "σ", "*/ #include", "\\n")]
    ['w_0', 'v_2x', 'int_', 'ete', 'sigma', 'include', '']
    """
    spelled = "".join(map(_spelled, unicodedata.normalize("NFKD", label[: 4 * LONGEST_NAME])))
    name = re.sub(r"[^A-Za-z0-9]+", "_", spelled).strip("_")[:LONGEST_NAME].strip("_")
    if name[:1].isdigit():
        name = f"v_{name}"
    reserved = name in TAKEN or re.match(r"(FP|M|MATH|HUGE|SNAN|op)_|HUGE|SNAN", name)
    return f"{name}_" if reserved else name


def _spelled(character: str) -> str:
    if unicodedata.combining(character):
        return ""
    letter = re.fullmatch(r"GREEK (SMALL|CAPITAL) LETTER (FINAL )?(\w+)", unicodedata.name(character, ""))
    return character if not letter else letter[3].lower() if letter[1] == "SMALL" else letter[3].title()
