/* The kernels for baseline vectors. */
#define LANES 2
#define SET "baseline"
#define NAME(function) baseline_##function
#include "kernels.h"
