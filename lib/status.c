/* status.c - names and texts of enum axon_status, both expanded from AXON_STATUS_LIST.
 *
 * Knows nothing but that list. A value outside of the enum (a caller's cast) reads as "unknown". */
#include "axon/status.h"

const char *axon_status_name(enum axon_status status)
{
    static const char *const names[AXON_STATUS_COUNT] = {
#define ROW(id, name, text) [AXON_##id] = (name),
        AXON_STATUS_LIST(ROW)
#undef ROW
    };

    return (unsigned)status < AXON_STATUS_COUNT ? names[status] : "unknown";
}

const char *axon_status_text(enum axon_status status)
{
    static const char *const texts[AXON_STATUS_COUNT] = {
#define ROW(id, name, text) [AXON_##id] = (text),
        AXON_STATUS_LIST(ROW)
#undef ROW
    };

    return (unsigned)status < AXON_STATUS_COUNT ? texts[status] : "unknown status";
}
