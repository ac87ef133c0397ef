/* axon/status.h - every way a call into the math core can end.
 *
 * One row is one outcome. The enum, axon_status_name() and axon_status_text() expand from this
 * list. */
#ifndef AXON_STATUS_H
#define AXON_STATUS_H

#ifdef __cplusplus
extern "C" {
#endif

#define AXON_STATUS_LIST(ROW)                                                      \
    ROW(OK, "ok", "success")                                                       \
    ROW(ENOMEM, "out_of_memory", "memory allocation failed")                       \
    ROW(ESHAPE, "shape_mismatch", "the dimensions do not agree")                   \
    ROW(EPARAM, "invalid_parameter", "a parameter is outside its domain")          \
    ROW(EUNSUPPORTED, "unsupported", "this CPU or this activation cannot do that") \
    ROW(EOVERLAP, "overlap", "an output overlaps an input")                        \
    ROW(EALIGN, "misaligned", "an array does not begin where a float may")

#define AXON_STATUS_ROW(id, name, text) AXON_##id,
enum axon_status { AXON_STATUS_LIST(AXON_STATUS_ROW) AXON_STATUS_COUNT };
#undef AXON_STATUS_ROW

/* Stable snake_case name. Never NULL; static storage. */
const char *axon_status_name(enum axon_status status);

/* One English sentence without a full stop. Never NULL; static storage. */
const char *axon_status_text(enum axon_status status);

#ifdef __cplusplus
}
#endif

#endif
