/* baseline_file.h - baseline.json of a version: read when the version loads, written on request. */
#ifndef MODEL_BASELINE_FILE_H
#define MODEL_BASELINE_FILE_H

#include "model/model.h"
#include "model/version.h"
#include "weights/weights.h"

/* m->baseline, from what was loaded and m's names: the shape that every baseline of m must have. */
void baseline_shape_init(struct model *m, const struct network *network,
                         const struct weights *weights);

/* The baseline.json of the version, if there is one, into force. One that is wrong or of other
 * weights is a finding, and the version serves without. */
void baseline_load(struct model *m, const struct version_source *from);

#endif
