/* advise.h - the step of loading that looks at the network itself: its bounds over the declared
 * range, or the baseline's, units that are proven dead, and advice. */
#ifndef MODEL_ADVISE_H
#define MODEL_ADVISE_H

#include "model/config.h"
#include "model/version.h"
#include "weights/weights.h"

/* Sets m->bounds if the config declares a range or there is a baseline, and m->advice; warnings and
 * errors of it are findings of the version. The weights are those that m->mlp was made of, golden
 * rows are checked. 0, or -1 when out of memory. */
int advise(struct model *m, const struct version_source *from, const struct config *config,
           const struct weights *weights);

#endif
