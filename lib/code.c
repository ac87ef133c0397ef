/* code.c - the rows of code.def, by the activation that they belong to.
 *
 * Invariant: as many rows as activation.def has, each under its own id. */
#include "axon/code.h"
#include "registry.h"

static const struct axon_code table[AXON_ID_COUNT] = {
#define CODE(id, ...) [AXON_ID_##id] = {__VA_ARGS__},
#include "code.def"
#undef CODE
};

enum {
    ROWS = 0
#define CODE(...) +1
#include "code.def"
#undef CODE
};
_Static_assert((int)ROWS == (int)AXON_ID_COUNT, "a row of activation.def has no row in code.def");

const struct axon_code *axon_activation_code(const struct axon_activation *act)
{
    return &table[axon__activation_id(act)];
}
